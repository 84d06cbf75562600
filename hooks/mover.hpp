// Moves a checkout from one tree to another by their difference, without git: two walks over the indexes, and as
// many files written as differ.
#pragma once

#include "hooks/index_file.hpp"
#include "hooks/private_repo.hpp"

namespace tidegate::hooks {

// The checkout must hold exactly the tree of its index, `from` (files that git ignores aside); afterwards it holds `to`'s, and
// its index too, with every entry's file as fresh as it was written. False where that is git's to do: contents
// that are not written as they are, submodules, files that are not as the old index has them, something in the
// way, too large or too many changes, formats unknown here. Some files may be the new ones already then.
[[nodiscard]] Result<bool> move_checkout(const PrivateRepo& own, const Repository& repo,
                                         const IndexFile& from, const IndexFile& to);

}  // namespace tidegate::hooks
