// Reads archives: tar, plain or packed with gzip, zstd or xz, and zip; by libarchive, which only decodes here.
// Nothing is written: whoever reads decides what becomes of an entry. Whatever could be used to leave the folder that
// an archive is unpacked in, or is no file, folder or link, refuses the whole archive.
#pragma once

#include "shared/base/error.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tidegate::shared {

struct ArchiveLimits {
    std::uint64_t bytes = 64ULL << 30;      // of all files together, unpacked
    std::uint64_t file_bytes = 4ULL << 30;  // of one
    std::uint64_t entries = 1'000'000;
};

struct ArchiveEntry {
    enum class Type { File, Folder, SymbolicLink, HardLink };
    Type type = Type::File;
    std::string path;    // relative, without "." and empty parts; no ".." in it; never empty
    std::string target;  // of a symbolic link: its text; of a hard link: a path as above
    bool executable = false;
    std::uint64_t size = 0;  // of a file
};

enum class Take { Content, Nothing };

struct ArchiveVisitor {
    // Each entry as it comes. For a file with Take::Content its bytes follow, in pieces, `size` in all.
    std::function<Result<Take>(const ArchiveEntry&)> entry;
    std::function<Result<void>(std::string_view)> content;
    std::function<Result<void>()> end_of_file;  // all of the file's content was given
};

// Reads the archive from the file `fd` (at its beginning, seekable, not owned). Invalid for what is no such archive,
// is damaged or encrypted, passes a limit, unpacks to far more than it is (a bomb), or holds a name that is absolute,
// has "..", a NUL or more than 4096 bytes, a device, a fifo, a socket, or a file with setuid or setgid. Cancelled.
// Whatever a visitor says no with ends it, too.
[[nodiscard]] Result<void> read_archive(int fd, const ArchiveLimits& limits, int cancel_fd,
                                        const ArchiveVisitor& visitor);

// The most that an archive of `packed` bytes may unpack to, in bytes of all files together; what goes beyond is refused.
[[nodiscard]] std::uint64_t most_unpacked(std::uint64_t packed);

// A name in an archive as ArchiveEntry::path has it; empty for the top ("./"). Invalid as above.
[[nodiscard]] Result<std::string> archive_path(std::string_view name);

}  // namespace tidegate::shared
