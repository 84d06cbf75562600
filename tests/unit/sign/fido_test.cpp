// FIDO keys without the hardware: a software key signs what a security key would.
#include "shared/base/handle.hpp"
#include "shared/hash/sha256.hpp"
#include "shared/sign/wire.hpp"
#include "tests/unit/sign/rig.hpp"

#include <openssl/evp.h>

using namespace tidegate::test;

namespace {

using Key = Handle<EVP_PKEY, EVP_PKEY_free>;

std::string ed25519_public(EVP_PKEY* key) {
    std::string bytes(32, '\0');
    size_t size = bytes.size();
    REQUIRE(EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(bytes.data()), &size) == 1);
    return bytes;
}

std::string ed25519_sign(EVP_PKEY* key, const std::string& message) {
    const Handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    std::string bytes(64, '\0');
    size_t size = bytes.size();
    REQUIRE(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1);
    REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(bytes.data()), &size,
                           reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1);
    return bytes;
}

std::string covered(const std::string& name_space, const std::string& message) {
    std::string out = "SSHSIG";
    put_string(out, name_space);
    put_string(out, "");
    put_string(out, "sha512");
    put_string(out, sha512(message));
    return out;
}

std::string fido_signature(EVP_PKEY* key, char flags, const std::string& application = "ssh:") {
    const std::string counter("\0\0\0\7", 4);
    const auto signed_bytes = sha256(application) + flags + counter + sha256(covered("git", "hello"));
    std::string inner;
    put_string(inner, "sk-ssh-ed25519@openssh.com");
    put_string(inner, ed25519_sign(key, signed_bytes));
    inner += flags + counter;
    std::string wire;
    put_string(wire, "sk-ssh-ed25519@openssh.com");
    put_string(wire, ed25519_public(key));
    put_string(wire, application);
    std::string blob = "SSHSIG";
    put_u32(blob, 1);
    for (const auto& field : {wire, std::string("git"), std::string(), std::string("sha512"), inner})
        put_string(blob, field);
    return blob;
}

}  // namespace

TEST_CASE("fido: a touched security key's signature verifies, an untouched one is refused") {
    const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    REQUIRE(key);
    const auto touched = fido_signature(key.get(), '\x01');
    const auto signature = parse_sshsig_blob(touched);
    REQUIRE_MESSAGE(signature.has_value(), refusal(signature));
    CHECK(refusal(verify_sshsig(*signature, "git", "hello")) == "");
    CHECK_FALSE(verify_sshsig(*signature, "git", "hullo").has_value());
    const auto untouched = parse_sshsig_blob(fido_signature(key.get(), '\x00'));
    CHECK(refusal(verify_sshsig(*untouched, "git", "hello")).find("touched") != std::string::npos);
    CHECK_FALSE(parse_sshsig_blob(fido_signature(key.get(), '\x01', "https://example.com")).has_value());
    for (size_t i = 0; i < touched.size(); ++i) {
        auto bad = touched;
        bad[i] = static_cast<char>(bad[i] ^ 1);
        const auto parsed = parse_sshsig_blob(bad);
        CHECK_FALSE((parsed && verify_sshsig(*parsed, "git", "hello").has_value()));
    }
}
