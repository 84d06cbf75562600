#include "shared/sign/commit_signature.hpp"

#include "shared/hash/sha256.hpp"
#include "tests/unit/sign/rig.hpp"

using namespace tidegate::test;

namespace {

const WallTime kNow = at("2026-06-15T12:00:00Z");

struct Commits {
    TempDir folder = std::move(*TempDir::make("tidegate-commits"));
    Environment env = basic_environment();

    Commits() {
        env.set("HOME", folder.path());
        env.set("GIT_CONFIG_NOSYSTEM", "1");
        for (const auto* who : {"GIT_AUTHOR", "GIT_COMMITTER"}) {
            env.set(std::string(who) + "_NAME", "Ana Lima");
            env.set(std::string(who) + "_EMAIL", "ana@example.com");
        }
        git({"init", "-q"});
    }
    std::string git(std::vector<std::string> args) const {
        args.insert(args.begin(), "/usr/bin/git");
        return must_run(std::move(args), {}, folder.path(), &env);
    }
    // The raw object of a new commit, signed with `key` where there is one.
    [[nodiscard]] std::string commit(const KeyFile* key, const std::string& message = "change") const {
        if (key == nullptr)
            git({"commit", "-q", "--allow-empty", "-m", message});
        else
            git({"-c", "gpg.format=ssh", "-c", "user.signingkey=" + key->path, "commit", "-q", "-S",
                 "--allow-empty", "-m", message});
        return git({"cat-file", "commit", "HEAD"});
    }
};

std::string judge(const std::string& raw, const AllowedSigners& allowed) {
    const auto split = split_signed_commit(raw);
    if (!split) {
        CHECK(split.error().kind == ErrorKind::Denied);
        return split.error().message;
    }
    return refusal(verify_signed(allowed, split->armored, "git", split->payload, kNow));
}

std::string with(std::string text, const std::string& before, const std::string& inserted) {
    const auto at = text.find(before);
    REQUIRE(at != std::string::npos);
    return text.insert(at, inserted);
}

// The "gpgsig…" header with its continuation lines.
std::string signature_header(const std::string& raw) {
    const auto start = raw.find("gpgsig ");
    return raw.substr(start, raw.find("-----END SSH SIGNATURE-----\n") + 28 - start);
}

}  // namespace

TEST_CASE("commit: what git commit -S signs with any kind of ssh key verifies") {
    const Commits repo;
    for (const auto& type : key_types()) {
        CAPTURE(type.name);
        const auto& key = key_file(type.name, type.options);
        const auto allowed = allowed_from(key.listed("ana@example.com", "namespaces=\"git\""));
        for (const std::string& message :
             {std::string("short"), std::string("gpgsig in\n\ngpgsig -----BEGIN\n\nbody")}) {
            const auto raw = repo.commit(&key, message);
            CHECK(judge(raw, allowed) == "");
            const auto split = split_signed_commit(raw);
            CHECK(split->payload.find("-----BEGIN SSH") == std::string::npos);
            CHECK(split->payload_sha256 == sha256_hex(split->payload));
        }
    }
}

TEST_CASE("commit: a signed merge and a signed commit with an encoding verify") {
    const Commits repo;
    const auto& key = key_file("ana");
    const auto allowed = allowed_from(key.listed("ana@example.com"));
    (void)repo.commit(&key, "base");
    repo.git({"switch", "-q", "-c", "side"});
    (void)repo.commit(nullptr, "side");
    repo.git({"switch", "-q", "-"});
    repo.git({"-c", "gpg.format=ssh", "-c", "user.signingkey=" + key.path, "merge", "-q", "-S", "--no-ff",
              "-m", "merge", "side"});
    CHECK(judge(repo.git({"cat-file", "commit", "HEAD"}), allowed) == "");
    repo.git({"config", "i18n.commitEncoding", "ISO-8859-1"});
    CHECK(judge(repo.commit(&key, "latin"), allowed) == "");
}

TEST_CASE("attack 1: an unsigned commit is refused") {
    const Commits repo;
    CHECK(judge(repo.commit(nullptr), allowed_from("")) == "commit is not signed");
}

TEST_CASE("attack 2: a signature block in the commit's body is no signature") {
    const Commits repo;
    const auto& key = key_file("ana");
    const auto allowed = allowed_from(key.listed("ana@example.com"));
    const auto raw = repo.commit(&key);
    const auto header = signature_header(raw);
    const auto payload = split_signed_commit(raw)->payload;
    CHECK(judge(payload + "\n" + header, allowed) == "commit is not signed");
    CHECK(judge(payload + header, allowed) == "commit is not signed");
    CHECK(judge(payload + must_run({"/usr/bin/ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", key.path},
                                   payload),
                allowed) == "commit is not signed");
}

