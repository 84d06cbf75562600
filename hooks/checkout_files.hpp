// Files of a checkout, removed and written as git would, where contents are written as they are.
#pragma once

#include "hooks/repository.hpp"
#include "hooks/tree_entry.hpp"

#include <sys/stat.h>

namespace tidegate::hooks {

struct OldFile {
    std::string path;
    std::string stat;  // as in the index: what the file must still be
};
struct NewFile {
    TreeEntry entry;
    std::string stat;  // set by write_files()
};

// The 40 bytes of an index entry for a file that was looked at: gitformat-index(5).
[[nodiscard]] std::string index_stat(const struct stat& info, FileMode mode);

// Removes files and the folders they leave empty. False where one is not what its index says.
[[nodiscard]] Result<bool> remove_files(int root, const std::vector<OldFile>& files);
// Writes files that are not there yet. Contents come from the working tree where it has the very blob, else from
// git. False where something is in the way, or a file is larger than this process should hold.
[[nodiscard]] Result<bool> write_files(int root, const Repository& repo, std::vector<NewFile>& files);

}  // namespace tidegate::hooks
