// The whole configuration of a tree: the file at the top and what it extends, the files of its folders, and one's
// own changes.
#pragma once

#include "hooks/config/compose.hpp"
#include "hooks/config/config.hpp"

namespace tidegate::hooks {

inline constexpr size_t kMostFolders = 1000;

// `text` is that of the file at the top. Errors have the place in the file that has the mistake; with `all`, every
// one of them is put there, the first of which is also what fails.
[[nodiscard]] Result<Config> load_config(std::string file, std::string text, const ConfigSources& sources,
                                         std::vector<Error>* all = nullptr);

}  // namespace tidegate::hooks
