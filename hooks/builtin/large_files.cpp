#include "hooks/builtin/builtin.hpp"

namespace tidegate::hooks::builtin {

// As check-added-large-files, with its 500 KiB; a pointer of Git LFS is small, so what it stands for may be large.
void large_files(const File& file, Problems& problems) {
    constexpr std::uint64_t kMost = 500 << 10;
    if (file.size <= kMost) return;
    problems.push_back(
        {std::string(file.path), 0, 0,
         std::to_string((file.size + 1023) >> 10) + " KiB; at most 500 KiB (use Git LFS, or leave it out)"});
}

}  // namespace tidegate::hooks::builtin
