// Files, folders and links. Everything that must survive a power cut is written as: temporary name, fsync,
// rename, fsync of the folder. Paths that came from outside are opened beneath a folder with openat2(2).
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/error.hpp"
#include "shared/base/fd.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::shared {

// Opens a folder (O_DIRECTORY). Follows links in `path`; paths from configuration only.
[[nodiscard]] Result<Fd> open_dir(const std::string& path);
// Opens `path` below `dir` with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS: no component
// may be a link or lead out. `flags` as for open(2). Falls back to a walk by O_NOFOLLOW where openat2 is
// missing.
[[nodiscard]] Result<Fd> open_beneath(int dir, const std::string& path, int flags, mode_t mode = 0);

// The whole file; Invalid when it is longer than `limit` bytes.
[[nodiscard]] Result<std::string> read_file(const std::string& path, size_t limit);
[[nodiscard]] Result<std::string> read_file_beneath(int dir, const std::string& path, size_t limit);
[[nodiscard]] Result<std::string> read_fd(int fd, size_t limit, const std::string& name);

// All of `bytes`, EINTR and short writes handled. `name` is for the error.
[[nodiscard]] Result<void> write_all(int fd, std::string_view bytes, const std::string& name);

// Replaces `name` in the folder `dir` in one step: after a crash either the old content is there or the new,
// whole and on disk. `name` has no slash.
[[nodiscard]] Result<void> write_file_atomic(int dir, const std::string& name, std::string_view bytes,
                                             mode_t mode);
// The same for a path; the folder must exist.
[[nodiscard]] Result<void> write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode);

// Makes `name` in `dir` a symbolic link to `target` by one rename(2), then fsyncs the folder. Whoever opens
// the link sees the old target or the new one, never none. Refuses (Exists) to replace anything that is not a
// link.
[[nodiscard]] Result<void> replace_symlink(int dir, const std::string& name, const std::string& target);
// The link's text; NotFound where there is nothing, Exists where it is not a link.
[[nodiscard]] Result<std::string> read_link(int dir, const std::string& name);

// A failed fsync is never tried again: the kernel may have dropped the pages, so its success would mean
// nothing.
[[nodiscard]] Result<void> sync_fd(int fd, const std::string& name);
// syncfs(2) of the file system that holds `fd`.
[[nodiscard]] Result<void> sync_file_system(int fd, const std::string& name);

// mkdir -p. Created folders get `mode`; those that exist are left as they are.
[[nodiscard]] Result<void> make_dirs(const std::string& path, mode_t mode);

// Removes `name` below `dir` with all that is in it, without following a link. Nothing there is not an error.
// Folders without write permission are opened up first.
[[nodiscard]] Result<void> remove_tree(int dir, const std::string& name);
[[nodiscard]] Result<void> remove_tree(const std::string& path);

// Names in a folder, sorted, without "." and "..".
[[nodiscard]] Result<std::vector<std::string>> list_dir(int dir);

[[nodiscard]] bool exists(const std::string& path);

// A private folder below $TMPDIR or `parent`, removed with its content when the owner goes.
class TempDir {
  public:
    [[nodiscard]] static Result<TempDir> make(const std::string& prefix, const std::string& parent = {});
    TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TempDir& operator=(TempDir&& other) noexcept;
    ~TempDir();
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    explicit TempDir(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

// An advisory lock (flock) on a file that is created and never removed; gone with the process.
class Lock {
  public:
    // Locked at once when somebody else holds it; with `patience` above zero, after waiting that long.
    [[nodiscard]] static Result<Lock> take(const std::string& path, Duration patience = Duration(0));

  private:
    explicit Lock(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

// The absolute path of a program: the first executable `name` in the absolute folders of PATH, folders at or
// below `never_beneath` left out (a repository must not choose our tools). NotFound with a hint otherwise.
[[nodiscard]] Result<std::string> find_program(const std::string& name,
                                               const std::string& never_beneath = {});

}  // namespace tidegate::shared
