// The parts of a public key that checking a signature needs. Private to this folder.
#pragma once

#include "shared/base/error.hpp"

#include <string_view>

namespace tidegate::shared {

enum class KeyKind { Ed25519, Ecdsa, Rsa };

struct KeyParts {
    KeyKind kind = KeyKind::Ed25519;
    std::string_view curve;        // ECDSA: "nistp256"
    std::string_view point;        // Ed25519: 32 bytes; ECDSA: uncompressed point
    std::string_view exponent;     // RSA, big-endian without leading zeros
    std::string_view modulus;      // RSA
    std::string_view application;  // FIDO keys: "ssh:"
    bool fido = false;
};

// Views into `wire`. Invalid for anything that from_wire() refuses.
[[nodiscard]] Result<KeyParts> key_parts(std::string_view wire);

}  // namespace tidegate::shared
