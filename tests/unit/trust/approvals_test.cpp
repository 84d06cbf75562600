#include "tests/unit/trust/rig.hpp"

using namespace tidegate::test;
namespace manifests = tidegate::manifests;

namespace {

struct Approvals : Work {
    AllowedSigners allowed = team();

    Approvals() {
        write("production/web.yaml", "version: 1\napp: web\n");
        (void)commit("ana", "first");
    }
    [[nodiscard]] Result<std::vector<Signer>> count(int needed = 1) const {
        return verify_approvals(repo(), head(), "production", "web", needed, allowed, noon());
    }
    void change(const std::string& who, const std::string& what) {
        write("production/web.yaml", what);
        (void)commit(who, "change");
    }
};

}  // namespace

TEST_CASE_FIXTURE(
    Approvals, "approvals: another person's approval counts, and without one the refusal says who is asked") {
    CHECK(says(denial(count()), "production/web.yaml as of " + head().short_str() + " has 0 of 1 approval"));
    CHECK(says(count().error().hint, "tidegate approve web --env production"));
    (void)approve("ben");
    (void)commit("ben", "approve");
    const auto people = count();
    REQUIRE_MESSAGE(people.has_value(), refusal(people));
    CHECK(people->size() == 1);
    CHECK(people->front().principal == "ben@example.com");
    CHECK(says(denial(count(2)), "has 1 of 2 approvals (ben@example.com)"));
    CHECK(count(0).has_value());
}

TEST_CASE_FIXTURE(Approvals, "attack 14: the author's approval is not counted, by key or by principal") {
    (void)approve("ana");
    (void)commit("ana", "approve");
    CHECK(says(denial(count()), "ana@example.com is the author of the change"));
    // The author's second key.
    allowed = allowed_from(key_file("ana").listed("ana@example.com") +
                           key_file("ana-second").listed("ana@example.com"));
    (void)approve("ana-second");
    (void)commit("ana", "approve");
    CHECK(says(denial(count()), "is the author"));
    // The author's key under another name.
    allowed = allowed_from(key_file("ana").listed("ana@example.com", "namespaces=\"git\"") +
                           key_file("ana").listed("boss@example.com", "namespaces=\"tidegate-approval\""));
    CHECK(says(denial(count()), "is the author"));
}

TEST_CASE_FIXTURE(Approvals, "attack 14: an approval of another content, app or environment is not counted") {
    (void)approve("ben");
    (void)commit("ben", "approve");
    REQUIRE(count().has_value());
    change("ana", "version: 1\napp: web\nkeep: 4\n");
    CHECK(says(denial(count()), "for another content"));
    // Ben's good signature for staging, put where production's is looked for.
    const auto digest = manifests::manifest_digest("version: 1\napp: web\nkeep: 4\n");
    for (const auto& [environment, app] : {std::pair("staging", "web"), std::pair("production", "api")}) {
        write(
            manifests::approval_path("production", "web", digest, key_file("ben").key),
            key_file("ben").sign("tidegate-approval", manifests::approval_message(environment, app, digest)));
        (void)commit("ben");
        CHECK(says(denial(count()), "one is not good"));
    }
    write(
        manifests::approval_path("production", "web", digest, key_file("ben").key),
        key_file("ben").sign("tidegate-approval", manifests::approval_message("production", "web", digest)));
    (void)commit("ben");
    CHECK(count().has_value());
}

TEST_CASE_FIXTURE(Approvals, "attack 14: an approval that was withdrawn is not counted") {
    const auto path = approve("ben");
    (void)commit("ben", "approve");
    REQUIRE(count().has_value());
    remove(path);
    (void)commit("ben", "withdraw");
    CHECK(says(denial(count()), "0 of 1"));
}

TEST_CASE_FIXTURE(Approvals,
                  "attack 5: an approval signed for git, or by a key that may not approve, is not counted") {
    (void)approve("ben", "git");
    (void)commit("ben");
    CHECK(says(denial(count()), "namespace `git`"));
    (void)approve("ben");
    (void)commit("ben");
    allowed =
        allowed_from(key_file("ana").listed("ana@example.com") +
                     key_file("ben").listed("ben@example.com", "namespaces=\"git,tidegate-attestation\""));
    CHECK(says(denial(count()), "may not sign in namespace `tidegate-approval`"));
}

TEST_CASE_FIXTURE(Approvals, "attack 6: an approval by an unlisted or expired key is not counted") {
    (void)approve("eve");
    (void)commit("eve");
    CHECK(says(denial(count()), "is not listed"));
    (void)approve("ben");
    (void)commit("ben");
    allowed = allowed_from(key_file("ana").listed("ana@example.com") +
                           key_file("ben").listed("ben@example.com", "valid-before=\"20260101Z\""));
    CHECK(denial(count()) != "");
}

TEST_CASE_FIXTURE(Approvals,
                  "attack 8: one key twice, or under two principals, or a person's two keys, count once") {
    const auto path = approve("ben");
    write(path.substr(0, path.size() - 68) + std::string(64, 'f') + ".sig",
          must_read(git({"rev-parse", "--show-toplevel"}) + "/" + path));
    (void)commit("ben");
    CHECK(count(1)->size() == 1);
    CHECK(says(denial(count(2)), "1 of 2"));
    allowed = allowed_from(
        key_file("ana").listed("ana@example.com") + key_file("ben").listed("ben@example.com") +
        key_file("ben").listed("bob@example.com") + key_file("ben-second").listed("bob@example.com"));
    (void)approve("ben-second");
    (void)commit("ben");
    CHECK(says(denial(count(2)), "1 of 2"));
    allowed = team();
    (void)approve("carl");
    (void)commit("carl");
    CHECK(count(2)->size() == 2);
}

TEST_CASE_FIXTURE(
    Approvals, "approvals: the author of an unsigned change is who signed on top of it, and whom it names") {
    write("production/web.yaml", "version: 1\napp: web\nkeep: 5\n");
    (void)commit_unsigned("carl");
    (void)commit("ben", "on top");
    for (const std::string name : {"ben", "carl"}) {
        (void)approve(name);
        (void)commit("ana");
        CHECK(says(denial(count()), name + "@example.com is the author"));
    }
    (void)approve("ana");
    (void)commit("ana");
    CHECK(count()->front().principal == "ana@example.com");
}

TEST_CASE_FIXTURE(Approvals, "approvals: who merges a change is not its author") {
    git({"switch", "-q", "-c", "side"});
    change("ana", "version: 1\napp: web\nkeep: 6\n");
    git({"switch", "-q", "deploy"});
    (void)merge("ben", "side");
    (void)approve("ben");
    (void)commit("ben");
    CHECK(count()->front().principal == "ben@example.com");
    (void)approve("ana");
    (void)commit("ben");
    CHECK(count()->size() == 1);
}

TEST_CASE_FIXTURE(Approvals, "approvals: an author stays the author when the key expires") {
    allowed = allowed_from(
        key_file("ana").listed("ana@example.com", "valid-before=\"20200101Z\",namespaces=\"git\"") +
        key_file("ana-second").listed("ana@example.com"));
    (void)approve("ana-second");
    (void)commit("ben");
    CHECK(says(denial(count()), "is the author"));
}

TEST_CASE_FIXTURE(Approvals, "approvals: a manifest that is not there is said to be missing") {
    const auto none = verify_approvals(repo(), head(), "production", "api", 1, allowed, noon());
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().kind == ErrorKind::NotFound);
}
