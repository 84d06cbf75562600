// Every mistake of a file, for whoever writes it. Hosts want the first one only.
#pragma once

#include "shared/base/error.hpp"

#include <string>
#include <vector>

namespace tidegate::manifests {

// In the order of their places, at most 100; empty where parse_manifest() takes the text.
[[nodiscard]] std::vector<Error> mistakes_of_manifest(const std::string& file, const std::string& text);
// The same for parse_branch_rules().
[[nodiscard]] std::vector<Error> mistakes_of_branch_rules(const std::string& file, const std::string& text);

}  // namespace tidegate::manifests
