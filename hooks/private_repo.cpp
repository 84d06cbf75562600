#include "hooks/private_repo.hpp"

#include "shared/base/files.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <strings.h>

#include <algorithm>

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
    const auto config = read_file(repo.common_dir + "/config", kSmallFile).value_or("");
    for (const auto line : lines_of(config)) {
        auto text = trim(line);
        if (text.size() < 13 || strncasecmp(text.data(), "partialclone", 12) != 0) continue;
        const auto equals = text.find('=');
        if (equals != std::string_view::npos) return std::string(trim(text.substr(equals + 1)));
    }
    return {};
}

std::string config_of(const PrivateRepo& own, const Repository& repo) {
    const auto promisor = promisor_of(repo);
    const bool extended = repo.sha256 || !promisor.empty();
    std::string text = "# Written by tidegate before every run.\n[core]\n\trepositoryformatversion = ";
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
            "[submodule]\n\trecurse = false\n"
            "[filter \"lfs\"]\n\tsmudge =\n\tprocess =\n\trequired = false\n";
    return text;
}

void add_stamp(std::string& stamps, const std::string& path) {
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0) return;
    stamps += path + " " + std::to_string(info.st_ino) + " " + std::to_string(info.st_size) + " " +
              std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + "\n";
}

// Folders below refs/ (with their times) and the loose refs in them. A ref is written by a rename in its folder, so
// the folders' times tell whether any was.
void walk_refs(const std::string& root, const std::string& below, std::string& stamps,
               std::vector<std::string>& refs) {
    const auto path = root + "/" + below;
    add_stamp(stamps, path);
    const Handle<DIR, closedir> folder(opendir(path.c_str()));
    if (!folder) return;
    while (const dirent* entry = readdir(folder.get())) {
        const std::string name = entry->d_name;
        if (name == "." || name == ".." || name.ends_with(".lock")) continue;
        auto inner = below;
        inner += "/" + name;
        if (inner == "refs/tidegate" || inner == "refs/stash" || inner == "refs/bisect") continue;
        if (entry->d_type == DT_DIR)
            walk_refs(root, inner, stamps, refs);
        else
            refs.push_back(inner);
    }
}

// Both sides' stamps: a ref that a gate has made is as good a reason to copy anew as one that the user has.
std::string refs_stamp(const PrivateRepo& own, const Repository& repo, std::vector<std::string>& refs) {
    std::string stamps;
    walk_refs(repo.common_dir, "refs", stamps, refs);
    add_stamp(stamps, repo.common_dir + "/packed-refs");
    std::vector<std::string> ours;
    walk_refs(own.git_dir, "refs", stamps, ours);
    add_stamp(stamps, own.git_dir + "/packed-refs");
    return stamps;
}

Result<void> copy_refs(const PrivateRepo& own, const Repository& repo) {
    const auto stamp_file = own.git_dir + "/tidegate-refs";
    std::vector<std::string> refs;
    const auto stamp = refs_stamp(own, repo, refs);
    const auto known = read_file(stamp_file, kRefsLimit);
    if (known && *known == stamp) return {};

    TRY(remove_tree(own.git_dir + "/refs"));
    TRY(make_dirs(own.git_dir + "/refs/heads", 0755));
    TRY(make_dirs(own.git_dir + "/refs/tags", 0755));
    TRY(mirror(repo.common_dir + "/packed-refs", own.git_dir + "/packed-refs"));
    for (const auto& ref : refs) {
        const auto value = read_file(repo.common_dir + "/" + ref, 4096);
        if (!value) continue;  // gone meanwhile
        const auto path = own.git_dir + "/" + ref;
        TRY(make_dirs(path.substr(0, path.rfind('/')), 0755));
        const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        if (!file) return fail_errno("cannot copy the ref " + escape_foreign(ref));
        TRY(write_all(file.get(), *value, path));
    }
    refs.clear();
    return write_quickly(stamp_file, refs_stamp(own, repo, refs));
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
    TRY(make_dirs(path.substr(0, path.rfind('/')), 0755));
    return write_where_it_differs(path, target.head->str() + "\n");
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

Result<void> refresh(const PrivateRepo& own, const Repository& repo, const Target& target,
                     const std::vector<std::string>& excluded) {
    if (!exists(own.git_dir + "/objects/info")) TRY(make_dirs(own.git_dir + "/objects/info", 0755));
    if (!exists(own.git_dir + "/info")) TRY(make_dirs(own.git_dir + "/info", 0755));
    std::string alternates = repo.common_dir + "/objects\n";
    for (const auto& folder : repo.object_dirs) alternates += folder + "\n";
    TRY(write_where_it_differs(own.git_dir + "/objects/info/alternates", alternates));
    TRY(write_where_it_differs(own.git_dir + "/config", config_of(own, repo)));
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
