// Whether a disk holds what is about to be written to it.
#pragma once

#include "shared/base/error.hpp"

#include <cstdint>
#include <string>

namespace tidegate::reconciler {

inline constexpr std::uint64_t kDiskBlock = 4096;          // bytes; what a small file takes
inline constexpr std::uint64_t kSpareBytes = 64ULL << 20;  // left free on a file system that releases lie on

struct DiskNeed {
    std::uint64_t bytes = 0;
    std::uint64_t inodes = 0;

    // One file of `size` bytes more.
    void add_file(std::uint64_t size) {
        bytes += (size + kDiskBlock - 1) / kDiskBlock * kDiskBlock;
        ++inodes;
    }
};

// "812 KiB", "64 MiB": rounded up.
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

// Bytes that we may still write to the file system of `fd`.
[[nodiscard]] shared::Result<std::uint64_t> free_bytes(int fd);

// NoSpace, in words ("WHAT needs 3 MiB …"), where the file system of `fd` has no room for that and `spare` bytes.
[[nodiscard]] shared::Result<void> check_room(int fd, const std::string& what, const DiskNeed& need,
                                              std::uint64_t spare);

}  // namespace tidegate::reconciler
