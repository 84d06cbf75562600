// What a gate measured when it was last attested: the value that a benchmark may not fall behind.
#pragma once

#include "hooks/gate_reports.hpp"
#include "hooks/proof.hpp"

namespace tidegate::hooks {

// Out of the nearest ancestor of the target's commit (of HEAD, where it has none) for which a trusted key attests
// `stage` with measures of `gate`; the gates' definitions may have been others. nullopt where none of the last
// thousand is.
[[nodiscard]] Result<std::optional<Baseline>> last_attested(const Repository& repo, const Target& target,
                                                            const std::string& gate, Proofs& proofs);

}  // namespace tidegate::hooks