TEST_CASE("attack 3: two signatures, gpgsig-sha256 or any other gpgsig header are refused") {
    const Commits repo;
    const auto& key = key_file("ana");
    const auto allowed = allowed_from(key.listed("ana@example.com"));
    const auto raw = repo.commit(&key);
    const auto header = signature_header(raw);
    REQUIRE(judge(raw, allowed) == "");
    const std::string twice = "commit has more than one signature, or an unknown kind";
    CHECK(judge(with(raw, "gpgsig ", header), allowed) == twice);
    auto other = header;
    for (const std::string name : {"gpgsig-sha256", "gpgsigextra", "gpgsigs", "gpgsig2"}) {
        CAPTURE(name);
        const auto renamed = name + header.substr(6);
        CHECK(judge(with(raw, "gpgsig ", renamed), allowed) == twice);
        CHECK(judge(with(raw, "\n\n", "\n" + renamed.substr(0, renamed.size() - 1)), allowed) == twice);
        auto alone = raw;
        alone.replace(alone.find("gpgsig "), header.size(), renamed);
        CHECK(judge(alone, allowed) == twice);
    }
}

TEST_CASE("attack 4: a changed payload, header order, NUL or changed armour in a commit is refused") {
    const Commits repo;
    const auto& key = key_file("ana");
    const auto allowed = allowed_from(key.listed("ana@example.com"));
    const auto raw = repo.commit(&key);
    const auto tree = raw.substr(0, raw.find('\n') + 1);
    const auto replaced = [&](const std::string& what, const std::string& by) {
        auto changed = raw;
        REQUIRE(changed.find(what) != std::string::npos);
        return changed.replace(changed.find(what), what.size(), by);
    };
    const std::vector<std::pair<std::string, std::string>> cases{
        {"another message", replaced("change", "Change")},
        {"another author", replaced("Ana", "Eve")},
        {"a header more", with(raw, "gpgsig ", "x-more y\n")},
        {"two trees", tree + raw},
        {"tree after the author", with(raw, "committer ", tree)},
        {"a late parent", with(raw, "gpgsig ", "parent " + std::string(40, 'a') + "\n")},
        {"two authors", with(raw, "committer ", "author Eve <e@x> 1 +0000\n")},
        {"signature before the author",
         with(replaced(signature_header(raw), ""), "author ", signature_header(raw))},
        {"NUL in the body", raw + std::string(1, '\0')},
        {"NUL in the header", with(raw, "gpgsig ", std::string("x a\0b\n", 6))},
        {"CR in the armour", replaced("SIGNATURE-----\n", "SIGNATURE-----\r\n")},
        {"junk after END", with(raw, "\n\n", "\n x")},
        {"an empty line in the armour", replaced("SIGNATURE-----\n", "SIGNATURE-----\n \n")},
        {"no end of the header", raw.substr(0, raw.find("\n\n") + 1)},
        {"empty", ""},
        {"blank first", "\n" + raw},
        {"continuation first", " x\n" + raw},
    };
    for (const auto& [name, text] : cases) {
        const auto& shown = name;  // clang 14 captures no structured binding
        CAPTURE(shown);
        CHECK(judge(text, allowed) != "");
    }
}

TEST_CASE("attack 5: a commit whose signature is for an approval is refused") {
    const Commits repo;
    const auto& key = key_file("ana");
    const auto allowed = allowed_from(key.listed("ana@example.com"));
    const auto raw = repo.commit(&key);
    const auto split = split_signed_commit(raw);
    std::string folded = "gpgsig";
    const auto approval = key.sign("tidegate-approval", split->payload);
    for (const auto line : lines_of(approval)) folded += " " + std::string(line) + "\n";
    auto forged = raw;
    forged.replace(forged.find("gpgsig "), signature_header(raw).size(), folded);
    const auto said = judge(forged, allowed);
    CHECK_MESSAGE(said.find("namespace `tidegate-approval`") != std::string::npos, said);
}

TEST_CASE("attack 6: a back-dated committer time does not revive an expired key") {
    const Commits repo;
    const auto& key = key_file("ana");
    Commits dated;
    dated.env.set("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z");
    dated.env.set("GIT_AUTHOR_DATE", "2020-01-01T00:00:00Z");
    const auto raw = dated.commit(&key);
    CHECK(raw.find(" 1577836800 ") != std::string::npos);
    const auto expired = allowed_from(key.listed("ana@example.com", "valid-before=\"20210101Z\""));
    CHECK(judge(raw, expired).find("was valid until 2021-01-01") != std::string::npos);
}

TEST_CASE("attack 9: a PGP or X.509 signature is refused by name") {
    const Commits repo;
    const auto raw = repo.commit(nullptr);
    const auto pgp =
        with(raw, "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----");
    CHECK(judge(pgp, allowed_from("")).find("signed with PGP") != std::string::npos);
    const auto x509 =
        with(raw, "\n\n", "\ngpgsig -----BEGIN SIGNED MESSAGE-----\n MII=\n -----END SIGNED MESSAGE-----");
    CHECK(judge(x509, allowed_from("")).find("signed with X.509") != std::string::npos);
    const auto other = with(raw, "\n\n", "\ngpgsig -----BEGIN OTHER-----\n x");
    CHECK(judge(other, allowed_from("")).find("not an SSH signature") != std::string::npos);
}
