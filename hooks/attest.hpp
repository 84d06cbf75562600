// From a stage that passed to a signed attestation in refs/tidegate/attestations.
#pragma once

#include "hooks/attestation_store.hpp"
#include "hooks/engine.hpp"
#include "hooks/trust.hpp"

#include <string>
#include <vector>

namespace tidegate::hooks {

// Whether a hook attests `stage` by itself: the stages of `git config tidegate.attest` (by blank or comma;
// "none" for none), else pre-push alone. A commit is made often and pushed later, and signing costs a process.
[[nodiscard]] bool attests(const Repository& repo, std::string_view stage);

// What a run vouches for.
[[nodiscard]] Result<shared::TestResult> test_result(const StageRun& run, shared::WallTime finished);

// Signs and keeps an attestation for each run. All must have passed and speak of their whole tree, without a skipped
// gate (Denied otherwise). What the same key has vouched for already, with the same gates, is not signed again.
// Gives how many were signed; fails with what is wrong with `key` where something is to be signed.
[[nodiscard]] Result<size_t> attest(const Repository& repo, const std::vector<const StageRun*>& runs,
                                    const Result<SigningKey>& key);

// What the hook of a push does at its end: attest(), then push to `remote` what it lacks. Nothing of that stops
// the push: what came of it is the line for a person that this gives (empty where there was nothing to attest).
// Cancelled is the only error.
[[nodiscard]] Result<std::string> attest_push(const Repository& repo,
                                              const std::vector<const StageRun*>& runs,
                                              const Result<SigningKey>& key, const std::string& remote,
                                              int cancel_fd);

// Brings what is kept here to `remote` where it is not known to have it. Errors of the network are the line for a
// person that this gives; Cancelled is the only error.
[[nodiscard]] Result<std::string> bring_proofs(const Repository& repo, const std::string& remote,
                                               int cancel_fd);

}  // namespace tidegate::hooks
