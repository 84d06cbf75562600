// Everything of a signature that comes from outside: armour, blob, key text, allowed_signers, commit objects.
// Beside not crashing: what parses must survive being written again, and no armour has two spellings.
#include "shared/sign/allowed_signers.hpp"
#include "shared/sign/commit_signature.hpp"
#include "shared/sign/sshsig.hpp"

#include <cstdint>
#include <cstdlib>

using namespace tidegate::shared;

namespace {
void must(bool holds) {
    if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (const auto blob = parse_sshsig_blob(input)) {
        must(!verify_sshsig(*blob, blob->name_space, "a message nobody signed").has_value());
        must(SshPublicKey::from_wire(blob->key.wire()).has_value());
    }
    if (const auto blob = sshsig_blob(input)) {
        std::string again = "-----BEGIN SSH SIGNATURE-----\n";
        const auto text = base64_encode(*blob);
        for (size_t i = 0; i < text.size(); i += 70) again += text.substr(i, 70) + "\n";
        must(again + "-----END SSH SIGNATURE-----\n" == input);
    }
    if (const auto key = SshPublicKey::from_wire(input)) must(SshPublicKey::from_text(key->text()) == *key);
    (void)SshPublicKey::from_text(input);
    if (const auto bytes = base64_decode(input)) must(base64_encode(*bytes) == input);
    if (const auto allowed = AllowedSigners::parse("fuzz", input))
        for (const auto& entry : allowed->entries()) (void)allowed->authorize(entry.key, "git", WallTime{});
    if (const auto commit = split_signed_commit(input)) must(commit->payload.size() < input.size());
    return 0;
}
