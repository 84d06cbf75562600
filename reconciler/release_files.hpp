// Single files of a release: written, hashed, listed. Always beneath a folder's descriptor, no link followed.
#pragma once

#include "reconciler/integrity.hpp"
#include "shared/base/fd.hpp"
#include "shared/base/process.hpp"

#include <sys/stat.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::reconciler {

// Who owns what is written into a release; nullopt: we.
using Owner = std::optional<shared::RunAs>;

// A new file; Exists where the name is taken. `mode` is set as it is, whatever the umask. Nothing is brought to
// disk here: syncfs(2) does that once for the whole release.
[[nodiscard]] Result<struct stat> write_new_file(int dir, const std::string& name, std::string_view content,
                                                 mode_t mode, const Owner& owner, const std::string& shown);
[[nodiscard]] Result<struct stat> write_new_link(int dir, const std::string& name, const std::string& target,
                                                 const std::string& shown);

// The digest of an open file's content as `origin` asks for it: the git blob id (SHA-1 or SHA-256, as long as
// `like`) or the SHA-256.
[[nodiscard]] Result<std::string> digest_of(int fd, Origin origin, size_t like, const std::string& shown);

// Walks every file and link below `dir`, sorted in each folder; paths are relative to it. Invalid for more than
// `most` entries or 200 levels.
[[nodiscard]] Result<void> walk_release(
    int dir, size_t most,
    const std::function<Result<void>(const std::string& path, int folder, const std::string& name,
                                     const struct stat&)>& visit);

// Cancelled when `cancel_fd` is readable.
[[nodiscard]] Result<void> check_cancelled(int cancel_fd);

}  // namespace tidegate::reconciler
