// Built-in checks of a gate, on blobs: no checkout, no process but one `git cat-file`.
#pragma once

#include "hooks/plan.hpp"
#include "hooks/report/sarif.hpp"

namespace tidegate::hooks {

struct InProcessResult {
    size_t problems = 0;
    std::vector<reports::Finding> findings;
    std::string output;  // "path:line:column: what" each, escaped; at most 1000 of them
};
// `target.entries` must hold the tree where a check compares paths; it is read where it is missing.
[[nodiscard]] Result<InProcessResult> run_in_process(const Repository& repo, const PlannedGate& gate,
                                                     Target& target);

}  // namespace tidegate::hooks
