#include "hooks/fix_swap.hpp"

#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>

#include <cstdio>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kFileLimit = 1U << 30;

bool holds(int dir, const std::string& name, std::string_view bytes) {
    const Fd fd(openat(dir, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!fd || fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
    const auto there = read_fd(fd.get(), kFileLimit, name);
    return there && *there == bytes;
}

// `to_disk`: what the old file holds is nowhere else, so a power cut must not leave an empty new one.
Result<void> dress_like(const std::string& file, const struct stat& like, bool to_disk) {
    const Fd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) return fail_errno("cannot open " + escape_foreign(file));
    if (geteuid() == 0 && fchown(fd.get(), like.st_uid, like.st_gid) != 0)
        return fail_errno("cannot give a fixed file to its owner");
    if (fchmod(fd.get(), like.st_mode & 07777U) != 0)
        return fail_errno("cannot set the mode of a fixed file");
    return to_disk ? sync_fd(fd.get(), file) : Result<void>();
}

tl::unexpected<Error> changed(const std::string& path) {
    return fail(ErrorKind::Transient, "changed while its fix was being written: " + escape_foreign(path),
                "nothing was fixed; commit again");
}

// Where the working tree and git's folder are on different file systems: the new content first gets a name
// beside the old.
Result<std::string> bring_beside(int folder, std::string_view bytes, const struct stat& like, size_t number) {
    const auto name = ".tidegate-fix-" + std::to_string(getpid()) + "-" + std::to_string(number);
    TRY(write_file_atomic(folder, name, bytes, like.st_mode & 07777U));
    if (geteuid() == 0 &&
        fchownat(folder, name.c_str(), like.st_uid, like.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
        unlinkat(folder, name.c_str(), 0);
        return fail_errno("cannot give a fixed file to its owner");
    }
    return name;
}

}  // namespace

Result<void> Swap::exchange(Done& done, const Replacement& next) {
    struct stat info {};
    const int folder = done.folder.get();
    if (fstatat(folder, done.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
        return changed(next.path);
    done.mode = info.st_mode & 07777U;
    TRY(dress_like(next.content, info, next.edited));
    done.old_dir = AT_FDCWD;
    done.old_file = next.content;
    const auto attempt = [&](unsigned flags) {
        return renameat2(done.old_dir, done.old_file.c_str(), folder, done.name.c_str(), flags) == 0;
    };
    bool swapped = attempt(RENAME_EXCHANGE);
    if (!swapped && errno == EXDEV) {
        done.old_dir = folder;
        done.old_file = TRY(bring_beside(folder, done.new_bytes, info, done_.size()));
        swapped = attempt(RENAME_EXCHANGE);
    }
    // What the name gave away must be what was merged.
    if (swapped && holds(done.old_dir, done.old_file, next.was)) return {};
    const int reason = errno;
    ScopeExit tidy([&] {
        if (done.old_dir == folder) unlinkat(folder, done.old_file.c_str(), 0);
    });
    if (swapped) {
        if (!attempt(RENAME_EXCHANGE)) return fail_errno("cannot put back " + escape_foreign(next.path));
        return changed(next.path);
    }
    if (reason != EINVAL && reason != ENOSYS && reason != ENOTSUP)
        return fail(errno_error("cannot write " + escape_foreign(next.path), reason));
    // A file system that cannot exchange: look, then replace.
    if (!holds(folder, done.name, next.was)) return changed(next.path);
    if (!attempt(0)) return fail_errno("cannot write " + escape_foreign(next.path));
    done.old_file.clear();
    return {};
}

Result<void> Swap::replace(const Replacement& next) {
    const auto slash = next.path.rfind('/');
    Done done;
    done.next = &next;
    done.folder = TRY(open_dir(repo_.work_tree));
    if (slash != std::string::npos)
        done.folder =
            TRY(open_beneath(done.folder.get(), next.path.substr(0, slash), O_RDONLY | O_DIRECTORY));
    done.name = next.path.substr(slash + 1);  // npos + 1 is 0
    done.new_bytes = TRY(read_file(next.content, kFileLimit));
    TRY(exchange(done, next));
    done_.push_back(std::move(done));
    return {};
}

void Swap::keep() {
    for (const auto& done : done_)
        if (done.old_dir == done.folder.get() && !done.old_file.empty())
            unlinkat(done.old_dir, done.old_file.c_str(), 0);
    done_.clear();
}

Swap::~Swap() {
    for (auto done = done_.rbegin(); done != done_.rend(); ++done) {
        const int folder = done->folder.get();
        if (!holds(folder, done->name, done->new_bytes)) continue;  // saved since, on top of the fix
        if (done->old_file.empty())
            (void)write_file_atomic(folder, done->name, done->next->was, done->mode);
        else
            (void)renameat(done->old_dir, done->old_file.c_str(), folder, done->name.c_str());
    }
}

}  // namespace tidegate::hooks
