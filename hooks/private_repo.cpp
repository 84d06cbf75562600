#include "hooks/private_repo.hpp"

#include "shared/base/files.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kSmallFile = 4 << 20;
constexpr size_t kRefsLimit = 256 << 20;

Result<void> write_where_it_differs(const std::string& path, std::string_view bytes) {
    const auto there = read_file(path, kSmallFile);
    if (there && *there == bytes) return {};
    return write_quickly(path, bytes);
}

// Copies a small file, or removes the copy where the original is not there.
Result<void> mirror(const std::string& from, const std::string& to) {
    const auto bytes = read_file(from, kRefsLimit);
    if (bytes) return write_where_it_differs(to, *bytes);
    unlink(to.c_str());
    return {};
}

std::string config_quote(std::string_view value) {
    std::string text = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') text += '\\';
        if (c == '\n')
            text += "\\n";
        else
            text += c;
    }
    return text + "\"";
}

// What partial clones fetch missing objects from; the one more thing git reads only from a repository's own file.
std::string promisor_of(const Repository& repo) {
    for (const auto line : lines_of(repo.config)) {
        auto text = trim(line);
        if (text.size() < 13 || strncasecmp(text.data(), "partialclone", 12) != 0) continue;
        const auto equals = text.find('=');
        if (equals != std::string_view::npos) return std::string(trim(text.substr(equals + 1)));
    }
    return {};
}

// Git LFS puts in the content that the clone has, read through a link, and leaves pointers where it would have to
// download it: nobody waits for that in a hook. Where its program is gone all of them stay pointers, for git would give
// up at the first.
Result<void> lend_large_files(const PrivateRepo& own, const Repository& repo) {
    const auto link = own.git_dir + "/lfs/objects";
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(link, gone).string();
    if (target == repo.common_dir + "/lfs/objects") return {};
    TRY(remove_tree(own.git_dir + "/lfs"));
    TRY(make_dirs(own.git_dir + "/lfs", 0755));
    if (symlink((repo.common_dir + "/lfs/objects").c_str(), link.c_str()) != 0)
        return fail_errno("cannot link " + escape_foreign(link));
    return {};
}

std::string config_of(const PrivateRepo& own, const Repository& repo, bool large_files) {
    const auto promisor = promisor_of(repo);
    const bool extended = repo.sha256 || !promisor.empty();
    const bool plain = escape_foreign(repo.work_tree) == repo.work_tree;  // a comment ends with its line
    std::string text = std::string(kSnapshotOf) + (plain ? repo.work_tree : std::string()) +
                       "\n# Written by tidegate before every run.\n[core]\n\trepositoryformatversion = ";
    text += extended ? "1\n[extensions]\n" : "0\n";
    if (repo.sha256) text += "\tobjectFormat = sha256\n";
    if (!promisor.empty()) text += "\tpartialClone = " + promisor + "\n";
    text += "[include]\n\tpath = " + config_quote(repo.common_dir + "/config") + "\n";
    if (exists(repo.git_dir + "/config.worktree"))
        text += "\tpath = " + config_quote(repo.git_dir + "/config.worktree") + "\n";
    text += "[core]\n\tbare = false\n\tworktree = " + config_quote(own.checkout) +
            "\n\thooksPath = /dev/null\n\tfsmonitor = false\n\tsplitIndex = false\n\tsparseCheckout = false\n"
            "\tsparseCheckoutCone = false\n\tlogAllRefUpdates = false\n"
            "[index]\n\tversion = 2\n\tsparse = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
            "[submodule]\n\trecurse = false\n" +
            (large_files && find_program("git-lfs", repo.work_tree)
                 ? "[lfs]\n\turl = file:///nonexistent\n\tskipdownloaderrors = true\n"
                 : "[filter \"lfs\"]\n\tsmudge =\n\tprocess =\n\trequired = false\n");
    return text;
}

std::string stamp_of(const std::string& path) {
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0) return "none";
    return std::to_string(info.st_ino) + " " + std::to_string(info.st_size) + " " +
           std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

