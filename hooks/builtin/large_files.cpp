#include "hooks/builtin/builtin.hpp"

namespace tidegate::hooks::builtin {

namespace {

std::string shown(std::uint64_t bytes) {
    return bytes < 10'240 ? std::to_string(bytes) + " bytes" : std::to_string((bytes + 1023) >> 10) + " KiB";
}

}  // namespace

// As check-added-large-files, with its 500 KiB: files that the change adds. A pointer of Git LFS is small, so what it
// stands for may be large.
void large_files(const File& file, Problems& problems) {
    if (file.size <= file.options->largest || !(file.added || file.options->also_known)) return;
    problems.push_back(
        {std::string(file.path), 0, 0,
         shown(file.size) + "; at most " + shown(file.options->largest) + " (use Git LFS, or leave it out)"});
}

}  // namespace tidegate::hooks::builtin
