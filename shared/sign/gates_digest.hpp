// What an attestation vouches for beside the tree: the digest of a stage's gate definitions. The hook
// computes it from what it ran, a host from the tree's own .tidegate.yaml; only equal digests count, so gates
// that were weakened for one run prove nothing.
#pragma once

#include "shared/doc/value.hpp"

#include <string>
#include <string_view>

namespace tidegate::shared {

inline constexpr std::string_view kGatesFile = ".tidegate.yaml";

// SHA-256 (64 hex digits) of the canonical form of `root`, the document as the tree has it, of which only `stage`
// is kept below `stages`. Files it stands on (`extends`, `folders`) are named in it, and are fixed by the tree or by
// the id of their commit. Canonical: keys sorted, every scalar as its kind and how it was written, every text and list
// with its length; comments, order of keys, indentation and quoting style do not count. NotFound where the document
// has no such stage and nothing that could define it elsewhere.
[[nodiscard]] Result<std::string> gates_digest(const Value& root, std::string_view stage);

}  // namespace tidegate::shared
