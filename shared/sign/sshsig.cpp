// Reading signatures; checking them is in verify.cpp, apart, so that a program that only reads does not link
// or load OpenSSL's providers.
#include "shared/sign/sshsig.hpp"

#include "shared/base/text.hpp"
#include "shared/sign/wire.hpp"

namespace tidegate::shared {

namespace {

constexpr std::string_view kBegin = "-----BEGIN SSH SIGNATURE-----\n";
constexpr std::string_view kEnd = "-----END SSH SIGNATURE-----\n";
constexpr size_t kLineLength = 70;
constexpr size_t kLongestArmor = 16384;
constexpr std::string_view kWhat = "SSH signature";

tl::unexpected<Error> bad_armor(std::string_view why) {
    return fail(ErrorKind::Invalid, "SSH signature " + std::string(why),
                "sign again with ssh-keygen -Y sign, and do not edit the result");
}

}  // namespace

Result<std::string> sshsig_blob(std::string_view armored) {
    if (armored.size() > kLongestArmor) return bad_armor("is too long");
    if (!armored.starts_with(kBegin)) return bad_armor("does not begin with its BEGIN line");
    armored.remove_prefix(kBegin.size());
    if (!armored.ends_with(kEnd)) return bad_armor("does not end with its END line and one newline");
    armored.remove_suffix(kEnd.size());
    std::string encoded;
    bool ended = false;
    while (!armored.empty()) {
        const auto newline = armored.find('\n');
        const auto line = armored.substr(0, newline);
        if (newline == std::string_view::npos || line.empty() || ended || line.size() > kLineLength)
            return bad_armor("is not wrapped as ssh-keygen wraps it");
        ended = line.size() < kLineLength;
        encoded += line;
        armored.remove_prefix(newline + 1);
    }
    auto blob = base64_decode(encoded);
    if (!blob) return bad_armor("is not canonical base64");
    return blob;
}

Result<SshSignature> parse_sshsig(std::string_view armored) {
    return parse_sshsig_blob(TRY(sshsig_blob(armored)));
}

Result<SshSignature> parse_sshsig_blob(std::string_view blob) {
    if (blob.size() > kLongestArmor) return bad_armor("is too long");
    WireReader reader(blob, kWhat);
    if (TRY(reader.bytes(6)) != "SSHSIG") return reader.bad("does not begin with SSHSIG");
    const auto version = TRY(reader.u32());
    if (version != 1) return reader.bad("is of version " + std::to_string(version) + ", only 1 is known");
    const auto key = TRY(reader.string());
    const auto name_space = TRY(reader.string());
    // OpenSSH ignores what is in here, and no signature covers it: one signature could have many spellings.
    if (!TRY(reader.string()).empty()) return reader.bad("has something in its reserved field");
    const auto hash = TRY(reader.string());
    const auto inner = TRY(reader.string());
    TRY(reader.end());
    if (name_space.empty()) return reader.bad("has no namespace");
    if (hash != "sha256" && hash != "sha512") return reader.bad("uses a hash other than sha256 and sha512");
    return SshSignature{TRY(SshPublicKey::from_wire(key)), std::string(name_space), std::string(hash),
                        std::string(inner)};
}

}  // namespace tidegate::shared