// Where refs lie and how their files look. A ref is written by a rename, so each file is another one then, and its
// folder has another time.
struct Refs {
    std::map<std::string, std::string> files;    // stamps by name; packed-refs too
    std::map<std::string, std::string> folders;  // "refs", "refs/heads", …
};

constexpr std::string_view kPacked = "packed-refs";

void walk_refs(const std::string& root, const std::string& below, Refs& refs) {
    const auto path = root + "/" + below;
    refs.folders[below] = stamp_of(path);
    const Handle<DIR, closedir> folder(opendir(path.c_str()));
    if (!folder) return;
    while (const dirent* entry = readdir(folder.get())) {
        const std::string name = entry->d_name;
        if (name == "." || name == ".." || name.ends_with(".lock")) continue;
        auto inner = below;
        inner += "/" + name;
        if (inner == "refs/tidegate" || inner == "refs/stash" || inner == "refs/bisect") continue;
        if (entry->d_type == DT_DIR)
            walk_refs(root, inner, refs);
        else
            refs.files[inner] = stamp_of(root + "/" + inner);
    }
}

Refs refs_in(const std::string& root) {
    Refs refs;
    walk_refs(root, "refs", refs);
    refs.files[std::string(kPacked)] = stamp_of(root + "/" + std::string(kPacked));
    return refs;
}

// What the last copy was made of, and what it left: a ref that a gate has made is as good a reason to copy anew as one
// that the user has.
std::string format_refs(const Refs& theirs, const Refs& ours) {
    std::string text;
    for (const auto& [name, stamp] : theirs.files) text += "from " + name + " " + stamp + "\n";
    for (const auto& [name, stamp] : ours.folders) text += "folder " + name + " " + stamp + "\n";
    return text + "packed " + ours.files.at(std::string(kPacked)) + "\nend\n";
}

std::map<std::string, std::string> files_copied(std::string_view text) {
    std::map<std::string, std::string> files;
    for (const auto line : lines_of(text)) {
        if (!line.starts_with("from ")) continue;
        const auto blank = line.find(' ', 5);
        if (blank != std::string_view::npos) files.emplace(line.substr(5, blank - 5), line.substr(blank + 1));
    }
    return files;
}

Result<void> copy_ref(const PrivateRepo& own, const Repository& repo, const std::string& name, bool is_new) {
    if (name == kPacked) return mirror(repo.common_dir + "/" + name, own.git_dir + "/" + name);
    const auto value = read_file(repo.common_dir + "/" + name, 4096);
    if (!value) return {};  // gone meanwhile
    const auto path = own.git_dir + "/" + name;
    if (is_new) TRY(make_dirs(path.substr(0, path.rfind('/')), 0755));
    return write_over(path, *value);
}

// With the folders it leaves empty: another ref may get such a name.
Result<void> drop_ref(const PrivateRepo& own, const std::string& name) {
    TRY(remove_tree(own.git_dir + "/" + name));
    auto folder = name.substr(0, name.rfind('/'));
    while (folder != "refs/heads" && folder != "refs/tags" && folder.starts_with("refs/") &&
           rmdir((own.git_dir + "/" + folder).c_str()) == 0)
        folder = folder.substr(0, folder.rfind('/'));
    return {};
}

Result<void> copy_refs(const PrivateRepo& own, const Repository& repo) {
    const auto stamp_file = own.git_dir + "/tidegate-refs";
    const auto theirs = refs_in(repo.common_dir);
    const auto ours = refs_in(own.git_dir);
    const auto known = read_file(stamp_file, kRefsLimit).value_or("");
    if (known == format_refs(theirs, ours)) return {};

    Refs before;
    before.files = files_copied(known);
    auto& copied = before.files;
    if (known != format_refs(before, ours)) {  // ours are not as they were left
        TRY(remove_tree(own.git_dir + "/refs"));
        TRY(make_dirs(own.git_dir + "/refs/heads", 0755));
        TRY(make_dirs(own.git_dir + "/refs/tags", 0755));
        copied.clear();
    }
    // First what went: "topic" may have become "topic/one".
    bool same_names = !copied.empty();  // then folders, which are all that is kept of ours, stay as they are
    for (const auto& [name, stamp] : copied) {
        if (theirs.files.contains(name)) continue;
        TRY(drop_ref(own, name));
        same_names = false;
    }
    for (const auto& [name, stamp] : theirs.files) {
        const auto found = copied.find(name);
        if (found != copied.end() && found->second == stamp) continue;
        const bool is_new = found == copied.end() || !ours.files.contains(name);
        TRY(copy_ref(own, repo, name, is_new));
        same_names = same_names && !is_new && name != kPacked;
    }
    return write_over(stamp_file, format_refs(theirs, same_names ? ours : refs_in(own.git_dir)));
}

