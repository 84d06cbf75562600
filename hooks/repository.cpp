#include "hooks/repository.hpp"

#include "hooks/config_files.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <cctype>
#include <climits>
#include <cstdlib>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kConfigLimit = 4 << 20;
constexpr size_t kPackedRefsLimit = 256 << 20;

std::string absolute(const std::string& base, const std::string& path) {
    return path.starts_with('/') ? path : base + "/" + path;
}

// Without links, "." and ".."; as it was where that cannot be told.
std::string real(const std::string& path) {
    char buffer[PATH_MAX];
    return realpath(path.c_str(), buffer) != nullptr ? std::string(buffer) : path;
}

std::string from_environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

bool is_git_dir(const std::string& path) {
    return exists(path + "/HEAD") && (exists(path + "/objects") || exists(path + "/commondir"));
}

// What a .git file says: "gitdir: PATH".
std::optional<std::string> gitdir_of_file(const std::string& file, const std::string& folder) {
    const auto text = read_file(file, 64 << 10);
    if (!text || !text->starts_with("gitdir: ")) return std::nullopt;
    return absolute(folder, std::string(trim(std::string_view(*text).substr(8))));
}

struct Place {
    std::string work_tree;
    std::string git_dir;
    bool real = false;  // both paths are without links
};

// From a folder named by its real path.
Result<Place> discover(std::string folder) {
    for (;; folder = folder.substr(0, std::max<size_t>(folder.rfind('/'), 1))) {
        const auto dot_git = folder + "/.git";
        struct stat info {};
        const bool there = lstat(dot_git.c_str(), &info) == 0;
        const bool link = there && S_ISLNK(info.st_mode);
        if (there && (!link || stat(dot_git.c_str(), &info) == 0)) {
            if (S_ISDIR(info.st_mode) && is_git_dir(dot_git)) return Place{folder, dot_git, !link};
            if (S_ISREG(info.st_mode))
                if (auto target = gitdir_of_file(dot_git, folder)) return Place{folder, *target, false};
        }
        if (is_git_dir(folder) && exists(folder + "/refs")) {
            if (folder.ends_with("/.git")) return Place{folder.substr(0, folder.size() - 5), folder, true};
            return Place{{}, folder, true};
        }
        if (folder == "/" || folder.rfind('/') == std::string::npos)
            return fail(ErrorKind::NotFound, "not in a git repository", "go into one, or name it: -C DIR");
    }
}

