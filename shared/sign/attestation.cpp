// DSSE envelopes: sealing a statement, opening one, and asking who vouches for it.
#include "shared/sign/attestation.hpp"

#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"

#include <algorithm>

namespace tidegate::shared {

namespace {

constexpr std::string_view kPayloadType = "application/vnd.in-toto+json";
constexpr size_t kMostSignatures = 64;
constexpr JsonLimits kEnvelopeLimits{.bytes = 1 << 20, .depth = 8};

tl::unexpected<Error> bad(std::string_view why) {
    return fail(ErrorKind::Invalid, "attestation envelope " + std::string(why));
}

Result<std::string> decoded(const Value& map, std::string_view key) {
    const Value* value = map.find(key);
    if (value == nullptr || !value->is(Value::Kind::Text)) return bad("lacks `" + std::string(key) + "`");
    auto bytes = base64_decode(value->text());
    if (!bytes) return bad("has a `" + std::string(key) + "` that is not canonical base64");
    return bytes;
}

Result<Signer> vouching(const std::string& blob, const Attestation& attestation,
                        const AllowedSigners& allowed, WallTime now) {
    const auto signature = TRY(parse_sshsig_blob(blob));
    TRY(verify_sshsig(signature, kAttestationNamespace, dsse_pae(kPayloadType, attestation.payload)));
    return allowed.authorize(signature.key, kAttestationNamespace, now);
}

}  // namespace

std::string dsse_pae(std::string_view payload_type, std::string_view payload) {
    std::string text = "DSSEv1 " + std::to_string(payload_type.size()) + " ";
    text.append(payload_type);
    text.append(" " + std::to_string(payload.size()) + " ");
    return text.append(payload);
}

Result<std::string> sign_attestation(const TestResult& result, const SshSigner& signer) {
    const auto payload = to_statement(result);
    const auto armored = TRY(signer.sign(kAttestationNamespace, dsse_pae(kPayloadType, payload)));
    const auto blob = TRY(sshsig_blob(armored));
    Value signature;
    signature.set("keyid", signer.public_key().fingerprint());
    signature.set("sig", base64_encode(blob));
    Value envelope;
    envelope.set("payload", base64_encode(payload));
    envelope.set("payloadType", std::string(kPayloadType));
    Value::List signatures;
    signatures.push_back(std::move(signature));
    envelope.set("signatures", std::move(signatures));
    return to_json(envelope) + "\n";
}

Result<Attestation> parse_attestation(std::string_view envelope) {
    const Value root = TRY(during("reading an attestation envelope", parse_json(envelope, kEnvelopeLimits)));
    const Value* type = root.find("payloadType");
    if (type == nullptr || !type->is(Value::Kind::Text) || type->text() != kPayloadType)
        return bad("does not hold an in-toto statement");
    Attestation attestation;
    attestation.payload = TRY(decoded(root, "payload"));
    attestation.result = TRY(parse_statement(attestation.payload));
    const Value* signatures = root.find("signatures");
    if (signatures == nullptr || !signatures->is(Value::Kind::List) || signatures->list().empty())
        return bad("has no signature");
    if (signatures->list().size() > kMostSignatures) return bad("has too many signatures");
    for (const auto& item : signatures->list()) attestation.signatures.push_back(TRY(decoded(item, "sig")));
    return attestation;
}

Result<std::vector<Signer>> verify_attestation(const Attestation& attestation, const AllowedSigners& allowed,
                                               WallTime now) {
    std::vector<Signer> signers;
    std::optional<Error> last;
    for (const auto& blob : attestation.signatures) {
        auto signer = vouching(blob, attestation, allowed, now);
        if (!signer) {
            last = std::move(signer.error());
            continue;
        }
        const bool known = std::any_of(signers.begin(), signers.end(),
                                       [&](const Signer& one) { return one.key == signer->key; });
        if (!known) signers.push_back(std::move(*signer));
    }
    if (!signers.empty()) return signers;
    if (!last) return fail(ErrorKind::Denied, "attestation has no signature");
    last->kind = ErrorKind::Denied;
    return fail(std::move(*last));
}

std::string attestation_path(const Oid& tree, std::string_view stage, const SshPublicKey& key) {
    return tree.str().substr(0, 2) + "/" + tree.str() + "/" + std::string(stage) + "." +
           key.fingerprint_hex() + ".json";
}

}  // namespace tidegate::shared
