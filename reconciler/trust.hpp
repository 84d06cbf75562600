// Who may speak on this host. Policy over a repository's objects and plain values: nothing is fetched,
// written or remembered here. Every refusal is Denied, names the object (commit, manifest, tree, stage, key)
// in its message and what would change it in its hint; it may be shown as it is. Give all of them `now` from
// trusted_time(), never the bare clock.
#pragma once

#include "reconciler/host_config.hpp"
#include "shared/base/clock.hpp"
#include "shared/repo/repo.hpp"
#include "shared/sign/allowed_signers.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::reconciler {

// The `trust:` section of the host's own configuration: the root of trust. A manifest can ask for more.
struct TrustPolicy {
    enum class Manifests { Signed, Unsigned };
    Manifests manifests = Manifests::Signed;
    AttestationRule attestations = AttestationRule::Required;
    int approvals = 0;  // at least this many people beside the author
    // The one commit that may take the place of the accepted revision without descending from it.
    std::optional<shared::Oid> replacement;
};

[[nodiscard]] TrustPolicy trust_policy(const HostConfig& config);

struct VerifiedRevision {
    shared::Oid oid;
    shared::Oid tree;
    std::optional<shared::Signer> signer;  // none where manifests may be unsigned and this one is
    std::string author_name;               // as the commit claims; escape before showing
    std::string author_email;
    std::string summary;
    shared::WallTime committed{};
    std::string payload_sha256;  // hex; what was signed, apart from the commit id; empty where unsigned
};

// The tip of the manifests branch. `accepted`: the last revision this host accepted, nullopt on its first
// day. Forward only: the tip is `accepted` or descends from it, or the policy names it. The tip's signature
// vouches for its whole tree; commits between `accepted` and the tip need none (see docs/trust.md).
[[nodiscard]] Result<VerifiedRevision> verify_revision(const shared::Repo& manifests, const shared::Oid& tip,
                                                       const std::optional<shared::Oid>& accepted,
                                                       const TrustPolicy& policy,
                                                       const shared::AllowedSigners& allowed,
                                                       shared::WallTime now);

// The people beside the author who approved `<environment>/<app>.yaml` as it is in `revision`; Denied where
// they are fewer than `needed` ("1 of 2 approvals (ana@example.com)"). Walks the history of that one file
// when `needed` is above 0: ask once for a revision, not at every tick.
[[nodiscard]] Result<std::vector<shared::Signer>> verify_approvals(
    const shared::Repo& manifests, const shared::Oid& revision, const std::string& environment,
    const std::string& app, int needed, const shared::AllowedSigners& allowed, shared::WallTime now);

// What a release must be attested for.
struct AttestationNeed {
    std::vector<std::string> stages;  // empty: nothing is asked
    int threshold = 1;                // people for each stage
};

// What the host asks and the manifest asks (`require:`), together: `required` asks for pre-push and whatever else
// the manifest names; `when-asked` for what the manifest names; `off` for nothing.
[[nodiscard]] AttestationNeed attestation_need(AttestationRule rule,
                                               const std::vector<std::string>& manifest_stages,
                                               int manifest_threshold);

struct StageProof {
    std::string stage;
    std::vector<shared::Signer> signers;
};

// Whether enough people attested every needed stage of `commit`'s tree. `source` holds the commit and,
// fetched into it, refs/tidegate/attestations. The digest of the gate definitions must be that of the tree's
// own.
[[nodiscard]] Result<std::vector<StageProof>> verify_attestations(const shared::Repo& source,
                                                                  const shared::Oid& commit,
                                                                  const AttestationNeed& need,
                                                                  const shared::AllowedSigners& allowed,
                                                                  shared::WallTime now);

// The same for an archive, by what lies beside it: one envelope a line (<archive>.intoto.jsonl). `source` holds the
// commit that it was unpacked to. An envelope counts if its subject is the archive's SHA-256, or the git tree that the
// archive unpacks to; where the tree has gates of its own, their digest must be in it.
[[nodiscard]] Result<std::vector<StageProof>> verify_archive_attestations(
    const shared::Repo& source, const shared::Oid& commit, const std::string& sha256,
    std::string_view envelopes, const AttestationNeed& need, const shared::AllowedSigners& allowed,
    shared::WallTime now);

// What time it is for questions of trust. Time never goes back: a clock behind what was saved (a dead
// battery, 1970) does not revive an expired key. A leap of more than a year ahead (2100) is used but not
// saved, so that a clock that was wrong once does not expire every key for good.
struct TrustedTime {
    shared::WallTime now{};
    shared::WallTime save{};  // what to keep for the next time
    std::string warning;      // for the log and `doctor`; empty: none
};
[[nodiscard]] TrustedTime trusted_time(std::optional<shared::WallTime> saved, shared::WallTime clock);

}  // namespace tidegate::reconciler