// The keys of [extensions] in a repository's configuration, lower case; git itself reads them without includes.
std::map<std::string, std::string> extensions_in(std::string_view config) {
    std::map<std::string, std::string> found;
    bool inside = false;
    for (const auto raw : lines_of(config)) {
        auto line = std::string(trim(raw));
        if (line.starts_with('[')) {
            std::transform(line.begin(), line.end(), line.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            inside = line.starts_with("[extensions");
            continue;
        }
        const auto equals = line.find('=');
        if (!inside || line.empty() || line.front() == '#' || line.front() == ';') continue;
        auto key = std::string(trim(line.substr(0, equals)));
        std::transform(key.begin(), key.end(), key.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        found[key] = equals == std::string::npos ? "true" : std::string(trim(line.substr(equals + 1)));
    }
    return found;
}

// A ref out of packed-refs.
std::optional<Oid> packed_ref(const std::string& common_dir, const std::string& name) {
    const auto packed = read_file(common_dir + "/packed-refs", kPackedRefsLimit);
    if (!packed) return std::nullopt;
    const auto needle = " " + name + "\n";
    const auto at = packed->find(needle);
    if (at == std::string::npos) return std::nullopt;
    const auto line = packed->rfind('\n', at) + 1;  // npos + 1 is 0
    auto oid = Oid::parse(std::string_view(*packed).substr(line, at - line));
    return oid ? std::optional(*oid) : std::nullopt;
}

// Where HEAD points, from git's files (gitrepository-layout(5)).
bool read_head(Repository& repo) {
    auto text = read_file(repo.git_dir + "/HEAD", 64 << 10);
    for (int depth = 0; text && depth < 6; ++depth) {
        const std::string value(trim(*text));
        if (!value.starts_with("ref: ")) {
            auto oid = Oid::parse(value);
            if (!oid) return false;
            repo.head = *oid;
            return true;
        }
        const auto name = value.substr(5);
        if (!RefName::parse(name)) return false;
        repo.branch = name;
        text = read_file(repo.common_dir + "/" + name, 64 << 10);
        if (!text) {
            repo.head = packed_ref(repo.common_dir, name);
            return true;
        }
    }
    return false;
}

// The same by git, for ref storages we do not know.
Result<void> ask_for_head(Repository& repo) {
    const auto symbolic = TRY(repo.git.run(repo.call({"symbolic-ref", "-q", "HEAD"})));
    repo.branch = symbolic.ok() ? std::string(trim(symbolic.out)) : "";
    const auto head = TRY(repo.git.run(repo.call({"rev-parse", "-q", "--verify", "HEAD^{commit}"})));
    repo.head.reset();
    if (head.ok()) repo.head = TRY(Oid::parse(trim(head.out)));
    return {};
}

bool is_ever_asked(const std::string& name) {
    return name.starts_with("tidegate.") || name == "user.signingkey" || name == "gpg.format" ||
           name == "gpg.ssh.program" || name == "gpg.ssh.allowedsignersfile";
}

// From git's files where they are plain, else by one child for all that is ever asked: ours, and those about keys.
Result<std::map<std::string, std::string>> ask_for_settings(const Repository& repo) {
    if (!exists(repo.git_dir + "/config.worktree"))
        if (auto read = settings_from_files(repo.git.path(), repo.config, is_ever_asked)) return *read;
    const auto exit = TRY(repo.git.run(repo.call(
        {"config", "-z", "--get-regexp",
         "^(tidegate\\..*|user\\.signingkey|gpg\\.format|gpg\\.ssh\\.(program|allowedsignersfile))$"})));
    std::map<std::string, std::string> settings;
    for (const auto entry : split(exit.out, '\0')) {
        const auto newline = entry.find('\n');
        if (entry.empty()) continue;
        settings[std::string(entry.substr(0, newline))] =
            newline == std::string_view::npos ? "true" : std::string(entry.substr(newline + 1));
    }
    return settings;
}

Result<void> read_settings(Repository& repo) {
    constexpr std::string_view kOurs = "tidegate.";
    repo.key_settings = TRY(ask_for_settings(repo));
    for (const auto& [name, value] : *repo.key_settings)
        if (name.starts_with(kOurs)) repo.settings[name.substr(kOurs.size())] = value;
    return {};
}

// Folders in GIT_ALTERNATE_OBJECT_DIRECTORIES: parted by colons, in double quotes where one holds a colon.
std::vector<std::string> alternates_in(std::string_view list) {
    std::vector<std::string> folders(1);
    bool quoted = false;
    for (size_t i = 0; i < list.size(); ++i) {
        const char c = list[i];
        if (c == '"' && (quoted || folders.back().empty()))
            quoted = !quoted;
        else if (c == '\\' && quoted && i + 1 < list.size())
            folders.back() += list[++i];
        else if (c == ':' && !quoted)
            folders.emplace_back();
        else
            folders.back() += c;
    }
    std::erase(folders, "");
    return folders;
}

void take_object_folders(Repository& repo, const std::string& here) {
    constexpr const char* kOwn = "GIT_OBJECT_DIRECTORY";
    constexpr const char* kOthers = "GIT_ALTERNATE_OBJECT_DIRECTORIES";
    if (const auto own = from_environment(kOwn); !own.empty()) {
        repo.object_dirs.push_back(absolute(here, own));
        repo.object_env[kOwn] = repo.object_dirs.back();
    }
    const auto others = from_environment(kOthers);
    if (others.empty()) return;
    std::string list;
    for (const auto& folder : alternates_in(others)) {
        repo.object_dirs.push_back(absolute(here, folder));
        list += list.empty() ? "\"" : ":\"";
        for (const char c : repo.object_dirs.back())
            list += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
        list += '"';
    }
    repo.object_env[kOthers] = list;
}

}  // namespace

Result<Repository> Repository::open(const std::string& directory) {
    char buffer[PATH_MAX];
    if (getcwd(buffer, sizeof buffer) == nullptr)
        return shared::fail_errno("cannot tell the working directory");
    const std::string here = directory.empty() ? std::string(buffer) : real(absolute(buffer, directory));
    const auto env = [&](const char* name) {
        return directory.empty() ? from_environment(name) : std::string();
    };

    Place place;
    const auto given = env("GIT_DIR");
    if (given.empty()) {
        place = TRY(discover(here));
    } else {
        place.git_dir = absolute(here, given);
        const auto work_tree = env("GIT_WORK_TREE");
        place.work_tree = work_tree.empty() ? here : absolute(here, work_tree);
        if (!is_git_dir(place.git_dir))
            return fail(ErrorKind::NotFound, "GIT_DIR is no repository: " + escape_foreign(given));
        if (real(place.work_tree) == real(place.git_dir)) place.work_tree.clear();
    }

    const auto work_tree = place.work_tree.empty() || place.real ? place.work_tree : real(place.work_tree);
    Repository repo(TRY(Git::find(GitConfig::User, work_tree)));
    repo.work_tree = work_tree;
    repo.git_dir = place.real ? place.git_dir : real(place.git_dir);
    const auto common = read_file(repo.git_dir + "/commondir", 64 << 10);
    repo.common_dir = common ? real(absolute(repo.git_dir, std::string(trim(*common)))) : repo.git_dir;
    if (directory.empty()) take_object_folders(repo, here);
    const auto index = env("GIT_INDEX_FILE");
    repo.index_file = index.empty() ? repo.git_dir + "/index" : absolute(here, index);

    repo.config = read_file(repo.common_dir + "/config", kConfigLimit).value_or("");
    const auto extensions = extensions_in(repo.config);
    const auto format = extensions.find("objectformat");
    repo.sha256 = format != extensions.end() && format->second == "sha256";
    if (extensions.contains("refstorage") || !read_head(repo)) TRY(ask_for_head(repo));
    const bool has_settings = repo.config.find("tidegate") != std::string::npos ||
                              repo.config.find("[include") != std::string::npos ||
                              extensions.contains("worktreeconfig");
    if (has_settings) TRY(read_settings(repo));
    repo.merging = exists(repo.git_dir + "/MERGE_HEAD");
    repo.rebasing = exists(repo.git_dir + "/rebase-merge") || exists(repo.git_dir + "/rebase-apply");
    return repo;
}

Result<std::map<std::string, std::string>> Repository::settings_of_user() const {
    if (key_settings) return *key_settings;
    return ask_for_settings(*this);
}

GitCall Repository::call(std::vector<std::string> args) const {
    GitCall call;
    call.args = std::move(args);
    call.git_dir = git_dir;
    if (!work_tree.empty()) call.work_tree = work_tree;
    call.timeout = std::chrono::minutes(10);
    call.output_limit = 1U << 30;
    call.cancel_fd = cancel_fd;
    call.env = object_env;
    return call;
}

std::string Repository::branch_name() const {
    constexpr std::string_view kHeads = "refs/heads/";
    return branch.starts_with(kHeads) ? branch.substr(kHeads.size()) : branch;
}

}  // namespace tidegate::hooks
