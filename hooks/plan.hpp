// What would run, decided before anything does: for each gate whether it runs, on which files, or why not.
#pragma once

#include "hooks/cache.hpp"
#include "hooks/config/config.hpp"
#include "hooks/target.hpp"

#include <set>

namespace tidegate::hooks {

enum class Fate {
    Run,
    Cached,   // passed on the same input before
    Empty,    // its files match nothing of the change: counts as good
    Skipped,  // a person said so (TIDEGATE_SKIP, --gate), or `only`/`except`: the stage is not attested
};

struct PlannedGate {
    const Gate* gate = nullptr;
    Fate fate = Fate::Run;
    std::string reason;            // "no matching files", "TIDEGATE_SKIP", "passed on this input before", …
    std::vector<TreeEntry> files;  // those of the change that match and are still to be looked at
    size_t matched = 0;            // those of the change that match
    std::string definition;        // cache key
    bool first = false;            // runs before all that is not
    bool to_fix = false;  // when it fails, what is not `first` does not run: its fix makes another tree
    std::vector<std::string> inputs;  // to remember when it passes: one, or one for each of `files`

    [[nodiscard]] bool in_process() const { return !gate->builtins.empty(); }
};

struct Plan {
    const Stage* stage = nullptr;
    std::vector<PlannedGate> gates;  // in the file's order
    size_t changed_files = 0;        // of the change, deletions not counted
    bool needs_snapshot = false;     // a gate that runs wants a checkout
    std::string scope;        // "judging all 214 files: the base d3adbee is not attested"; may be empty
    std::string config_note;  // something about the plan a person should know; may be empty

    [[nodiscard]] const PlannedGate* find(std::string_view gate) const;
    [[nodiscard]] size_t count(Fate fate) const;
};

struct PlanOptions {
    std::set<std::string> skip;  // names from TIDEGATE_SKIP
    std::set<std::string> only;  // names from --gate, with what they need; empty: all
    bool use_cache = true;
    bool all_files = false;     // every file of the tree counts as changed
    bool all_together = false;  // … for gates that judge their files together
};
// Whether `only` and `except` let the gate run for this target.
[[nodiscard]] bool conditions_hold(const Gate& gate, const Target& target);
// Whether the gate has something to say even where no file of the change is its business: about the branch, say.
[[nodiscard]] bool asked_without_files(const Gate& gate);

// Names in TIDEGATE_SKIP, by comma or space.
[[nodiscard]] std::set<std::string> skip_from_environment();

// `stage` and `target` must outlive the plan; the target's entries and changes are filled in where the plan
// needs them. Invalid where --gate or TIDEGATE_SKIP name a gate the stage has not; Denied where TIDEGATE_SKIP
// names a required one.
[[nodiscard]] Result<Plan> make_plan(const Repository& repo, const Stage& stage, Target& target,
                                     const Cache& cache, const PlanOptions& options);

}  // namespace tidegate::hooks