Result<void> set_head(const PrivateRepo& own, const Repository& repo, const Target& target) {
    const bool on_branch = !target.commit && !repo.branch.empty();
    if (!on_branch && target.head)
        return write_where_it_differs(own.git_dir + "/HEAD", target.head->str() + "\n");
    const auto branch = repo.branch.empty() ? std::string("refs/heads/main") : repo.branch;
    TRY(write_where_it_differs(own.git_dir + "/HEAD", "ref: " + branch + "\n"));
    if (!target.head) return {};
    // Times of folders are coarse: whatever they say, HEAD is right.
    const auto path = own.git_dir + "/" + branch;
    const auto line = target.head->str() + "\n";
    if (const auto there = read_file(path, 4096); there && *there == line) return {};
    TRY(make_dirs(path.substr(0, path.rfind('/')), 0755));
    return write_quickly(path, line);
}

}  // namespace

Result<void> write_quickly(const std::string& path, std::string_view bytes) {
    const auto temporary = path + ".tmp";
    {
        const Fd file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (!file) return fail_errno("cannot write " + escape_foreign(temporary));
        TRY(write_all(file.get(), bytes, temporary));
    }
    if (rename(temporary.c_str(), path.c_str()) != 0)
        return fail_errno("cannot write " + escape_foreign(path));
    return {};
}

Result<void> write_over(const std::string& path, std::string_view bytes) {
    const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0) return fail_errno("cannot write " + escape_foreign(path));
    TRY(write_all(file.get(), bytes, path));
    // Not made empty first: ext4 would flush what follows.
    const auto size = static_cast<off_t>(bytes.size());
    if (info.st_size > size && ftruncate(file.get(), size) != 0)
        return fail_errno("cannot write " + escape_foreign(path));
    return {};
}

Result<void> refresh(const PrivateRepo& own, const Repository& repo, const Target& target,
                     const std::vector<std::string>& excluded) {
    if (!exists(own.git_dir + "/objects/info")) TRY(make_dirs(own.git_dir + "/objects/info", 0755));
    if (!exists(own.git_dir + "/info")) TRY(make_dirs(own.git_dir + "/info", 0755));
    std::string alternates = repo.common_dir + "/objects\n";
    for (const auto& folder : repo.object_dirs) alternates += folder + "\n";
    TRY(write_where_it_differs(own.git_dir + "/objects/info/alternates", alternates));
    const bool large_files = exists(repo.common_dir + "/lfs/objects");
    if (large_files) TRY(lend_large_files(own, repo));
    TRY(write_where_it_differs(own.git_dir + "/config", config_of(own, repo, large_files)));
    TRY(copy_refs(own, repo));
    TRY(set_head(own, repo, target));

    std::string exclude = read_file(repo.common_dir + "/info/exclude", kSmallFile).value_or("");
    if (!exclude.empty() && !exclude.ends_with('\n')) exclude += '\n';
    for (const auto& path : excluded) exclude += "/" + path + "\n";
    TRY(write_where_it_differs(own.git_dir + "/info/exclude", exclude));
    TRY(mirror(repo.common_dir + "/info/attributes", own.git_dir + "/info/attributes"));
    return mirror(repo.common_dir + "/shallow", own.git_dir + "/shallow");
}

}  // namespace tidegate::hooks
