#include "hooks/as_is.hpp"

#include "hooks/blob_id.hpp"
#include "hooks/tree.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <set>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLimit = 1 << 20;
constexpr size_t kMostIncluded = 50;
constexpr std::array<std::string_view, 8> kSettings{
    "autocrlf", "eol", "attributesfile", "symlinks", "ignorecase", "protecthfs", "protectntfs", "checkstat"};
constexpr std::array<std::string_view, 5> kAttributes{"eol", "crlf", "filter", "ident",
                                                      "working-tree-encoding"};

std::string lowered(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

template <typename Words>
bool mentions(std::string_view text, const Words& words) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

// Reads configuration and what it includes, whatever an include's condition says.
class Settings {
  public:
    // False where a file mentions what matters, or cannot be read though it is there.
    bool harmless(const std::string& path) {
        if (!seen_.insert(path).second) return true;
        if (seen_.size() > kMostIncluded) return false;
        const auto bytes = read_file(path, kLimit);
        return bytes ? harmless(path, *bytes) : bytes.error().kind == ErrorKind::NotFound;
    }
    bool harmless(const std::string& path, const std::string& bytes) {
        seen_.insert(path);
        const auto text = lowered(bytes);
        if (mentions(text, kSettings)) return false;
        if (text.find("[include") == std::string::npos) return true;
        const auto lines = lines_of(bytes);  // a path keeps its case
        return std::all_of(lines.begin(), lines.end(),
                           [&](std::string_view line) { return harmless_line(trim(line), path); });
    }

  private:
    bool harmless_line(std::string_view line, const std::string& file) {
        if (line.starts_with('[') && line.find(']') != std::string_view::npos &&
            lowered(line).starts_with("[include"))
            line = trim(line.substr(line.find(']') + 1));  // a setting may follow on the same line
        const auto equals = line.find('=');
        if (equals == std::string_view::npos || lowered(trim(line.substr(0, equals))) != "path") return true;
        auto value = std::string(trim(line.substr(equals + 1)));
        if (value.find_first_of("\\#;%") != std::string::npos) return false;
        std::erase(value, '"');
        if (value.starts_with("~/"))
            value = environment("HOME") + value.substr(1);
        else if (value.starts_with('~'))
            return false;
        if (!value.starts_with('/')) value = file.substr(0, file.rfind('/') + 1) + value;
        return harmless(value);
    }

    std::set<std::string> seen_;
};

// <prefix>/etc of a git that lies in <prefix>/bin; Debian's is /etc.
std::vector<std::string> system_folders(const std::string& git) {
    std::vector<std::string> folders{"/etc"};
    char buffer[PATH_MAX];
    const std::string real = realpath(git.c_str(), buffer) != nullptr ? buffer : git;
    for (const auto& path : {git, real}) {
        const auto bin = path.rfind("/bin/");
        if (bin != std::string::npos) folders.push_back(path.substr(0, bin) + "/etc");
    }
    return folders;
}

// What the command line and the environment set: `git -c core.eol=crlf commit`.
bool called_plainly() {
    const auto parameters = lowered(environment("GIT_CONFIG_PARAMETERS"));
    if (mentions(parameters, kSettings) || parameters.find("include") != std::string::npos) return false;
    return environment("GIT_CONFIG_COUNT").empty() && environment("GIT_ATTR_SOURCE").empty();
}

bool settings_harmless(const Repository& repo, const std::string& user_folder,
                       const std::vector<std::string>& system_folders) {
    Settings settings;
    if (!settings.harmless(repo.common_dir + "/config", repo.config)) return false;
    std::vector<std::string> files{repo.git_dir + "/config.worktree"};
    const auto global = environment("GIT_CONFIG_GLOBAL");
    if (!global.empty()) {
        files.push_back(global);
    } else {
        files.push_back(environment("HOME") + "/.gitconfig");
        files.push_back(user_folder + "/config");
    }
    const auto system = environment("GIT_CONFIG_SYSTEM");
    if (!system.empty()) files.push_back(system);
    for (const auto& folder : system_folders) files.push_back(folder + "/gitconfig");
    return std::all_of(files.begin(), files.end(),
                       [&](const std::string& file) { return settings.harmless(file); });
}

bool attributes_harmless(const std::string& path) {
    const auto bytes = read_file(path, kLimit);
    return bytes ? !mentions(*bytes, kAttributes) : bytes.error().kind == ErrorKind::NotFound;
}

// .gitattributes of the tree itself.
bool tree_harmless(const Repository& repo, const IndexFile& tree) {
    std::vector<Oid> elsewhere;
    for (const auto& entry : tree.attributes()) {
        if (!entry.is_file()) continue;  // git does not follow a link there
        const auto text = read_file(repo.work_tree + "/" + entry.path, kLimit);
        if (!text || blob_id(*text, repo.sha256) != entry.oid)
            elsewhere.push_back(entry.oid);
        else if (mentions(*text, kAttributes))
            return false;
    }
    bool harmless = true;
    const auto read =
        read_blobs(repo, elsewhere, kLimit, [&](size_t, std::uint64_t size, const std::string& text) {
            harmless = harmless && size <= kLimit && !mentions(text, kAttributes);
        });
    return read && harmless;
}

}  // namespace

bool checks_out_as_is(const Repository& repo, const IndexFile& tree) {
    const auto xdg = environment("XDG_CONFIG_HOME");
    const auto user_folder = (xdg.empty() ? environment("HOME") + "/.config" : xdg) + "/git";
    const auto systems = system_folders(repo.git.path());
    if (!called_plainly() || !settings_harmless(repo, user_folder, systems)) return false;
    if (!attributes_harmless(repo.common_dir + "/info/attributes") ||
        !attributes_harmless(user_folder + "/attributes") ||
        !std::all_of(systems.begin(), systems.end(), [](const std::string& folder) {
            return attributes_harmless(folder + "/gitattributes");
        }))
        return false;
    return tree_harmless(repo, tree);
}

}  // namespace tidegate::hooks
