#include "shared/sign/sshsig.hpp"

#include "shared/sign/wire.hpp"
#include "tests/unit/sign/rig.hpp"

using namespace tidegate::test;

namespace {

const std::string kMessage = "the tide comes in\n";

// A signature taken apart, to be put together wrongly.
struct Parts {
    std::string magic = "SSHSIG";
    std::uint32_t version = 1;
    std::string key, name_space, reserved, hash, inner, tail;

    static Parts of(const std::string& blob) {
        WireReader reader(blob, "blob");
        Parts parts;
        parts.magic = *reader.bytes(6);
        parts.version = *reader.u32();
        parts.key = *reader.string();
        parts.name_space = *reader.string();
        parts.reserved = *reader.string();
        parts.hash = *reader.string();
        parts.inner = *reader.string();
        return parts;
    }
    [[nodiscard]] std::string blob() const {
        auto out = magic;
        put_u32(out, version);
        for (const auto* field : {&key, &name_space, &reserved, &hash, &inner}) put_string(out, *field);
        return out + tail;
    }
};

// "" where the blob is a good signature of kMessage in namespace git.
std::string judge(const std::string& blob) {
    const auto signature = parse_sshsig_blob(blob);
    if (!signature) return signature.error().message;
    return refusal(verify_sshsig(*signature, "git", kMessage));
}

std::string blob_of(const std::string& type) {
    static std::map<std::string, std::string> made;
    if (const auto found = made.find(type); found != made.end()) return found->second;
    for (const auto& known : key_types())
        if (known.name == type)
            return made[type] = *sshsig_blob(key_file(type, known.options).sign("git", kMessage));
    FAIL("no such key type");
    return {};
}

std::string inner_of(const std::string& type, const std::string& bytes) {
    std::string inner;
    put_string(inner, type);
    put_string(inner, bytes);
    return inner;
}

std::string armored(const std::string& blob, size_t width = 70) {
    const auto text = base64_encode(blob);
    std::string out = "-----BEGIN SSH SIGNATURE-----\n";
    for (size_t i = 0; i < text.size(); i += width) out += text.substr(i, width) + "\n";
    return out + "-----END SSH SIGNATURE-----\n";
}

}  // namespace

