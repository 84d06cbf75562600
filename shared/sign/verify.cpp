// The one place that checks signatures, by OpenSSL 3's EVP.
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"
#include "shared/sign/key_parts.hpp"
#include "shared/sign/sshsig.hpp"
#include "shared/sign/wire.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

namespace tidegate::shared {

namespace {

using Key = Handle<EVP_PKEY, EVP_PKEY_free>;
using Number = Handle<BIGNUM, BN_free>;

constexpr unsigned char kUserPresent = 0x01;

const unsigned char* raw(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

Number number_of(std::string_view big_endian) {
    return Number(BN_bin2bn(raw(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

tl::unexpected<Error> refuse(std::string_view why) {
    ERR_clear_error();
    return fail(ErrorKind::Denied, "signature is not good: " + std::string(why));
}

Key key_from(const char* algorithm, OSSL_PARAM_BLD* builder) {
    const Handle<OSSL_PARAM, OSSL_PARAM_free> params(OSSL_PARAM_BLD_to_param(builder));
    const Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
        EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
    EVP_PKEY* key = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
        return nullptr;
    return Key(key);
}

Key load_ecdsa(const KeyParts& parts) {
    const Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
    const char* group = parts.curve == "nistp256"   ? "prime256v1"
                        : parts.curve == "nistp384" ? "secp384r1"
                                                    : "secp521r1";
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, parts.point.data(),
                                         parts.point.size()) != 1)
        return nullptr;
    auto key = key_from("EC", builder.get());
    const Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> check(
        key ? EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr) : nullptr);
    if (!check || EVP_PKEY_public_check(check.get()) != 1) return nullptr;
    return key;
}

// Not public_check()ed: that tries n for primes, which costs 20 ms and says nothing about who holds the key.
Key load_rsa(const KeyParts& parts) {
    const Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
    const auto modulus = number_of(parts.modulus);
    const auto exponent = number_of(parts.exponent);
    if (!builder || !modulus || !exponent ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
        return nullptr;
    return key_from("RSA", builder.get());
}

// `digest` null: the algorithm hashes by itself (Ed25519).
bool verifies(EVP_PKEY* key, const char* digest, std::string_view signature, std::string_view message) {
    const Handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    return context &&
           EVP_DigestVerifyInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key, nullptr) == 1 &&
           EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message), message.size()) ==
               1;
}

Result<void> check_ed25519(const KeyParts& parts, std::string_view signature, std::string_view message) {
    if (signature.size() != 64)
        return refuse("an ed25519 signature has 64 bytes, not " + std::to_string(signature.size()));
    const Key key(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(parts.point), parts.point.size()));
    if (!key) return refuse("its ed25519 key cannot be used");
    if (!verifies(key.get(), nullptr, signature, message)) return refuse("it was not made over this content");
    return {};
}

// r and s as SSH writes them, to the DER that OpenSSL takes.
Result<std::string> der_signature(std::string_view signature) {
    WireReader numbers(signature, "ECDSA signature");
    auto r = number_of(TRY(numbers.positive()));
    auto s = number_of(TRY(numbers.positive()));
    TRY(numbers.end());
    const Handle<ECDSA_SIG, ECDSA_SIG_free> pair(ECDSA_SIG_new());
    if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1)
        return refuse("out of memory");
    (void)r.release();
    (void)s.release();
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair.get(), &der);
    if (size <= 0) return refuse("its numbers cannot be encoded");
    std::string bytes(reinterpret_cast<char*>(der), static_cast<size_t>(size));
    OPENSSL_free(der);
    return bytes;
}

Result<void> check_ecdsa(const KeyParts& parts, std::string_view signature, std::string_view message) {
    const auto der = TRY(der_signature(signature));
    const Key key = load_ecdsa(parts);
    if (!key) return refuse("its ECDSA key cannot be used");
    const char* digest = parts.curve == "nistp256"   ? "SHA256"
                         : parts.curve == "nistp384" ? "SHA384"
                                                     : "SHA512";
    if (!verifies(key.get(), digest, der, message)) return refuse("it was not made over this content");
    return {};
}

Result<void> check_rsa(const KeyParts& parts, std::string_view type, std::string_view signature,
                       std::string_view message) {
    const char* digest = type == "rsa-sha2-256" ? "SHA256" : type == "rsa-sha2-512" ? "SHA512" : nullptr;
    if (digest == nullptr) return refuse("RSA with SHA-1 is not accepted");
    if (signature.size() != parts.modulus.size()) return refuse("it has not the length of its RSA key");
    const Key key = load_rsa(parts);
    if (!key) return refuse("its RSA key cannot be used");
    if (!verifies(key.get(), digest, signature, message)) return refuse("it was not made over this content");
    return {};
}

// A FIDO key signs H(application) | flags | counter | H(message) (openssh-portable PROTOCOL.u2f).
Result<std::string> fido_message(const KeyParts& parts, WireReader& reader, std::string_view message) {
    const auto flags = TRY(reader.bytes(1));
    const auto counter = TRY(reader.bytes(4));
    if ((static_cast<unsigned char>(flags[0]) & kUserPresent) == 0)
        return refuse("nobody touched the security key while it was made");
    return sha256(parts.application).append(flags).append(counter).append(sha256(message));
}

Result<void> check(const SshSignature& signature, std::string_view message) {
    const auto parts = TRY(key_parts(signature.key.wire()));
    WireReader reader(signature.signature, "SSH signature");
    const auto type = TRY(reader.string());
    const auto bytes = TRY(reader.string());
    std::string fido;
    if (parts.fido) {
        fido = TRY(fido_message(parts, reader, message));
        message = fido;
    }
    TRY(reader.end());
    if (parts.kind == KeyKind::Rsa) return check_rsa(parts, type, bytes, message);
    if (type != signature.key.type()) return refuse("its type is not its key's");
    return parts.kind == KeyKind::Ed25519 ? check_ed25519(parts, bytes, message)
                                          : check_ecdsa(parts, bytes, message);
}

}  // namespace

Result<void> verify_sshsig(const SshSignature& signature, std::string_view name_space,
                           std::string_view message) {
    if (signature.name_space != name_space)
        return fail(ErrorKind::Denied, "signature is for the namespace `" +
                                           escape_foreign(signature.name_space) + "`, not `" +
                                           std::string(name_space) + "`");
    std::string covered = "SSHSIG";
    put_string(covered, name_space);
    put_string(covered, "");
    put_string(covered, signature.hash);
    put_string(covered, signature.hash == "sha256" ? sha256(message) : sha512(message));
    auto result = check(signature, covered);
    // Whatever is wrong with the inside of a signature, it was not proven: policy, not configuration.
    if (!result) result.error().kind = ErrorKind::Denied;
    return result;
}

}  // namespace tidegate::shared
