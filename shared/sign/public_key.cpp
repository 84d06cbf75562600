#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"
#include "shared/sign/key_parts.hpp"
#include "shared/sign/sshsig.hpp"
#include "shared/sign/wire.hpp"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <bit>

namespace tidegate::shared {

namespace {

constexpr std::string_view kWhat = "SSH public key";
constexpr size_t kLongestKey = 8192;
constexpr size_t kLeastRsaBits = 2048;
constexpr size_t kMostRsaBits = 16384;

size_t bits_of(std::string_view number) {
    const auto first = static_cast<unsigned>(static_cast<unsigned char>(number[0]));
    return (number.size() - 1) * 8 + static_cast<size_t>(std::bit_width(first));
}

struct Curve {
    std::string_view name;
    int nid;
    size_t point_size;
};
constexpr Curve kCurves[] = {{"nistp256", NID_X9_62_prime256v1, 65},
                             {"nistp384", NID_secp384r1, 97},
                             {"nistp521", NID_secp521r1, 133}};

// The low-level curve functions: they load no provider, so a hook that only names a key pays nothing.
bool on_curve(int nid, std::string_view point) {
    const Handle<EC_GROUP, EC_GROUP_free> group(EC_GROUP_new_by_curve_name(nid));
    if (!group) return false;
    const Handle<EC_POINT, EC_POINT_free> decoded(EC_POINT_new(group.get()));
    return decoded &&
           EC_POINT_oct2point(group.get(), decoded.get(),
                              reinterpret_cast<const unsigned char*>(point.data()), point.size(),
                              nullptr) == 1 &&
           EC_POINT_is_at_infinity(group.get(), decoded.get()) == 0;
}

Result<void> read_ecdsa(WireReader& reader, std::string_view expected_curve, KeyParts& parts) {
    parts.kind = KeyKind::Ecdsa;
    parts.curve = TRY(reader.string());
    parts.point = TRY(reader.string());
    if (parts.curve != expected_curve) return reader.bad("names another curve than its type");
    for (const auto& curve : kCurves) {
        if (curve.name != parts.curve) continue;
        if (parts.point.size() != curve.point_size || parts.point[0] != 4)
            return reader.bad("has a point of the wrong form");
        if (!on_curve(curve.nid, parts.point)) return reader.bad("has a point that is not on its curve");
        return {};
    }
    return reader.bad("is on an unknown curve");
}

Result<void> read_ed25519(WireReader& reader, KeyParts& parts) {
    parts.kind = KeyKind::Ed25519;
    parts.point = TRY(reader.string());
    if (parts.point.size() != 32) return reader.bad("has an ed25519 point that is not 32 bytes long");
    return {};
}

Result<void> read_rsa(WireReader& reader, KeyParts& parts) {
    parts.kind = KeyKind::Rsa;
    parts.exponent = TRY(reader.positive());
    parts.modulus = TRY(reader.positive());
    const auto bits = bits_of(parts.modulus);
    if (bits < kLeastRsaBits)
        return fail(ErrorKind::Invalid,
                    "RSA key of " + std::to_string(bits) + " bits is too weak: 2048 is the least",
                    "make a new key: ssh-keygen -t ed25519");
    if (bits > kMostRsaBits) return reader.bad("has an RSA modulus of more than 16384 bits");
    const auto odd = [](std::string_view number) { return (number.back() & 1) != 0; };
    if (parts.exponent.size() > 8 || !odd(parts.exponent) || parts.exponent == "\x01" || !odd(parts.modulus))
        return reader.bad("has impossible RSA numbers");
    return {};
}

Result<void> read_fido(WireReader& reader, KeyParts& parts) {
    parts.fido = true;
    parts.application = TRY(reader.string());
    if (!parts.application.starts_with("ssh:"))
        return reader.bad("is a FIDO key for something else than ssh");
    return {};
}

}  // namespace

Result<KeyParts> key_parts(std::string_view wire) {
    if (wire.size() > kLongestKey) return fail(ErrorKind::Invalid, "SSH public key is too long");
    WireReader reader(wire, kWhat);
    const auto type = TRY(reader.string());
    KeyParts parts;
    if (type == "ssh-ed25519") {
        TRY(read_ed25519(reader, parts));
    } else if (type == "sk-ssh-ed25519@openssh.com") {
        TRY(read_ed25519(reader, parts));
        TRY(read_fido(reader, parts));
    } else if (type == "sk-ecdsa-sha2-nistp256@openssh.com") {
        TRY(read_ecdsa(reader, "nistp256", parts));
        TRY(read_fido(reader, parts));
    } else if (type == "ssh-rsa") {
        TRY(read_rsa(reader, parts));
    } else if (type.starts_with("ecdsa-sha2-")) {
        TRY(read_ecdsa(reader, type.substr(11), parts));
    } else {
        return fail(
            ErrorKind::Invalid, "unknown type of SSH key: `" + escape_foreign(type.substr(0, 64)) + "`",
            "known: ssh-ed25519, ecdsa-sha2-nistp256, -384 and -521, ssh-rsa, and their FIDO (sk-) forms");
    }
    TRY(reader.end());
    return parts;
}

Result<SshPublicKey> SshPublicKey::from_wire(std::string_view blob) {
    (void)TRY(key_parts(blob));
    SshPublicKey key;
    WireReader reader(blob, kWhat);
    key.type_ = TRY(reader.string());
    key.wire_ = blob;
    return key;
}

Result<SshPublicKey> SshPublicKey::from_text(std::string_view text) {
    text = trim(text);
    const auto space = text.find_first_of(" \t");
    if (space == std::string_view::npos)
        return fail(ErrorKind::Invalid, "not an SSH public key",
                    "one line as in a .pub file is wanted: ssh-ed25519 AAAA…");
    const auto type = text.substr(0, space);
    auto encoded = trim(text.substr(space));
    encoded = encoded.substr(0, encoded.find_first_of(" \t\r\n"));
    const auto blob = base64_decode(encoded);
    if (!blob) return fail(ErrorKind::Invalid, "not an SSH public key: its base64 cannot be read");
    auto key = TRY(from_wire(*blob));
    if (key.type() != type)
        return fail(ErrorKind::Invalid, "SSH public key is of another type than it says: " + key.type());
    return key;
}

std::string SshPublicKey::fingerprint() const {
    auto text = base64_encode(sha256(wire_));
    while (text.ends_with('=')) text.pop_back();
    return "SHA256:" + text;
}

std::string SshPublicKey::fingerprint_hex() const {
    return sha256_hex(wire_);
}

std::string SshPublicKey::text() const {
    return type_ + " " + base64_encode(wire_);
}

}  // namespace tidegate::shared