TEST_CASE("sshsig: what ssh-keygen signs verifies, whatever the kind of key") {
    for (const auto& type : key_types()) {
        CAPTURE(type.name);
        const auto& key = key_file(type.name, type.options);
        for (const std::string& message :
             {std::string(), kMessage, std::string(100'000, 'x'), std::string("a\0b", 3)}) {
            const auto signature = parse_sshsig(key.sign("git", message));
            REQUIRE_MESSAGE(signature.has_value(), refusal(signature));
            CHECK(signature->key == key.key);
            CHECK(refusal(verify_sshsig(*signature, "git", message)) == "");
            CHECK_FALSE(verify_sshsig(*signature, "git", message + " ").has_value());
        }
    }
}

TEST_CASE("sshsig: both hashes of ssh-keygen verify, and one is not taken for the other") {
    const auto& key = key_file("ed25519");
    for (const std::string hash : {"sha256", "sha512"}) {
        const auto made = must_run(
            {"/usr/bin/ssh-keygen", "-q", "-Y", "sign", "-O", "hashalg=" + hash, "-n", "git", "-f", key.path},
            kMessage);
        auto parts = Parts::of(*sshsig_blob(made));
        CHECK(parts.hash == hash);
        CHECK(judge(parts.blob()) == "");
        parts.hash = hash == "sha256" ? "sha512" : "sha256";
        CHECK(judge(parts.blob()) != "");
        parts.hash = "sha1";
        CHECK(judge(parts.blob()).find("hash other than") != std::string::npos);
    }
}

TEST_CASE("sshsig: our fingerprint is ssh-keygen's") {
    for (const auto& type : key_types()) {
        const auto& key = key_file(type.name, type.options);
        const auto shown = must_run({"/usr/bin/ssh-keygen", "-lf", key.path + ".pub"});
        CHECK(shown.find(" " + key.key.fingerprint() + " ") != std::string::npos);
        CHECK(key.key.fingerprint_hex().size() == 64);
        CHECK(key.key.text() + " " + type.name + "\n" == must_read(key.path + ".pub"));
    }
}

TEST_CASE("attack 4: armour that is re-wrapped, has CRLF or junk around it is refused") {
    const auto good = key_file("ed25519").sign("git", kMessage);
    const auto blob = *sshsig_blob(good);
    REQUIRE(armored(blob) == good);
    auto crlf = good;
    for (size_t i = 0; (i = crlf.find('\n', i)) != std::string::npos; i += 2) crlf.replace(i, 1, "\r\n");
    auto blank = good;
    blank.insert(blank.find('\n') + 1, "\n");
    auto spaced = good;
    spaced.insert(spaced.find('\n') + 10, " ");
    auto padded = good;
    padded.insert(padded.find("\n-----END"), "====");
    const std::vector<std::pair<std::string, std::string>> cases{
        {"wrapped at 64", armored(blob, 64)},
        {"wrapped at 76", armored(blob, 76)},
        {"in one line", armored(blob, 10'000)},
        {"CRLF", crlf},
        {"junk after END", good + "x"},
        {"another newline after END", good + "\n"},
        {"a second signature after it", good + good},
        {"junk before BEGIN", "x\n" + good},
        {"no newline after END", good.substr(0, good.size() - 1)},
        {"a blank line", blank},
        {"a space in the base64", spaced},
        {"needless padding", padded},
        {"lower-case armour", "-----begin ssh signature-----\n" + good.substr(30)},
        {"nothing in it", "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"},
        {"empty", ""},
        {"64 KiB of it", armored(std::string(65536, 'S'))},
    };
    for (const auto& [name, text] : cases) {
        const auto& shown = name;  // clang 14 captures no structured binding
        CAPTURE(shown);
        CHECK_FALSE(parse_sshsig(text).has_value());
    }
}

TEST_CASE("attack 5: a signature for one namespace is none for another") {
    const auto& key = key_file("ed25519");
    const std::vector<std::string> spaces{"git", "tidegate-attestation", "tidegate-approval", "file"};
    for (const auto& made : spaces) {
        const auto signature = parse_sshsig(key.sign(made, kMessage));
        REQUIRE(signature.has_value());
        for (const auto& asked : spaces)
            CHECK(verify_sshsig(*signature, asked, kMessage).has_value() == (made == asked));
    }
    // Nor by writing the other namespace into it.
    auto parts = Parts::of(*sshsig_blob(key.sign("tidegate-approval", kMessage)));
    parts.name_space = "git";
    CHECK(judge(parts.blob()) != "");
    parts.name_space = "";
    CHECK(judge(parts.blob()) != "");
}

TEST_CASE("attack 7: every flipped bit of a signature is refused") {
    for (const auto& type : key_types()) {
        CAPTURE(type.name);
        const auto good = blob_of(type.name);
        REQUIRE(judge(good) == "");
        size_t accepted = 0;
        for (size_t i = 0; i < good.size(); ++i) {
            for (const int mask : {0x01, 0x80, 0xff}) {
                auto bad = good;
                bad[i] = static_cast<char>(bad[i] ^ mask);
                if (judge(bad).empty()) ++accepted;
            }
        }
        CHECK(accepted == 0);
    }
}

TEST_CASE("attack 7: every truncation and every added byte is refused") {
    for (const auto& type : key_types()) {
        CAPTURE(type.name);
        const auto good = blob_of(type.name);
        size_t accepted = 0;
        for (size_t size = 0; size < good.size(); ++size)
            if (judge(good.substr(0, size)).empty()) ++accepted;
        for (int byte = 0; byte < 256; ++byte)
            if (judge(good + static_cast<char>(byte)).empty()) ++accepted;
        CHECK(accepted == 0);
        const auto text = armored(good);
        for (size_t size = 0; size < text.size(); ++size)
            if (parse_sshsig(text.substr(0, size)).has_value()) ++accepted;
        CHECK(accepted == 0);
    }
}

TEST_CASE("attack 7: a length of 0xFFFFFFFF, or any that lies, is refused without allocating it") {
    const auto good = blob_of("ecdsa256");
    for (size_t i = 0; i + 4 <= good.size(); ++i) {
        for (const std::uint32_t length : {0xFFFFFFFFU, 0x80000000U, 0x7FFFFFFFU, 0xFFFFU}) {
            std::string four;
            put_u32(four, length);
            auto bad = good;
            bad.replace(i, 4, four);
            if (bad != good) REQUIRE(judge(bad) != "");
        }
    }
}

TEST_CASE("attack 7: version 2, trailing bytes, a reserved field and a wrong magic are refused") {
    const auto good = Parts::of(blob_of("ed25519"));
    REQUIRE(judge(good.blob()) == "");
    auto bad = good;
    bad.version = 2;
    CHECK(judge(bad.blob()).find("version 2") != std::string::npos);
    bad.version = 0;
    CHECK(judge(bad.blob()) != "");
    bad = good;
    bad.tail = "x";
    CHECK(judge(bad.blob()).find("after its end") != std::string::npos);
    bad = good;
    bad.reserved = "x";
    CHECK(judge(bad.blob()).find("reserved") != std::string::npos);
    bad = good;
    bad.magic = "SSHSIX";
    CHECK(judge(bad.blob()) != "");
    bad = good;
    bad.inner += "x";
    CHECK(judge(bad.blob()) != "");
    bad = good;
    bad.key += "x";
    CHECK(judge(bad.blob()) != "");
}

TEST_CASE("attack 7: an ed25519 signature of 63 or 65 bytes is refused") {
    auto parts = Parts::of(blob_of("ed25519"));
    WireReader reader(parts.inner, "inner");
    (void)*reader.string();
    const std::string bytes(*reader.string());
    for (const auto& wrong :
         {bytes.substr(0, 63), bytes + '\0', bytes.substr(1), std::string(), bytes + bytes}) {
        parts.inner = inner_of("ssh-ed25519", wrong);
        CHECK(judge(parts.blob()).find("64 bytes") != std::string::npos);
    }
    parts.inner = inner_of("ssh-ed25519", bytes);
    CHECK(judge(parts.blob()) == "");
    parts.inner = inner_of("ssh-rsa", bytes);
    CHECK(judge(parts.blob()) != "");
}

TEST_CASE("attack 7: an ECDSA r or s that is zero, negative, padded or out of range is refused") {
    auto parts = Parts::of(blob_of("ecdsa256"));
    WireReader reader(parts.inner, "inner");
    (void)*reader.string();
    WireReader numbers(*reader.string(), "numbers");
    const std::string r(*numbers.string());
    const std::string s(*numbers.string());
    const auto judged = [&](const std::string& first, const std::string& second) {
        std::string both;
        put_string(both, first);
        put_string(both, second);
        parts.inner = inner_of("ecdsa-sha2-nistp256", both);
        return judge(parts.blob());
    };
    REQUIRE(judged(r, s) == "");
    const std::string zero(1, '\0');
    const std::string order =
        zero + unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    const std::vector<std::string> wrong{"",
                                         zero,
                                         "\x01",
                                         "\xff",
                                         "\x80" + std::string(31, '\x01'),
                                         zero + zero + r,
                                         order,
                                         zero + std::string(32, '\xff'),
                                         std::string(200, '\x01')};
    for (const auto& number : wrong) {
        CAPTURE(hex(number));
        CHECK(judged(number, s) != "");
        CHECK(judged(r, number) != "");
        CHECK(judged(number, number) != "");
    }
    CHECK(judged(s, r) != "");
}

TEST_CASE("attack 7: a point off its curve, at infinity, compressed or on another curve is no key") {
    const auto& key = key_file("ecdsa256", {"-t", "ecdsa", "-b", "256"});
    WireReader reader(key.key.wire(), "key");
    const std::string type(*reader.string());
    const std::string curve(*reader.string());
    const std::string point(*reader.string());
    const auto made = [&](const std::string& t, const std::string& c, const std::string& p) {
        std::string wire;
        for (const auto* field : {&t, &c, &p}) put_string(wire, *field);
        return SshPublicKey::from_wire(wire);
    };
    REQUIRE(made(type, curve, point).has_value());
    auto off = point;
    off.back() = static_cast<char>(off.back() ^ 1);
    CHECK(refusal(made(type, curve, off)).find("not on its curve") != std::string::npos);
    CHECK_FALSE(made(type, curve, std::string(1, '\0')).has_value());
    CHECK_FALSE(made(type, curve, std::string(65, '\0')).has_value());
    CHECK_FALSE(made(type, curve, "\x04" + std::string(64, '\0')).has_value());
    CHECK_FALSE(made(type, curve, "\x04" + std::string(64, '\xff')).has_value());
    CHECK_FALSE(made(type, curve, "\x02" + point.substr(1, 32)).has_value());
    CHECK_FALSE(made(type, "nistp384", point).has_value());
    CHECK_FALSE(made("ecdsa-sha2-nistp384", "nistp384", point).has_value());
    CHECK_FALSE(made("ecdsa-sha2-nistp224", "nistp224", point).has_value());
}

TEST_CASE("attack 7: RSA under 2048 bits and RSA with SHA-1 are refused") {
    const auto& good = key_file("rsa2048", {"-t", "rsa", "-b", "2048"});
    std::string weak;
    put_string(weak, "ssh-rsa");
    put_string(weak, std::string("\x01\x00\x01", 3));
    put_string(weak, std::string(1, '\0') + std::string(128, '\xff'));
    CHECK(refusal(SshPublicKey::from_wire(weak)).find("1024 bits is too weak") != std::string::npos);
    std::string huge;
    put_string(huge, "ssh-rsa");
    put_string(huge, std::string("\x01\x00\x01", 3));
    put_string(huge, std::string(1, '\0') + std::string(4000, '\xff'));
    CHECK_FALSE(SshPublicKey::from_wire(huge).has_value());

    // The same RSA key over the same bytes, but with SHA-1.
    auto parts = Parts::of(blob_of("rsa2048"));
    WireReader reader(parts.inner, "inner");
    (void)*reader.string();
    const std::string bytes(*reader.string());
    parts.inner = inner_of("ssh-rsa", bytes);
    CHECK(judge(parts.blob()).find("SHA-1") != std::string::npos);
    parts.inner = inner_of("rsa-sha2-256", bytes);  // made with 512
    CHECK(judge(parts.blob()) != "");
    parts.inner = inner_of("rsa-sha2-512", bytes);
    CHECK(judge(parts.blob()) == "");
    CHECK(good.key.type() == "ssh-rsa");
}

TEST_CASE("sshsig: certificates, DSA and unknown types of key are refused by name") {
    for (const std::string type : {"ssh-dss", "ssh-ed25519-cert-v01@openssh.com", "ssh-ed448", ""}) {
        std::string wire;
        put_string(wire, type);
        put_string(wire, std::string(32, 'k'));
        CHECK(refusal(SshPublicKey::from_wire(wire)).find("unknown type") != std::string::npos);
    }
    CHECK_FALSE(SshPublicKey::from_wire("").has_value());
    CHECK_FALSE(SshPublicKey::from_text("").has_value());
    CHECK_FALSE(SshPublicKey::from_text("ssh-ed25519").has_value());
    CHECK_FALSE(SshPublicKey::from_text("ssh-ed25519 AAAA").has_value());
    // A type in front that is not the one inside.
    const auto& key = key_file("ed25519").key;
    CHECK_FALSE(SshPublicKey::from_text("ssh-rsa " + base64_encode(key.wire())).has_value());
}

TEST_CASE("base64: strict, and the inverse of itself") {
    for (size_t size = 0; size < 50; ++size) {
        std::string bytes;
        for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 37 + size);
        CHECK(base64_decode(base64_encode(bytes)) == bytes);
    }
    CHECK(base64_encode("foob") == "Zm9vYg==");
    for (const std::string bad :
         {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9v\n", " m9v", "Zm-v", "Zm9v="})
        CHECK_FALSE(base64_decode(bad).has_value());
    CHECK(base64_decode("") == "");
}
