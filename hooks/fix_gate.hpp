// One gate's fix: what it makes of the tree's files, as blobs. Nothing of the user's is touched.
#pragma once

#include "hooks/fix_index.hpp"
#include "hooks/fix_scratch.hpp"
#include "hooks/run.hpp"

#include <set>

namespace tidegate::hooks {

// By a command of its own, or because one of its built-in checks knows what is right.
[[nodiscard]] bool can_fix(const Gate& gate);

struct GateFix {
    std::vector<FixedFile> files;
    std::vector<std::string> notes;  // what the fix did and was not taken, one line each
};

struct FixContext {
    const Repository& repo;
    const Scratch& scratch;
    const Cache& cache;
    Watcher& watcher;
    RunOptions options;
    const std::set<std::string>* only =
        nullptr;  // paths that may be fixed; nullptr: all that the gate is run on
};

// Runs the fix of `planned` on its files of the target's tree. A command runs in the stage's snapshot; what counts is
// what it made of regular files of the change that the gate matches. Other files, new and removed ones, modes and
// links are left as they are, and told of. A fix that does not end by itself counts for nothing.
[[nodiscard]] Result<GateFix> run_fix(const FixContext& context, const Stage& stage,
                                      const PlannedGate& planned, Target& target);

}  // namespace tidegate::hooks
