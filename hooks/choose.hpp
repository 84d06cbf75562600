// Which files of a change a gate is for.
#pragma once

#include "hooks/config/config.hpp"
#include "hooks/tree.hpp"

namespace tidegate::hooks {

// Those that the change leaves there and `filter` chooses. Contents are read where only they tell a file's type.
[[nodiscard]] Result<std::vector<TreeEntry>> chosen(const Repository& repo, const FileFilter& filter,
                                                    const std::vector<Change>& changes);
// How many it chooses, deleted ones included.
[[nodiscard]] Result<size_t> count_chosen(const Repository& repo, const FileFilter& filter,
                                          const std::vector<Change>& changes);
// Whether the change touches the gate's folder, or what `affected_by` names beside it.
[[nodiscard]] bool concerns(const Gate& gate, const std::vector<Change>& changes);

}  // namespace tidegate::hooks
