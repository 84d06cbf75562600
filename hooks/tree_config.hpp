// The configuration of a tree, with all it stands on; and what the next commit's would be.
#pragma once

#include "hooks/config/config.hpp"
#include "hooks/target.hpp"

namespace tidegate::hooks {

// Everything out of the tree itself (the target's entries are filled in where they are needed), pinned files out of
// the cache or from where they are, one's own changes out of the working tree. NotFound only where the tree has no
// .tidegate.yaml.
[[nodiscard]] Result<Config> tree_config(const Repository& repo, Target& target);

// The same of the files in the working tree, to look at before they are committed. `text` is that of its
// .tidegate.yaml. With `all`, every mistake is put there.
[[nodiscard]] Result<Config> work_tree_config(const Repository& repo, std::string file, std::string text,
                                              std::vector<Error>* all = nullptr);

// The gates of a server's own, which a push does not choose: `from` is /FILE, or REV:PATH of this repository, out of
// whose tree everything it stands on is read, too. NotFound where a revision or file is not there.
[[nodiscard]] Result<Config> server_config(const Repository& repo, const std::string& from);

// .tidegate.local.yaml; nothing where there is none, and where CI is set: nobody's own changes count there.
[[nodiscard]] Result<std::optional<std::string>> local_config(const Repository& repo);

}  // namespace tidegate::hooks
