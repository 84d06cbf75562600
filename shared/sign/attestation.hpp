// The chain of proof: an in-toto Statement v1 about a git tree in a DSSE envelope signed with SSHSIG.
//   https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
//   https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md
//   https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/names.hpp"
#include "shared/sign/allowed_signers.hpp"
#include "shared/sign/measure.hpp"
#include "shared/sign/ssh_signer.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::shared {

inline constexpr std::string_view kAttestationNamespace = "tidegate-attestation";
inline constexpr std::string_view kApprovalNamespace = "tidegate-approval";
inline constexpr std::string_view kGitNamespace = "git";
inline constexpr std::string_view kAttestationsRef = "refs/tidegate/attestations";

struct GateResult {
    std::string name;
    std::string outcome;  // "passed", "flaky", "cached", "no-files" (nothing matched), "failed", "skipped"
    Duration took{0};
    std::vector<Measure> measures = {};  // of its benchmarks
};

// What is attested. A gate that was skipped by a person is in `gates` as "skipped" and makes the whole not
// passed.
struct TestResult {
    Oid tree;
    std::optional<Oid> commit;
    std::string
        archive;  // SHA-256 in hex of an archive that this is about as well, or instead of `tree`; or empty
    std::string stage;
    bool passed = false;       // every gate of the stage was run or needed no run, and none failed
    std::string gates_digest;  // SHA-256 in hex of the stage's gate definitions, gates_digest()
    std::vector<GateResult> gates;
    WallTime finished{};
    std::string tool_version;
};

struct Attestation {
    TestResult result;
    std::string payload;                  // the statement's bytes, exactly as signed
    std::vector<std::string> signatures;  // SSHSIG blobs (raw)
};

// DSSE's pre-authentication encoding of a payload of type application/vnd.in-toto+json.
[[nodiscard]] std::string dsse_pae(std::string_view payload_type, std::string_view payload);

// The statement as canonical JSON bytes.
[[nodiscard]] std::string to_statement(const TestResult& result);
// Invalid for anything but at most one gitTree, gitCommit and sha256 subject, each with one digest, a gitTree or a
// sha256 among them (`tree` is null without the first); for other
// types or another predicate; and for a "passed" that its own gates contradict. Fields that in-toto or we may
// add later are passed over.
[[nodiscard]] Result<TestResult> parse_statement(std::string_view payload);

// A whole signed envelope (JSON text, one line).
[[nodiscard]] Result<std::string> sign_attestation(const TestResult& result, const SshSigner& signer);
// Invalid for a malformed envelope. Signatures are not checked here.
[[nodiscard]] Result<Attestation> parse_attestation(std::string_view envelope);
// Every allowed signer of the envelope at `now`, each key once. Denied with the last reason when there is
// none.
[[nodiscard]] Result<std::vector<Signer>> verify_attestation(const Attestation& attestation,
                                                             const AllowedSigners& allowed, WallTime now);

// "4f/4f1c9e2…/pre-push.<64 hex>.json": where refs/tidegate/attestations keeps it.
[[nodiscard]] std::string attestation_path(const Oid& tree, std::string_view stage, const SshPublicKey& key);

}  // namespace tidegate::shared
