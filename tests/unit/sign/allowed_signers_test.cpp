#include "shared/sign/allowed_signers.hpp"

#include "tests/unit/sign/rig.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <ctime>

using namespace tidegate::test;

namespace {

const WallTime kNow = at("2026-06-15T12:00:00Z");

const KeyFile& ana() {
    return key_file("ana");
}
const KeyFile& ben() {
    return key_file("ben");
}

}  // namespace

TEST_CASE("allowed_signers: comments, blanks, options and quoted principals are read as OpenSSH reads them") {
    const auto allowed =
        allowed_from("# people\n\n  \t\n" + ana().listed("ana@example.com") + "  " +
                     ben().listed("ben@example.com,*@ci.example.com",
                                  "NAMESPACES=\"git,tidegate-*\",valid-after=\"20260101Z\"") +
                     "\"carl example\" " + key_file("carl").key.text() + " a comment\r\n");
    REQUIRE(allowed.entries().size() == 3);
    CHECK(allowed.entries()[0].line == 4);
    CHECK(allowed.entries()[1].namespaces == std::vector<std::string>{"git", "tidegate-*"});
    CHECK(allowed.entries()[1].valid_after == at("2026-01-01T00:00:00Z"));
    CHECK(allowed.entries()[2].principals == std::vector<std::string>{"carl example"});
    CHECK(allowed.authorize(ana().key, "anything", kNow)->principal == "ana@example.com");
    CHECK(allowed.authorize(ben().key, "tidegate-approval", kNow)->principal == "ben@example.com");
    CHECK_FALSE(allowed.authorize(ben().key, "file", kNow).has_value());
}

TEST_CASE("allowed_signers: a line that cannot be read is an error at its place, never passed over") {
    const auto key = ana().key.text();
    const std::vector<std::pair<std::string, std::string>> cases{
        {"ana@example.com", "missing"},
        {"ana@example.com ssh-ed25519", "not an SSH public key"},
        {"ana@example.com ssh-ed25519 AAAA", "SSH public key is cut short"},
        {"ana@example.com namespaces=git " + key, "quoted value"},
        {"ana@example.com namespaces=\"git " + key, "not closed"},
        {"ana@example.com namespaces=\"git,,x\" " + key, "empty"},
        {"ana@example.com namespaces=\"\" " + key, "empty"},
        {"ana@example.com namespaces=\"a\",namespaces=\"b\" " + key, "twice"},
        {"ana@example.com namespace=\"git\" " + key, "unknown option"},
        {"ana@example.com cert-authority " + key, "certificates are not supported"},
        {"ana@example.com valid-after=\"2026\" " + key, "not a time"},
        {"ana@example.com valid-after=\"20260230Z\" " + key, "not a time"},
        {"ana@example.com valid-after=\"202601012460\" " + key, "not a time"},
        {"ana@example.com valid-before=\"20260101\",valid-before=\"20270101\" " + key, "twice"},
        {"ana@example.com valid-after=\"20270101Z\",valid-before=\"20260101Z\" " + key, "not later"},
        {"!ana@example.com " + key, "at least one principal"},
        {"ana@example.com,,b " + key, "empty"},
        {"ana@example.com ssh-ed25519-cert-v01@openssh.com " + base64_encode(ana().key.wire()),
         "another type"},
        {"ana@example.com ssh-dss AAAAB3NzaC1kc3MAAAAA", "SSH"},
        {"\"ana@example.com " + key, "not closed"},
    };
    for (const auto& [line, said] : cases) {
        const auto& shown = line;  // clang 14 captures no structured binding
        CAPTURE(shown);
        const auto parsed = AllowedSigners::parse("signers", "# first\n" + line + "\n");
        REQUIRE_FALSE(parsed.has_value());
        CHECK(parsed.error().kind == ErrorKind::Invalid);
        CHECK(parsed.error().message.find(said) != std::string::npos);
        REQUIRE(parsed.error().where.has_value());
        CHECK(parsed.error().where->file == "signers");
        CHECK(parsed.error().where->line == 2);
        CHECK(parsed.error().where->column >= 1);
    }
}

TEST_CASE("allowed_signers: every form of a time, UTC and local") {
    const std::string zone = std::getenv("TZ") == nullptr ? "" : std::getenv("TZ");
    setenv("TZ", "EST5", 1);
    tzset();
    const std::vector<std::pair<std::string, std::string>> cases{
        {"20260615", "2026-06-15T05:00:00Z"},       {"20260615Z", "2026-06-15T00:00:00Z"},
        {"202606151230", "2026-06-15T17:30:00Z"},   {"202606151230Z", "2026-06-15T12:30:00Z"},
        {"20260615123045", "2026-06-15T17:30:45Z"}, {"20260615123045Z", "2026-06-15T12:30:45Z"},
    };
    for (const auto& [written, meant] : cases) {
        const auto& shown = written;  // clang 14 captures no structured binding
        CAPTURE(shown);
        const auto allowed = allowed_from(ana().listed("a", "valid-before=\"" + written + "\""));
        CHECK(format_utc(*allowed.entries()[0].valid_before) == meant);
    }
    if (zone.empty())
        unsetenv("TZ");
    else
        setenv("TZ", zone.c_str(), 1);
    tzset();
}

