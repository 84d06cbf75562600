#include "hooks/cache.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kKeyLength = 64;
constexpr off_t kLongestMemory = 8 << 20;
constexpr size_t kMostDefinitions = 256;

bool is_key(std::string_view line) {
    return line.size() == kKeyLength && line.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void add_script(Sha256& hash, const Script& script) {
    hash.field(script.shell);
    hash.field(std::to_string(script.argv.size()));
    for (const auto& word : script.argv) hash.field(word);
}

// The newer half, in place of the whole.
Result<void> shorten(const std::string& path) {
    const auto text = TRY(read_file(path, 1U << 30));
    const auto middle = text.find('\n', text.size() / 2);
    return write_file_atomic(path, std::string_view(text).substr(std::min(middle, text.size())), 0644);
}

void forget_oldest(const std::string& directory) {
    const auto dir = open_dir(directory);
    if (!dir) return;
    const auto names = list_dir(dir->get());
    if (!names || names->size() <= kMostDefinitions) return;
    std::vector<std::pair<time_t, std::string>> aged;
    for (const auto& name : *names) {
        struct stat info {};
        if (fstatat(dir->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
            aged.emplace_back(info.st_mtime, name);
    }
    std::sort(aged.begin(), aged.end());
    for (size_t i = 0; i + kMostDefinitions < aged.size(); ++i)
        unlinkat(dir->get(), aged[i].second.c_str(), 0);
}

}  // namespace

std::unordered_set<std::string> Cache::passed(const std::string& definition) const {
    std::unordered_set<std::string> keys;
    const auto text = read_file(directory_ + "/" + definition, 64U << 20);
    if (!text) return keys;
    for (const auto line : lines_of(*text))
        if (is_key(line)) keys.emplace(line);
    return keys;
}

Result<void> Cache::remember(const std::string& definition, const std::vector<std::string>& inputs) const {
    if (inputs.empty()) return {};
    const auto path = directory_ + "/" + definition;
    Fd file(open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
    if (!file) {
        TRY(make_dirs(directory_, 0755));
        forget_oldest(directory_);
        file.reset(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    }
    if (!file) return fail_errno("cannot remember what passed in " + directory_);
    std::string lines = "\n";  // ends a torn line before it
    for (const auto& input : inputs) lines += input + "\n";
    TRY(write_all(file.get(), lines, path));
    struct stat info {};
    if (fstat(file.get(), &info) == 0 && info.st_size > kLongestMemory) return shorten(path);
    return {};
}

Cache::Size Cache::size() const {
    Size size;
    const auto dir = open_dir(directory_);
    if (!dir) return size;
    for (const auto& name : list_dir(dir->get()).value_or(std::vector<std::string>())) {
        const auto keys = passed(name);
        ++size.definitions;
        size.inputs += keys.size();
        struct stat info {};
        if (fstatat(dir->get(), name.c_str(), &info, 0) == 0)
            size.bytes += static_cast<std::uint64_t>(info.st_size);
    }
    return size;
}

Result<void> Cache::clear() const {
    return remove_tree(directory_);
}

std::string definition_key(const Gate& gate, const Stage& stage, std::string_view tool_version) {
    Sha256 hash;
    hash.field("tidegate gate 1");
    hash.field(gate.definition);
    hash.field(std::to_string(gate.env.size()));
    for (const auto& [name, value] : gate.env) {
        hash.field(name);
        hash.field(value);
    }
    if (gate.builtins.empty()) {
        hash.field(std::to_string(stage.setup.size()));
        for (const auto& setup : stage.setup) {
            add_script(hash, setup.run);
            if (!setup.folder.empty()) hash.field("in " + setup.folder);
        }
        hash.field(join(stage.link, "\n"));
    }
    hash.field(tool_version);
    return hash.finish_hex();
}

std::string input_key(const std::vector<const TreeEntry*>& entries) {
    Sha256 hash;
    hash.field("entries");
    for (const auto* entry : entries) {
        hash.field(entry->path);
        hash.field(std::to_string(static_cast<std::uint32_t>(entry->mode)));
        hash.field(entry->oid.str());
    }
    return hash.finish_hex();
}

std::string input_key(const Oid& tree) {
    Sha256 hash;
    hash.field("tree");
    hash.field(tree.str());
    return hash.finish_hex();
}

bool is_tool_settings(std::string_view path) {
    const auto slash = path.rfind('/');
    const auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (name.starts_with('.') && name != kConfigFile) return true;
    constexpr std::array<std::string_view, 17> kNames{
        "package.json", "tsconfig.json", "jsconfig.json", "deno.json", "biome.json",    "pyproject.toml",
        "setup.cfg",    "setup.py",      "tox.ini",       "mypy.ini",  "pytest.ini",    "ruff.toml",
        "Cargo.toml",   "rustfmt.toml",  "clippy.toml",   "go.mod",    "CMakeLists.txt"};
    if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) return true;
    return name.find(".config.") != std::string_view::npos;  // eslint.config.js, prettier.config.mjs
}

}  // namespace tidegate::hooks
