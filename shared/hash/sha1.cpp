#include "shared/hash/sha1.hpp"

#define OPENSSL_SUPPRESS_DEPRECATED
#include "shared/base/text.hpp"

#include <openssl/sha.h>

namespace tidegate::shared {

struct Sha1::State {
    SHA_CTX context;
};

Sha1::Sha1() : state_(std::make_unique<State>()) {
    SHA1_Init(&state_->context);
}
Sha1::~Sha1() = default;
Sha1::Sha1(Sha1&&) noexcept = default;
Sha1& Sha1::operator=(Sha1&&) noexcept = default;

void Sha1::update(std::string_view bytes) {
    SHA1_Update(&state_->context, bytes.data(), bytes.size());
}

std::string Sha1::finish_hex() {
    std::string digest(SHA_DIGEST_LENGTH, '\0');
    SHA1_Final(reinterpret_cast<unsigned char*>(digest.data()), &state_->context);
    return hex(digest);
}

}  // namespace tidegate::shared
