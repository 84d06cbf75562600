// refs/tidegate/attestations of a repository: a commit whose tree holds the envelopes, one file each
// (attestation_path names it). Only ever grows by union, so that writers who do not know of each other cannot
// take anything away: here by compare and swap, on a remote by fetching, merging and pushing again.
#pragma once

#include "hooks/repository.hpp"
#include "shared/base/clock.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tidegate::hooks {

struct AttestationFile {
    std::string path;
    std::string envelope;
};

class AttestationStore {
  public:
    // `cancel_fd`: readable when the network is to be left alone at once (not owned).
    explicit AttestationStore(const Repository& repo, int cancel_fd = -1)
        : repo_(repo), cancel_fd_(cancel_fd) {}

    // Adds the files (a file of the same name is replaced) in one commit. Locked when others keep writing.
    [[nodiscard]] Result<void> add(const std::vector<AttestationFile>& files) const;
    // What is kept here for a tree; nothing is no error.
    [[nodiscard]] Result<std::vector<AttestationFile>> of_tree(const shared::Oid& tree) const;

    // Takes what `remote` (a name or an address) has and we have not. False where it has none at all.
    [[nodiscard]] Result<bool> fetch(const std::string& remote, shared::Duration patience) const;
    // Brings what we have to `remote`, merging what others have brought meanwhile. Denied, in the remote's own
    // words, where it refuses; Transient or Timeout where it cannot be reached. Never runs the repository's
    // pre-push hook and never asks anything on the terminal.
    [[nodiscard]] Result<void> push(const std::string& remote, shared::Duration patience) const;
    // Whether `remote` had all of ours when we last spoke to it.
    [[nodiscard]] Result<bool> known_at(const std::string& remote) const;

  private:
    struct Edit;
    [[nodiscard]] Result<std::optional<shared::Oid>> tip(const std::string& ref) const;
    [[nodiscard]] Result<bool> commit(const Edit& edit) const;
    [[nodiscard]] Result<bool> move(const shared::Oid& to, const std::optional<shared::Oid>& from) const;
    [[nodiscard]] Result<void> remember(const std::string& remote, const shared::Oid& pushed) const;
    [[nodiscard]] Result<bool> merge(const shared::Oid& theirs) const;
    [[nodiscard]] Result<void> merge_all(const shared::Oid& theirs) const;
    [[nodiscard]] Result<bool> is_ancestor(const shared::Oid& of, const shared::Oid& what) const;
    [[nodiscard]] shared::GitCall network_call(std::vector<std::string> args, shared::MonoTime until) const;

    const Repository& repo_;
    int cancel_fd_;
};

// The ref that remembers which of the proofs `remote` had when we last spoke to it.
[[nodiscard]] std::string tracking_ref(const std::string& remote);

// A remote as it may be shown: an address without its user and password.
[[nodiscard]] std::string shown_remote(const std::string& remote);

// How long a hook waits for the network on an attestation's account: `git config tidegate.attestTimeout`, else
// 30 s.
[[nodiscard]] shared::Duration attestation_patience(const Repository& repo);

}  // namespace tidegate::hooks
