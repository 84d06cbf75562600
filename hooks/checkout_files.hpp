// Files of a checkout, removed and written as git would, where contents are written as they are.
#pragma once

#include "hooks/repository.hpp"
#include "hooks/tree_entry.hpp"

#include <sys/stat.h>

#include <array>

namespace tidegate::hooks {

struct OldFile {
    std::string path;
    std::string stat;  // as in the index: what the file must still be
};
struct NewFile {
    TreeEntry entry;
    std::string old;   // of the plain file that it is written over, as OldFile::stat; empty: none is there
    std::string stat;  // set by write_files()
};

// The 40 bytes of an index entry for a file that was looked at: gitformat-index(5).
class IndexStat {
  public:
    IndexStat(const struct stat& info, FileMode mode);
    [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }

  private:
    std::array<char, 40> bytes_;
};

// Removes files and the folders they leave empty. False where one is not what its index says.
[[nodiscard]] Result<bool> remove_files(int root, const std::vector<OldFile>& files);
// Writes files: over those that are there as `old` says, else where nothing is. Contents come from the working tree where it has the very blob, else from
// git. False where something else is in the way, or a file is larger than this process should hold.
[[nodiscard]] Result<bool> write_files(int root, const Repository& repo, std::vector<NewFile>& files);

}  // namespace tidegate::hooks
