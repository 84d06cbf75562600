#include "hooks/snapshot_state.hpp"

#include "hooks/cache_folder.hpp"
#include "hooks/snapshot.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <algorithm>
#include <cstdlib>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr std::string_view kFirst = "tidegate snapshot 1";
constexpr std::string_view kLast = "end";

const std::string& boot_id() {
    static const std::string kBoot(trim(read_file("/proc/sys/kernel/random/boot_id", 4096).value_or("")));
    return kBoot;
}

std::string from_environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

SnapshotState parse_state(std::string_view text) {
    SnapshotState state;
    const auto lines = lines_of(text);
    if (lines.size() < 4 || lines.front() != kFirst || lines.back() != kLast || !text.ends_with('\n'))
        return state;
    bool clean = false;
    if (std::count(lines.begin(), lines.end(), kLast) != 1) return state;  // torn: the end of an older one
    for (const auto line : lines) {
        const auto space = line.find(' ');
        const auto key = line.substr(0, space);
        const auto value = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
        if (key == "boot" && value != boot_id()) return {};
        if (key == "clean") clean = value == "yes";
        if (key == "tree") state.tree = value;
        if (key == "index") state.index = value;
        if (key == "setup") state.setup.emplace_back(value);
        if (key == "link") state.links.emplace_back(value);
    }
    state.clean = clean && !state.tree.empty();
    return state;
}

std::string format_state(const SnapshotState& state) {
    std::string text = std::string(kFirst) + "\nboot " + boot_id() + "\nclean " +
                       (state.clean ? "yes" : "no ") + "\ntree " + state.tree + "\nindex " + state.index +
                       "\n";
    for (const auto& key : state.setup) text += "setup " + key + "\n";
    for (const auto& link : state.links) text += "link " + link + "\n";
    return text + std::string(kLast) + "\n";
}

Result<std::string> snapshots_dir(const Repository& repo) {
    auto base = from_environment("TIDEGATE_SNAPSHOTS");
    if (base.empty()) {
        const auto setting = repo.settings.find("snapshots");
        if (setting != repo.settings.end()) base = setting->second;
    }
    if (base.empty()) {
        const auto cache = cache_folder();
        if (!cache.empty()) base = cache + "/tidegate/snapshots";
    }
    if (!base.starts_with('/') || (base + "/").find("/.git/") != std::string::npos)
        return fail(ErrorKind::Invalid,
                    base.empty() ? "nowhere to keep snapshots: there is no home folder"
                                 : "snapshots cannot be kept in " + escape_foreign(base),
                    "name an absolute folder, outside of any .git: git config tidegate.snapshots "
                    "/var/cache/tidegate");
    while (base.size() > 1 && base.ends_with('/')) base.pop_back();
    return base;
}

Result<SnapshotsFolder> snapshots_of(const Repository& repo) {
    const auto base = TRY(snapshots_dir(repo));
    auto from = repo.work_tree.empty() ? repo.git_dir : repo.work_tree;
    const auto slash = from.rfind('/');
    auto name = slash == std::string::npos ? from : from.substr(slash + 1);
    if (name.empty() || name == ".git") name = "tree";
    return SnapshotsFolder{
        base + "/" + name + "-" + sha256_hex(repo.git_dir + "\n" + repo.work_tree).substr(0, 12), name};
}

}  // namespace tidegate::hooks
