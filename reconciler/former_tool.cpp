#include "reconciler/former_tool.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kMostLog = 16 << 20;
constexpr size_t kMostRevision = 4096;

bool is_there(int dir, const char* name) {
    struct stat info {};
    return fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

// The text of a file that may be there; empty where it is not, or is no plain file.
std::string text_of(int dir, const std::string& path, size_t limit) {
    const auto text = read_file_beneath(dir, path, limit);
    return text ? *text : std::string();
}

std::optional<std::string> commit_of(std::string_view text) {
    std::string id(trim(text.substr(0, text.find('\n'))));
    std::transform(id.begin(), id.end(), id.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    const bool good =
        id.size() >= 7 && id.size() <= 64 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
    return good ? std::optional(id) : std::nullopt;
}

bool contradicts(const std::string& a, const std::string& b) {
    return !a.starts_with(b) && !b.starts_with(a);
}

// What the tool's own log says beside REVISION, which lies in the release itself.
void add_logged(FormerTool& tool, const std::optional<LoggedRelease>& logged, const std::string& file) {
    if (!logged) return;
    tool.by = logged->by;
    const auto commit = commit_of(logged->commit);
    if (!commit) return;
    if (!tool.commit) {
        tool.commit = commit;
        tool.said_by = file;
    } else if (contradicts(*tool.commit, *commit)) {
        tool.doubts.push_back(tool.said_by + " says " + tool.commit->substr(0, 12) + ", " + file + " says " +
                              commit->substr(0, 12));
    }
}

}  // namespace

std::optional<LoggedRelease> in_revisions_log(std::string_view text, std::string_view release) {
    std::optional<LoggedRelease> found;
    const auto deployed = " deployed as release " + std::string(release) + " by ";
    for (const auto line : lines_of(text)) {
        const auto at = line.find("(at ");
        const auto as = line.find(deployed);
        const auto end = at == std::string_view::npos ? at : line.find(')', at);
        if (end == std::string_view::npos || as == std::string_view::npos || end > as) continue;
        found = LoggedRelease{std::string(line.substr(at + 4, end - at - 4)),
                              std::string(trim(line.substr(as + deployed.size())))};
    }
    return found;
}

std::optional<LoggedRelease> in_releases_log(std::string_view text, std::string_view release) {
    std::optional<LoggedRelease> found;
    for (const auto line : lines_of(text)) {
        const auto entry = parse_json(line, {64 << 10, 8});
        if (!entry || !entry->is(Value::Kind::Map)) continue;
        const auto field = [&](std::string_view key) {
            const Value* value = entry->find(key);
            return value != nullptr && value->is(Value::Kind::Text) ? value->text() : std::string();
        };
        if (field("release_name") == release) found = LoggedRelease{field("target"), field("user")};
    }
    return found;
}

Result<FormerTool> read_former_tool(const AppRoot& root, const ReleaseId& release) {
    FormerTool tool;
    const Fd folder = TRY(root.open_release(release));
    tool.commit = commit_of(text_of(folder.get(), "REVISION", kMostRevision));
    if (tool.commit) tool.said_by = "REVISION";
    const bool deployer = is_there(root.fd(), ".dep");
    if (deployer) {
        tool.name = "Deployer";
        add_logged(tool, in_releases_log(text_of(root.fd(), ".dep/releases_log", kMostLog), release.str()),
                   ".dep/releases_log");
        if (is_there(root.fd(), ".dep/deploy.lock"))
            tool.doubts.emplace_back("Deployer is at work or left its lock: .dep/deploy.lock");
        if (is_there(root.fd(), "release"))
            tool.doubts.emplace_back("Deployer is at work or gave up: there is a link `release`");
    } else if (is_there(root.fd(), "revisions.log") || is_there(root.fd(), "repo")) {
        tool.name = "Capistrano";
        add_logged(tool, in_revisions_log(text_of(root.fd(), "revisions.log", kMostLog), release.str()),
                   "revisions.log");
        // Capistrano makes the new link here before it takes the old one's place.
        if (is_there(root.releases_fd(), "current"))
            tool.doubts.emplace_back("Capistrano is at work or gave up: there is a link releases/current");
    }
    return tool;
}

}  // namespace tidegate::reconciler
