// One blob of a repository as a new file. Small ones go through memory, large ones stream: memory stays flat.
#pragma once

#include "reconciler/release_files.hpp"
#include "shared/repo/repo.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <string>

namespace tidegate::reconciler {

// A blob of more bytes than this is never held in memory whole.
inline constexpr std::uint64_t kLargeBlob = 8ULL << 20;

struct BlobFile {
    shared::Oid blob;
    std::uint64_t size = 0;
    mode_t mode = 0444;
    Owner owner{};
    std::string shown;  // for messages
    int cancel_fd = -1;
};

// Writes `name` in `dir`; Exists where that is taken. Broken where the object is missing, corrupt, or has another size.
[[nodiscard]] Result<struct stat> write_blob_file(const shared::Repo& repo, int dir, const std::string& name,
                                                  const BlobFile& file);

}  // namespace tidegate::reconciler
