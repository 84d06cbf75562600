#include "shared/hash/sha256.hpp"

// The one-shot and streaming SHA functions without the EVP layer: a hook must not pay for loading providers.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "shared/base/text.hpp"

#include <openssl/sha.h>

#include <cstdint>

namespace tidegate::shared {

namespace {
const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}
}  // namespace

std::string sha256(std::string_view bytes) {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256_CTX state;
    SHA256_Init(&state);
    SHA256_Update(&state, bytes_of(bytes), bytes.size());
    SHA256_Final(bytes_of(digest), &state);
    return digest;
}

std::string sha256_hex(std::string_view bytes) {
    return hex(sha256(bytes));
}

std::string sha512(std::string_view bytes) {
    std::string digest(SHA512_DIGEST_LENGTH, '\0');
    SHA512_CTX state;
    SHA512_Init(&state);
    SHA512_Update(&state, bytes_of(bytes), bytes.size());
    SHA512_Final(bytes_of(digest), &state);
    return digest;
}

struct Sha256::State {
    SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    SHA256_Init(&state_->context);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) {
    SHA256_Update(&state_->context, bytes_of(bytes), bytes.size());
}

void Sha256::field(std::string_view bytes) {
    update(std::to_string(bytes.size()));
    update(":");
    update(bytes);
}

std::string Sha256::finish_hex() {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256_Final(bytes_of(digest), &state_->context);
    return hex(digest);
}

}  // namespace tidegate::shared
