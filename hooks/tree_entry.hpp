// One file of a tree.
#pragma once

#include "shared/base/error.hpp"
#include "shared/base/names.hpp"

#include <cstdint>
#include <string>

namespace tidegate::hooks {

enum class FileMode : std::uint32_t {
    File = 0100644,
    Executable = 0100755,
    Link = 0120000,
    Submodule = 0160000
};

struct TreeEntry {
    std::string path;  // bytes as git has them
    FileMode mode = FileMode::File;
    shared::Oid oid;

    [[nodiscard]] bool is_file() const { return mode == FileMode::File || mode == FileMode::Executable; }
};

}  // namespace tidegate::hooks