TEST_CASE("attack 6: a key that is not listed, not yet valid or expired by our clock is refused") {
    const auto allowed =
        allowed_from(ana().listed("ana@example.com", "valid-after=\"20260101Z\",valid-before=\"20261231Z\""));
    CHECK(allowed.authorize(ana().key, "git", kNow).has_value());
    CHECK(allowed.authorize(ana().key, "git", at("2026-01-01T00:00:00Z")).has_value());
    const auto early = allowed.authorize(ana().key, "git", at("2025-12-31T23:59:59Z"));
    CHECK(refusal(early).find("valid only from 2026-01-01T00:00:00Z") != std::string::npos);
    const auto late = allowed.authorize(ana().key, "git", at("2026-12-31T00:00:01Z"));
    CHECK(refusal(late).find("was valid until 2026-12-31T00:00:00Z") != std::string::npos);
    CHECK(late.error().kind == ErrorKind::Denied);
    const auto unknown = allowed.authorize(ben().key, "git", kNow);
    CHECK(refusal(unknown).find("is not listed in allowed_signers") != std::string::npos);
    CHECK(unknown.error().hint.find(ben().key.text()) != std::string::npos);
    // A revoked key is one whose line is gone.
    CHECK_FALSE(allowed_from("").authorize(ana().key, "git", kNow).has_value());
}

TEST_CASE("allowed_signers: one of several entries for a key is enough, and the nearest reason is told") {
    const auto allowed = allowed_from(ana().listed("old", "valid-before=\"20200101Z\"") +
                                      ana().listed("other", "namespaces=\"file\"") +
                                      ana().listed("ana", "namespaces=\"git,!tidegate-*\""));
    CHECK(allowed.authorize(ana().key, "git", kNow)->principal == "ana");
    CHECK(refusal(allowed.authorize(ana().key, "tidegate-x", kNow)).find("valid until") != std::string::npos);
}

TEST_CASE("allowed_signers: an entry without namespaces may sign in any, one with them in no other") {
    const auto any = allowed_from(ana().listed("ana"));
    const auto some = allowed_from(ana().listed("ana", "namespaces=\"git,tidegate-?pproval\""));
    for (const std::string name_space : {"git", "tidegate-approval", "tidegate-attestation", "", "Git"}) {
        CAPTURE(name_space);
        CHECK(any.authorize(ana().key, name_space, kNow).has_value());
        CHECK(some.authorize(ana().key, name_space, kNow).has_value() ==
              (name_space == "git" || name_space == "tidegate-approval"));
    }
}

TEST_CASE("allowed_signers: a pattern with many stars is judged at once") {
    std::string stars;
    for (int i = 0; i < 200; ++i) stars += "a*";
    const auto allowed = allowed_from(ana().listed("ana", "namespaces=\"" + stars + "b\""));
    CHECK_FALSE(allowed.authorize(ana().key, std::string(20'000, 'a'), kNow).has_value());
}

TEST_CASE("attack 8: keys and principals that belong together are one person") {
    const auto& second = key_file("ana-second");
    const auto allowed =
        allowed_from(ana().listed("ana@example.com") + ana().listed("admin@example.com") +
                     second.listed("laptop,admin@example.com") + ben().listed("ben@example.com"));
    const Signer one{"ana@example.com", ana().key};
    const Signer alias{"admin@example.com", ana().key};
    const Signer laptop{"laptop", second.key};
    const Signer other{"ben@example.com", ben().key};
    CHECK(allowed.same_person(one, alias));
    CHECK(allowed.same_person(one, laptop));
    CHECK(allowed.same_person(laptop, one));
    CHECK_FALSE(allowed.same_person(one, other));
    CHECK(allowed.distinct_people({one, alias, laptop, one}).size() == 1);
    CHECK(allowed.distinct_people({one, other, laptop, other}).size() == 2);
}

TEST_CASE("allowed_signers: a file that others may write, or that is no file, is refused") {
    auto folder = TempDir::make("tidegate-signers");
    REQUIRE(folder.has_value());
    const auto path = folder->path() + "/allowed_signers";
    REQUIRE(write_file_atomic(path, ana().listed("ana"), 0644).has_value());
    CHECK(AllowedSigners::load(path).has_value());
    for (const mode_t mode : {0664U, 0646U, 0666U}) {
        chmod(path.c_str(), mode);
        const auto loaded = AllowedSigners::load(path);
        REQUIRE_FALSE(loaded.has_value());
        CHECK(loaded.error().kind == ErrorKind::Permission);
        CHECK(loaded.error().hint.find("chmod go-w") != std::string::npos);
    }
    CHECK_FALSE(AllowedSigners::load(folder->path()).has_value());
    CHECK(AllowedSigners::load(folder->path() + "/none").error().kind == ErrorKind::NotFound);
}

TEST_CASE("verify_signed: parses, verifies and authorizes, and every refusal is policy") {
    const auto allowed = allowed_from(ana().listed("ana@example.com", "namespaces=\"git\""));
    const auto armor = ana().sign("git", "hello");
    CHECK(verify_signed(allowed, armor, "git", "hello", kNow)->principal == "ana@example.com");
    for (const auto& result : {verify_signed(allowed, armor + "x", "git", "hello", kNow),
                               verify_signed(allowed, armor, "git", "hullo", kNow),
                               verify_signed(allowed, armor, "tidegate-approval", "hello", kNow),
                               verify_signed(allowed, ben().sign("git", "hello"), "git", "hello", kNow),
                               verify_signed(allowed, "", "git", "hello", kNow)}) {
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().kind == ErrorKind::Denied);
    }
}
