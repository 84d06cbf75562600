// What the hook executable does for each of git's hooks, for the files hook*.cpp alone.
#pragma once

#include "hooks/attest.hpp"
#include "hooks/config/git_hook.hpp"
#include "hooks/session.hpp"

#include <unistd.h>

namespace tidegate::hooks {

// How git called us.
struct HookCall {
    std::string stage;
    const GitHook* hook = nullptr;
    std::string hook_path;               // as git called us; empty: by hand
    std::vector<std::string> arguments;  // what git gave the hook
    char** chained_argv = nullptr;
    std::string input;   // read to its end, where the hook has one
    int cancel_fd = -1;  // not owned
};

// Standard output may be a pipe that somebody parses (git push --porcelain).
inline constexpr int kHookFace = STDERR_FILENO;

// A line for the person; nothing for an empty one.
void say(const std::string& line);
[[nodiscard]] SessionOptions session_options(const HookCall& call);
// What git gave the hook, for the gates.
void hand_over(const HookCall& call, Target& target);
// For a stage that is attested by itself: whom it is trusted by, and `options` to judge what that takes. nullptr where
// it is not.
[[nodiscard]] Result<std::unique_ptr<Proofs>> attest_if_asked(const Repository& repo,
                                                              const std::string& stage,
                                                              SessionOptions& options);
// The exit code of a run, after attesting it where that is asked for (not for a push, which brings its own).
[[nodiscard]] int finish(const Repository& repo, const StageRun& run, const Proofs* proofs);

// pre-commit, pre-merge-commit, prepare-commit-msg, commit-msg: on the index's tree.
[[nodiscard]] Result<int> gate_index(const Repository& repo, const HookCall& call);
// pre-push: on what the remote lacks.
[[nodiscard]] Result<int> gate_push(const Repository& repo, const HookCall& call);
// pre-rebase: on the tip that is to be rebased.
[[nodiscard]] Result<int> gate_rebase(const Repository& repo, const HookCall& call);
// pre-receive, update: on what a push brings here.
[[nodiscard]] Result<int> gate_receive(const Repository& repo, const HookCall& call);
// post-checkout, post-merge, post-rewrite: on HEAD's tree. Nothing is stopped any more: gives 0, or 130.
[[nodiscard]] Result<int> run_after(const Repository& repo, const HookCall& call);

}  // namespace tidegate::hooks
