// SSH signatures in the SSHSIG format (openssh-portable PROTOCOL.sshsig), verified by OpenSSL.
// Accepted: ed25519, ECDSA on nistp256/384/521, RSA of 2048 bits and more with SHA-2, and the FIDO forms
// sk-ssh-ed25519@openssh.com and sk-ecdsa-sha2-nistp256@openssh.com where somebody touched the key (the
// counter is covered by the signature and not compared with anything). Everything else is refused:
// certificates, DSA, version over 1, trailing bytes, other hash, another namespace, SHA-1.
#pragma once

#include "shared/base/error.hpp"

#include <string>
#include <string_view>

namespace tidegate::shared {

// A public key in SSH wire form (RFC 4253, 6.6). Equality is by the wire bytes.
class SshPublicKey {
  public:
    // The decoded blob; Invalid for an unknown type, a weak RSA key, a point off its curve, trailing bytes.
    [[nodiscard]] static Result<SshPublicKey> from_wire(std::string_view blob);
    // "ssh-ed25519 AAAA… comment" as in a .pub file or allowed_signers.
    [[nodiscard]] static Result<SshPublicKey> from_text(std::string_view text);
    [[nodiscard]] const std::string& wire() const { return wire_; }
    [[nodiscard]] const std::string& type() const { return type_; }  // "ssh-ed25519"
    [[nodiscard]] std::string fingerprint() const;      // "SHA256:…", as ssh-keygen -l shows it
    [[nodiscard]] std::string fingerprint_hex() const;  // 64 hex digits, for file names
    [[nodiscard]] std::string text() const;             // "ssh-ed25519 AAAA…"
    bool operator==(const SshPublicKey&) const = default;

  private:
    std::string type_;
    std::string wire_;
};

struct SshSignature {
    SshPublicKey key;
    std::string name_space;  // "git", "tidegate-attestation", …
    std::string hash;        // "sha256" or "sha512"
    std::string signature;   // the inner signature blob, still encoded
};

// Canonical armour only: BEGIN line, base64 in lines of 70 (last one shorter), END line, one newline, nothing
// more. A signature inside a DSSE envelope has no armour: parse_sshsig_blob.
[[nodiscard]] Result<SshSignature> parse_sshsig(std::string_view armored);
[[nodiscard]] Result<SshSignature> parse_sshsig_blob(std::string_view blob);
// Armour → raw blob, by the same strict rules.
[[nodiscard]] Result<std::string> sshsig_blob(std::string_view armored);

// Denied where `signature` was not made by its key over `message` in `name_space`. Whether the key may speak
// is AllowedSigners' question.
[[nodiscard]] Result<void> verify_sshsig(const SshSignature& signature, std::string_view name_space,
                                         std::string_view message);

[[nodiscard]] std::string base64_encode(std::string_view bytes);
// Strict: padding required, no white space, no bits left over.
[[nodiscard]] Result<std::string> base64_decode(std::string_view text);

}  // namespace tidegate::shared
