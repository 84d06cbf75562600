// OpenSSH allowed_signers files (ssh-keygen(1), ALLOWED SIGNERS): who may sign what, and when.
// Supported options: namespaces="…", valid-after="…", valid-before="…"; times as YYYYMMDD, YYYYMMDDHHMM or
// YYYYMMDDHHMMSS, local time unless "Z" follows. An entry without namespaces may sign in any, as OpenSSH has
// it. cert-authority, certificates and weak keys are refused with a clear word.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/sign/sshsig.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::shared {

struct AllowedSigner {
    std::vector<std::string> principals;  // patterns, "*@example.com" among them
    std::vector<std::string> namespaces;  // patterns; empty: any
    std::optional<WallTime> valid_after;
    std::optional<WallTime> valid_before;
    SshPublicKey key;
    int line = 0;
};

// Who signed: the principal as listed (first pattern of the entry) and the key.
struct Signer {
    std::string principal;
    SshPublicKey key;
};

class AllowedSigners {
  public:
    // Invalid with file:line:column for a line that cannot be read: a half-read trust file would be a silent
    // hole.
    [[nodiscard]] static Result<AllowedSigners> parse(const std::string& file, std::string_view text);
    // Reads `file`; refuses (Permission) one that others may write.
    [[nodiscard]] static Result<AllowedSigners> load(const std::string& file);

    // Denied, with the reason that is nearest to the truth (not listed, other namespace, not yet valid,
    // expired), unless some entry lets `key` sign in `name_space` at `now` (our clock, never the signer's).
    [[nodiscard]] Result<Signer> authorize(const SshPublicKey& key, std::string_view name_space,
                                           WallTime now) const;
    [[nodiscard]] const std::vector<AllowedSigner>& entries() const { return entries_; }

    // Whether two signers count as one person: the same key, the same principal, or joined by entries that
    // share one (patterns are compared as they are written). Validity does not matter here.
    [[nodiscard]] bool same_person(const Signer& a, const Signer& b) const;
    // One signer for each person, in the order given: what a threshold is compared with.
    [[nodiscard]] std::vector<Signer> distinct_people(const std::vector<Signer>& signers) const;
    // Whom the file knows this key as, whatever its namespaces and validity; nullopt where it does not.
    [[nodiscard]] std::optional<Signer> find(const SshPublicKey& key) const;

  private:
    std::string file_;
    std::vector<AllowedSigner> entries_;
};

// Parses, verifies and authorizes in one step.
[[nodiscard]] Result<Signer> verify_signed(const AllowedSigners& allowed, std::string_view armored,
                                           std::string_view name_space, std::string_view message,
                                           WallTime now);

}  // namespace tidegate::shared
