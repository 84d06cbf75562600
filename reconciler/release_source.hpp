// Where a release comes from, whatever its kind: fetched into a git repository of our own, so that everything after
// it (staging by difference, mending, forgetting) knows one kind only.
#pragma once

#include "reconciler/app_spec.hpp"
#include "reconciler/host.hpp"
#include "reconciler/stage.hpp"
#include "reconciler/trust.hpp"
#include "shared/repo/repo.hpp"

#include <memory>
#include <string>
#include <vector>

namespace tidegate::reconciler {

class ReleaseSource {
  public:
    // For the source that `spec` names. Denied where its protocol is not allowed here; touches no network. `spec` and
    // `host` are borrowed.
    [[nodiscard]] static Result<std::unique_ptr<ReleaseSource>> open(const Host& host, const AppSpec& spec);
    virtual ~ReleaseSource() = default;
    ReleaseSource(const ReleaseSource&) = delete;
    ReleaseSource& operator=(const ReleaseSource&) = delete;

    // Brings the release's tree into repo(); asks nobody where it is there. Denied where it is not what the manifest
    // says, Invalid where it may not be unpacked here, NotFound, Transient, Timeout, Cancelled, NoSpace as they are.
    [[nodiscard]] virtual Result<void> fetch(int cancel_fd) = 0;
    // Brings what vouches for it; gives whether there is anything.
    [[nodiscard]] virtual Result<bool> fetch_proofs(int cancel_fd) = 0;
    // After both: whether enough people vouched for it, as verify_attestations().
    [[nodiscard]] virtual Result<std::vector<StageProof>> prove(const AttestationNeed& need,
                                                                const shared::AllowedSigners& allowed,
                                                                shared::WallTime now) const = 0;
    // After fetch(): the commit in repo() whose tree is the release.
    [[nodiscard]] virtual Result<shared::Oid> commit() const = 0;
    [[nodiscard]] virtual Result<shared::Repo> repo() const = 0;
    // For one that was found damaged: the next fetch() fills it anew.
    [[nodiscard]] virtual Result<void> set_aside() = 0;
    // Forgets every release but these (AppSpec::commit).
    [[nodiscard]] virtual Result<void> keep_only(const std::vector<shared::Oid>& ids) = 0;

  protected:
    ReleaseSource() = default;
};

// The host's caps, for staging.
[[nodiscard]] StageLimits stage_limits(const HostConfig& config);

}  // namespace tidegate::reconciler
