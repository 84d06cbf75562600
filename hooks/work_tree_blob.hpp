// A blob's content out of the working tree, where mostly the very same bytes lie: that saves asking git for it.
#pragma once

#include "hooks/repository.hpp"
#include "hooks/tree_entry.hpp"

#include <optional>
#include <string>

namespace tidegate::hooks {

// The content of a file or link of a tree, as the file of that name in the working tree has it; its id tells that it is
// the same. nullopt where it is not, or is longer than `limit` bytes: git has it then.
[[nodiscard]] std::optional<std::string> blob_in_work_tree(const Repository& repo, const TreeEntry& entry,
                                                           size_t limit);

}  // namespace tidegate::hooks
