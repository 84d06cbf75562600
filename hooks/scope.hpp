// How much of the tree a run must look at that is to be attested. An attestation speaks of the whole tree; a gate with
// `files` looks at what changed. Both are true only where the tree that was changed is proven itself.
#pragma once

#include "hooks/engine.hpp"
#include "hooks/proof.hpp"

namespace tidegate::hooks {

struct Scope {
    bool all_files = false;  // the change is not enough
    bool all_together =
        false;        // it is for gates that judge file by file, not for those that judge files together
    std::string why;  // "the base d3adbee is not attested"; empty where the change is enough
};
[[nodiscard]] Result<Scope> scope_to_attest(const Repository& repo, Prepared& prepared, Proofs& proofs);

}  // namespace tidegate::hooks
