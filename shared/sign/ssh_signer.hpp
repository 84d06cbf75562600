// Signing, through `ssh-keygen -Y sign` with the user's key file or agent, as git itself does.
#pragma once

#include "shared/base/process.hpp"
#include "shared/sign/sshsig.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tidegate::shared {

class SshSigner {
  public:
    // `key` is what git's user.signingkey holds: a path to a private or public key file ("~/" is expanded),
    // or "key::ssh-ed25519 AAAA…" / a literal public key for a key that lives in the agent. `program` is
    // git's gpg.ssh.program; empty: ssh-keygen out of PATH.
    [[nodiscard]] static Result<SshSigner> make(const std::string& key, const std::string& program = {});
    // The armoured signature of `message` in `name_space`, checked to be well-formed and by this key. Never
    // asks for a passphrase. Failed with ssh-keygen's own words where it cannot sign (a missing agent, a
    // passphrase nobody can type); Timeout after 30 s.
    [[nodiscard]] Result<std::string> sign(std::string_view name_space, std::string_view message) const;
    [[nodiscard]] const SshPublicKey& public_key() const { return public_key_; }

  private:
    std::string program_;
    std::string key_;  // file; empty: the agent's public_key_
    SshPublicKey public_key_;
};

}  // namespace tidegate::shared
