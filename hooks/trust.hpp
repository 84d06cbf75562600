// Whose word counts on this machine, and with which key it speaks itself. Out of git's configuration, the user's own
// included: keys belong to people, not to repositories.
#pragma once

#include "hooks/repository.hpp"
#include "shared/base/files.hpp"
#include "shared/sign/attestation.hpp"

namespace tidegate::hooks {

// Repository::settings_of_user()
using KeySettings = std::map<std::string, std::string>;

// The key that attestations are signed with, and the folder that holds it where it came as a text.
struct SigningKey {
    shared::SshSigner signer;
    std::shared_ptr<shared::TempDir> folder = {};
};
// The first there is of: `file` (--key), $TIDEGATE_SIGNING_KEY (a file, or the private key itself, as CI keeps
// secrets), systemd's credential `tidegate-signing-key`, git's tidegate.signingKey, and user.signingkey where it is an
// SSH key. NotFound where none is set up, with the mend as its hint.
[[nodiscard]] Result<SigningKey> signing_key(const KeySettings& settings, const std::string& file = {});

struct Trust {
    Result<SigningKey> own = fail(ErrorKind::NotFound, "no key");
    std::optional<shared::AllowedSigners> others;  // tidegate.allowedSigners, else gpg.ssh.allowedSignersFile
    std::string reuse;                             // `git config tidegate.reuse`
    std::string complaint;                         // why `others` is not there although a file is named

    [[nodiscard]] bool nobody() const { return !own && !others; }
};
// A file that cannot be read, or that others may write, trusts nobody, and is told of.
[[nodiscard]] Result<Trust> trust_of(const Repository& repo, const std::string& key_file = {});
// The file of `others`, absolute; empty where none is named.
[[nodiscard]] std::string allowed_signers_file(const Repository& repo, const KeySettings& settings);

// Who of the trusted has signed `attestation`: "you", or a principal. Denied where nobody has. The own key counts
// without being listed.
[[nodiscard]] Result<std::string> voucher(const Trust& trust, const shared::Attestation& attestation,
                                          shared::WallTime now);

}  // namespace tidegate::hooks
