#include "tests/unit/trust/rig.hpp"

using namespace tidegate::test;

namespace {

struct Branch : Work {
    TrustPolicy policy;
    AllowedSigners allowed = team();

    [[nodiscard]] Result<VerifiedRevision> verify(const Oid& tip, const std::optional<Oid>& accepted = {},
                                                  WallTime now = noon()) const {
        return verify_revision(repo(), tip, accepted, policy, allowed, now);
    }
    // A commit object made by hand.
    Oid write_raw(const std::string& raw) const {
        return Oid::parse(git({"hash-object", "-t", "commit", "-w", "--stdin", "--literally"}, raw)).value();
    }
    [[nodiscard]] std::string raw(const Oid& oid) const {
        return git({"cat-file", "commit", oid.str()}) + "\n";
    }
};

}  // namespace

TEST_CASE_FIXTURE(Branch, "revision: a signed tip is accepted, and says who signed what") {
    const auto tip = commit("ana", "release web");
    const auto verified = verify(tip);
    REQUIRE_MESSAGE(verified.has_value(), refusal(verified));
    CHECK(verified->oid == tip);
    CHECK(verified->signer->principal == "ana@example.com");
    CHECK(verified->author_email == "ana@example.com");
    CHECK(verified->summary == "release web");
    CHECK(verified->payload_sha256.size() == 64);
    CHECK(verify(tip, tip).has_value());
    CHECK(verify(commit("ben"), tip).has_value());
}

TEST_CASE_FIXTURE(Branch, "attack 1: an unsigned commit at the tip is refused, by name and with the mend") {
    const auto base = commit("ana");
    const auto tip = commit_unsigned("ana", "sneak");
    const auto said = denial(verify(tip, base));
    CHECK(says(said, "revision " + tip.short_str() + " (sneak) is refused: commit is not signed"));
}

TEST_CASE_FIXTURE(Branch, "attack 2: a signature in the body of the tip is none") {
    const auto base = commit("ana");
    const auto body = "change\n\ngpgsig " + key_file("ana").sign("git", "x");
    const auto tip = commit_unsigned("ana", body);
    CHECK(says(denial(verify(tip, base)), "not signed"));
}

TEST_CASE_FIXTURE(Branch, "attack 3: a tip with a second signature header is refused") {
    const auto signed_tip = raw(commit("ana"));
    for (const std::string name : {"gpgsig", "gpgsig-sha256", "gpgsigextra"}) {
        auto text = signed_tip;
        text.insert(text.find("gpgsig "), name + " x\n");
        CHECK(says(denial(verify(write_raw(text))), "more than one signature"));
    }
}

TEST_CASE_FIXTURE(Branch, "attack 4: a tip whose armour was touched is refused") {
    auto text = raw(commit("ana"));
    text.insert(text.find("-----END SSH SIGNATURE-----") + 27, "\n x");
    CHECK(says(denial(verify(write_raw(text))), "SSH signature"));
}

TEST_CASE_FIXTURE(Branch, "attack 5: a signer of attestations may not sign the manifests branch") {
    allowed = allowed_from(
        key_file("ana").listed("ana@example.com", "namespaces=\"tidegate-attestation,tidegate-approval\""));
    CHECK(says(denial(verify(commit("ana"))), "may not sign in namespace `git`"));
}

TEST_CASE_FIXTURE(Branch,
                  "attack 6: a tip by an unlisted, revoked or expired key is refused, back-dated or not") {
    CHECK(says(denial(verify(commit("eve"))), "is not listed"));
    const auto tip = commit("ana");
    REQUIRE(verify(tip).has_value());
    allowed = allowed_from(key_file("ben").listed("ben@example.com"));  // ana's line is gone
    CHECK(says(denial(verify(tip)), "is not listed"));
    allowed = allowed_from(key_file("ana").listed("ana@example.com", "valid-before=\"20260101Z\""));
    date("2025-01-01T00:00:00Z");
    CHECK(says(denial(verify(commit("ana"))), "was valid until 2026-01-01"));
}

TEST_CASE_FIXTURE(Branch, "attack 7: a tip signed with a changed signature is refused") {
    const auto text = raw(commit("ana"));
    const auto armor = text.find("SIGNATURE-----") + 15;
    for (const size_t at : {armor + 30, armor + 100, armor + 150, armor + 200}) {
        auto forged = text;
        forged[at] = forged[at] == 'A' ? 'B' : 'A';
        CHECK(denial(verify(write_raw(forged))) != "");
    }
}

TEST_CASE_FIXTURE(Branch, "attack 9: a PGP signature at the tip is refused by name") {
    auto text = raw(commit_unsigned("ana"));
    text.insert(text.find("\n\n"),
                "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----");
    CHECK(says(denial(verify(write_raw(text))), "signed with PGP"));
}

TEST_CASE_FIXTURE(Branch, "attack 13: a twin of the accepted commit under another id is refused") {
    const auto base = commit("ana", "base");
    const auto accepted = commit("ana", "change");
    // The same payload signed a second time: another id, as good a signature.
    const auto payload = raw(accepted);
    const auto start = payload.find("gpgsig ");
    const auto end = payload.find("-----END SSH SIGNATURE-----\n") + 28;
    auto unsigned_text = payload.substr(0, start) + payload.substr(end);
    std::string folded = "gpgsig";
    const auto armor = must_run({"/usr/bin/ssh-keygen", "-q", "-Y", "sign", "-O", "hashalg=sha256", "-n",
                                 "git", "-f", key_file("ana").path},
                                unsigned_text);
    for (const auto line : lines_of(armor)) folded += " " + std::string(line) + "\n";
    const auto twin = write_raw(payload.substr(0, start) + folded + payload.substr(end));
    REQUIRE(twin != accepted);
    CHECK(verify(twin, base)->payload_sha256 == verify(accepted, base)->payload_sha256);
    CHECK(says(denial(verify(twin, accepted)), "does not descend from " + accepted.short_str()));
}

