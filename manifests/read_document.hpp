// A manifest, and the branch's tidegate.yaml, out of a text that was parsed. Inside of manifests/ only: others ask
// parse_manifest() and parse_branch_rules().
#pragma once

#include "manifests/branch.hpp"
#include "manifests/manifest.hpp"
#include "shared/doc/yaml.hpp"

namespace tidegate::manifests {

[[nodiscard]] Result<Manifest> read_manifest(const shared::Document& document);
[[nodiscard]] Result<BranchRules> read_branch_rules(const shared::Document& document);

}  // namespace tidegate::manifests
