// Whether git would write every blob of a tree to disk byte by byte. Only then can files be written without git.
#pragma once

#include "hooks/index_file.hpp"
#include "hooks/repository.hpp"

namespace tidegate::hooks {

// False wherever something could change contents, or it cannot be told: settings (core.autocrlf, core.eol,
// core.symlinks, …) in any of git's configuration files, what they include or what git was called with;
// attributes (eol, filter, ident, working-tree-encoding) in the tree, in info/attributes or in the user's
// own file. gitattributes(5), git-config(1). Names are looked for, not understood: a comment that mentions one
// is enough for false.
[[nodiscard]] bool checks_out_as_is(const Repository& repo, const IndexFile& tree);

}  // namespace tidegate::hooks
