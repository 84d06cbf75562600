#include "reconciler/bare_store.hpp"

#include "reconciler/release_files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr int kManyPacks = 16;
constexpr Duration kLocal{120'000};  // for git commands that ask no remote
constexpr Duration kLockSlice{100};

bool is_left_by_a_kill(const std::string& name) {
    if (name.ends_with(".lock")) return true;
    for (const char* begin : {"tmp_pack_", "tmp_idx_", "tmp_rev_", "tmp_objdir-", "fast_import_crash_"})
        if (name.starts_with(begin)) return true;
    return false;
}

Result<void> remove_leftovers(int dir, int depth) {
    for (const auto& name : TRY(list_dir(dir))) {
        struct stat info {};
        if (fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (is_left_by_a_kill(name)) {
            TRY(remove_tree(dir, name));
        } else if (S_ISDIR(info.st_mode) && depth > 0) {
            const Fd below = TRY(open_beneath(dir, name, O_RDONLY | O_DIRECTORY));
            TRY(remove_leftovers(below.get(), depth - 1));
        }
    }
    return {};
}

}  // namespace

Result<BareStore> BareStore::open(std::string path, std::string description) {
    TRY(make_dirs(std::filesystem::path(path).parent_path().string(), 0700));
    BareStore store(TRY(Git::find(GitConfig::Closed)), std::move(path), std::move(description));
    // Whoever works on it now has prepared it.
    const auto locked = Lock::take(store.path_ + ".lock");
    if (locked)
        TRY(store.prepare());
    else if (locked.error().kind != ErrorKind::Locked)
        return fail(locked.error());
    return store;
}

// Two apps of one source wait for each other.
Result<Lock> BareStore::lock(Duration patience, int cancel_fd) const {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (true) {
        auto taken = Lock::take(path_ + ".lock", kLockSlice);
        if (taken || taken.error().kind != ErrorKind::Locked) return taken;
        if (std::chrono::steady_clock::now() >= end) {
            taken.error().kind = ErrorKind::Transient;
            return taken;
        }
        TRY(check_cancelled(cancel_fd));
    }
}

// Made beside its place and renamed: a store is there whole or not at all.
Result<void> BareStore::make() const {
    const auto fresh = path_ + ".new";
    TRY(remove_tree(fresh));
    GitCall call;
    call.args = {"init", "--quiet", "--bare", "--template=", "-b", "main", "--", fresh};
    TRY(git_.output(call));
    TRY(write_file_atomic(fresh + "/description", description_ + "\n", 0600));
    if (chmod(fresh.c_str(), 0700) != 0 || rename(fresh.c_str(), path_.c_str()) != 0)
        return fail_errno("cannot make the mirror " + path_);
    return {};
}

// What is wrong with the folder itself, empty for nothing.
Result<std::string> BareStore::sane() const {
    struct stat info {};
    for (const char* name : {"/HEAD", "/config", "/objects", "/refs"})
        if (stat((path_ + name).c_str(), &info) != 0) return std::string(name + 1) + " is missing";
    for (const char* name : {"/objects/info/alternates", "/objects/info/http-alternates"})
        if (exists(path_ + name)) return std::string("it borrows objects from elsewhere");
    if (lstat(path_.c_str(), &info) != 0) return fail_errno("cannot open the mirror " + path_);
    if (!S_ISDIR(info.st_mode)) return std::string("it is not a folder");
    if (info.st_uid != geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(ErrorKind::Permission, "others may write the mirror: " + path_,
                    "it is safe to remove it: it is fetched again");
    return std::string();
}

Result<void> BareStore::prepare() const {
    if (exists(path_)) {
        const auto wrong = TRY(sane());
        if (!wrong.empty()) TRY(move_aside());
    }
    if (!exists(path_)) TRY(make());
    for (const auto& [folder, depth] :
         {std::pair{"", 0}, {"/objects", 0}, {"/objects/pack", 0}, {"/refs", 8}}) {
        const auto dir = open_dir(path_ + folder);
        if (dir) TRY(remove_leftovers(dir->get(), depth));
    }
    return {};
}

Result<void> BareStore::move_aside() const {
    const auto aside = path_ + ".broken";
    TRY(remove_tree(aside));
    if (rename(path_.c_str(), aside.c_str()) != 0 && errno != ENOENT)
        return fail_errno("cannot set the broken mirror aside: " + path_);
    return {};
}

Result<void> BareStore::set_aside() const {
    const auto locked = TRY(lock(kLocal, -1));
    TRY(move_aside());
    return prepare();
}

Result<void> BareStore::keep_only(const std::vector<Oid>& ids) const {
    const auto locked = TRY(lock(kLocal, -1));
    TRY(prepare());
    GitCall call;
    call.git_dir = path_;
    call.timeout = kLocal;
    call.args = {"for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", std::string(kCommitRefs),
                 std::string(kTagRefs)};
    std::string deletions;
    const auto refs = TRY(git_.output(call));
    for (const auto line : lines_of(refs)) {
        const bool wanted = std::any_of(ids.begin(), ids.end(), [&](const Oid& id) {
            return line.find(id.str()) != std::string_view::npos;
        });
        if (!wanted) deletions += "delete " + std::string(line.substr(0, line.find(' '))) + "\n";
    }
    if (deletions.empty()) return {};
    call.args = {"update-ref", "--stdin"};
    call.input = deletions;
    TRY(git_.output(call));
    call.input.clear();
    // Each fetch makes a pack: they are put together, without what is forgotten, when there are many.
    call.args = {"-c",      "gc.auto=6700",        "-c", "gc.autoPackLimit=" + std::to_string(kManyPacks),
                 "-c",      "gc.autoDetach=false", "gc", "--auto",
                 "--quiet", "--prune=now"};
    TRY(git_.output(call));
    return {};
}

}  // namespace tidegate::reconciler