TEST_CASE_FIXTURE(Branch, "attack 16: a branch rewound to an older, validly signed revision is refused") {
    const auto older = commit("ana");
    const auto newer = commit("ana");
    const auto said = verify(older, newer);
    CHECK(says(denial(said), "is older than " + newer.short_str()));
    CHECK(says(denial(said), "rewound"));
    CHECK(says(said.error().hint, "git revert"));
}

TEST_CASE_FIXTURE(Branch, "attack 17: another tip of the same length is refused once one was accepted") {
    const auto base = commit("ana", "base");
    const auto one = commit("ana", "one");
    git({"reset", "-q", "--hard", base.str()});
    const auto two = commit("ana", "two");
    CHECK(verify(one, base).has_value());
    CHECK(verify(two, base).has_value());
    CHECK(says(denial(verify(two, one)), "replaced"));
    CHECK(says(denial(verify(one, two)), "replaced"));
}

TEST_CASE_FIXTURE(Branch,
                  "attack 17: an accepted revision that is no longer in the repository blocks all others") {
    const auto gone = Oid::parse(std::string(40, 'e')).value();
    CHECK(says(denial(verify(commit("ana"), gone)), "does not descend from eeeeeee"));
}

TEST_CASE_FIXTURE(Branch, "revision: the commit that the host names may replace the branch, and no other") {
    const auto base = commit("ana", "base");
    const auto accepted = commit("ana", "accepted");
    git({"reset", "-q", "--hard", base.str()});
    const auto named = commit("ana", "named");
    const auto above = commit("ana", "above");
    CHECK_FALSE(verify(named, accepted).has_value());
    policy.replacement = named;
    CHECK(verify(named, accepted).has_value());
    CHECK(verify(above, accepted).has_value());
    CHECK_FALSE(verify(base, accepted).has_value());
    // Once taken over, the line left in the configuration opens no way back.
    const auto later = commit("ana", "later");
    CHECK(verify(later, above).has_value());
    CHECK_FALSE(verify(above, later).has_value());
    // A deliberate rewind names the older commit itself.
    policy.replacement = base;
    CHECK(verify(base, later).has_value());
    CHECK_FALSE(verify(named, later).has_value());
    // It must be signed all the same.
    const auto bare = commit_unsigned("ana");
    policy.replacement = bare;
    CHECK(says(denial(verify(bare, accepted)), "not signed"));
}

TEST_CASE_FIXTURE(Branch, "revision: a signed merge of unsigned work is accepted, for the merge vouches") {
    const auto base = commit("ana");
    git({"switch", "-q", "-c", "side"});
    write("production/web.yaml", "version: 1\n");
    (void)commit_unsigned("carl");
    git({"switch", "-q", "deploy"});
    const auto tip = merge("ben", "side");
    const auto verified = verify(tip, base);
    REQUIRE_MESSAGE(verified.has_value(), refusal(verified));
    CHECK(verified->signer->principal == "ben@example.com");
    git({"reset", "-q", "--hard", base.str()});
    git({"merge", "-q", "--ff-only", "side"});
    CHECK(says(denial(verify(head(), base)), "not signed"));
}

TEST_CASE_FIXTURE(Branch, "revision: where manifests may be unsigned, the branch still only moves forward") {
    policy.manifests = TrustPolicy::Manifests::Unsigned;
    const auto older = commit_unsigned("ana");
    const auto newer = commit_unsigned("ana");
    CHECK_FALSE(verify(newer, older)->signer.has_value());
    CHECK(says(denial(verify(older, newer)), "rewound"));
    CHECK(verify(commit("ana"), newer)->signer->principal == "ana@example.com");
}

TEST_CASE("attack 20: trusted time is the later of the saved and the clock's") {
    const auto saved = noon();
    const auto clock_1970 = trusted_time(saved, WallTime{});
    CHECK(clock_1970.now == saved);
    CHECK(clock_1970.save == saved);
    CHECK(says(clock_1970.warning, "1970-01-01T00:00:00Z"));
    const auto later = saved + std::chrono::hours(3);
    CHECK(trusted_time(saved, later).now == later);
    CHECK(trusted_time(saved, later).save == later);
    CHECK(trusted_time(saved, later).warning == "");
    CHECK(trusted_time(std::nullopt, later).now == later);
}

TEST_CASE("attack 20: a clock at 2100 is not remembered, so nothing has expired when it is put right") {
    const auto saved = noon();
    const auto leap = trusted_time(saved, at("2100-01-01T00:00:00Z"));
    CHECK(leap.now == at("2100-01-01T00:00:00Z"));
    CHECK(leap.save == saved);
    CHECK(leap.warning != "");
    const auto after = trusted_time(leap.save, saved + std::chrono::minutes(1));
    CHECK(after.now == saved + std::chrono::minutes(1));
    const auto allowed = allowed_from(key_file("ana").listed("ana", "valid-before=\"20300101Z\""));
    CHECK(allowed.authorize(key_file("ana").key, "git", after.now).has_value());
}
