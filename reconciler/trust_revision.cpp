// Whether the tip of the manifests branch may be followed: who signed it, and that it only moves forward.
#include "reconciler/trust.hpp"
#include "shared/base/text.hpp"
#include "shared/sign/attestation.hpp"
#include "shared/sign/commit_signature.hpp"

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kLongestCommit = 1 << 20;

Result<void> check_signature(const Repo& manifests, const Oid& tip, const AllowedSigners& allowed,
                             WallTime now, VerifiedRevision& revision) {
    auto raw_object = manifests.raw_object(tip, kLongestCommit);
    if (!raw_object && raw_object.error().kind == ErrorKind::Invalid)
        raw_object.error().kind = ErrorKind::Denied;
    const auto raw = TRY(std::move(raw_object));
    const auto commit = TRY(split_signed_commit(raw));
    revision.signer = TRY(verify_signed(allowed, commit.armored, kGitNamespace, commit.payload, now));
    revision.payload_sha256 = commit.payload_sha256;
    return {};
}

// The named commit itself, as often as it is named; what was put on top of it only until it is part of what
// this host accepted, or a line forgotten in the configuration would keep the way back open.
Result<bool> may_replace(const Repo& manifests, const Oid& tip, const Oid& accepted, const Oid& named) {
    if (tip == named) return true;
    if (!manifests.contains(named) || !TRY(manifests.reaches(tip, named))) return false;
    return !manifests.contains(accepted) || !TRY(manifests.reaches(accepted, named));
}

Result<void> check_forward(const Repo& manifests, const Oid& tip, const Oid& accepted,
                           const TrustPolicy& policy) {
    if (manifests.contains(accepted) && TRY(manifests.reaches(tip, accepted))) return {};
    if (policy.replacement && TRY(may_replace(manifests, tip, accepted, *policy.replacement))) return {};
    const bool rewound = manifests.contains(accepted) && TRY(manifests.reaches(accepted, tip));
    const auto how = rewound ? " is older than " : " does not descend from ";
    return fail(
        ErrorKind::Denied,
        "revision " + tip.short_str() + how + accepted.short_str() +
            ", the last one this host accepted: the manifests branch was " +
            (rewound ? "rewound" : "replaced"),
        "to go back, revert on the branch (git revert) instead of rewinding it; if this is meant, name it "
        "on this host as `trust: {accept: " +
            tip.str() + "}`");
}

}  // namespace

TrustPolicy trust_policy(const HostConfig& config) {
    TrustPolicy policy;
    policy.manifests =
        config.signed_manifests ? TrustPolicy::Manifests::Signed : TrustPolicy::Manifests::Unsigned;
    policy.attestations = config.attestations;
    policy.approvals = config.approvals;
    policy.replacement = config.accept;
    return policy;
}

Result<VerifiedRevision> verify_revision(const Repo& manifests, const Oid& tip,
                                         const std::optional<Oid>& accepted, const TrustPolicy& policy,
                                         const AllowedSigners& allowed, WallTime now) {
    const auto info = TRY(manifests.commit(tip));
    VerifiedRevision revision;
    revision.oid = tip;
    revision.tree = info.tree;
    revision.author_name = info.author_name;
    revision.author_email = info.author_email;
    revision.summary = info.summary();
    revision.committed = info.committer_time;
    auto checked = check_signature(manifests, tip, allowed, now, revision);
    if (!checked && policy.manifests == TrustPolicy::Manifests::Signed) {
        auto& error = checked.error();
        if (error.kind != ErrorKind::Denied) return tl::unexpected<Error>(std::move(error));
        error.message = "revision " + tip.short_str() + " (" +
                        escape_foreign(revision.summary.substr(0, 60)) + ") is refused: " + error.message;
        if (error.hint.empty())
            error.hint = "put a commit on top of it that is signed anew: git commit --allow-empty -S";
        return tl::unexpected<Error>(std::move(error));
    }
    if (accepted) TRY(check_forward(manifests, tip, *accepted, policy));
    return revision;
}

TrustedTime trusted_time(std::optional<WallTime> saved, WallTime clock) {
    constexpr auto kLeap = std::chrono::days(366);
    if (!saved) return {clock, clock, {}};
    if (clock < *saved)
        return {*saved, *saved,
                "the clock says " + format_utc(clock) + ", before " + format_utc(*saved) +
                    " when this host last looked; trust is judged by the later"};
    if (clock - *saved > kLeap)
        return {clock, *saved,
                "the clock says " + format_utc(clock) + ", more than a year after " + format_utc(*saved) +
                    " when this host last looked; keys are judged by it, but it is not remembered"};
    return {clock, clock, {}};
}

}  // namespace tidegate::reconciler
