// A file's bytes as they lie in the page cache, not copied. For files that are replaced by a rename, never written in
// place: what is mapped stays what it was. A small file is copied, which costs less than a mapping.
#pragma once

#include "shared/base/error.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::hooks {

class FileMap {
  public:
    // Invalid when it is longer than `limit` bytes or no plain file, NotFound.
    [[nodiscard]] static Result<FileMap> open(const std::string& path, size_t limit);
    FileMap() = default;
    FileMap(FileMap&& other) noexcept
        : bytes_(std::exchange(other.bytes_, {})), copy_(std::exchange(other.copy_, {})) {}
    FileMap& operator=(FileMap&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(copy_, other.copy_);
        return *this;
    }
    ~FileMap();

    [[nodiscard]] std::string_view bytes() const { return bytes_; }
    // Takes the first `end` bytes out of this process's memory until they are looked at again.
    void put_aside(size_t end) const;

  private:
    explicit FileMap(std::string_view bytes) : bytes_(bytes) {}
    std::string_view bytes_;
    std::vector<char> copy_;  // what bytes_ are of, where nothing is mapped
};

}  // namespace tidegate::hooks
