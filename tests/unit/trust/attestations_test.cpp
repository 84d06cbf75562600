#include "tests/unit/trust/rig.hpp"

using namespace tidegate::test;

namespace {

const std::string kGates =
    "version: 1\nstages:\n  pre-push:\n    gates:\n      - {name: unit, run: ctest}\n"
    "  nightly:\n    gates:\n      - {name: soak, run: soak}\n";

struct Source : Work {
    AllowedSigners allowed = team();
    AttestationNeed need{{"pre-push"}, 1};
    Oid release;

    Source() {
        write(".tidegate.yaml", kGates);
        write("main.c", "int main() { return 0; }\n");
        release = commit_unsigned("ana");
    }
    [[nodiscard]] Oid tree() const { return repo().commit(release).value().tree; }
    [[nodiscard]] TestResult passed(const std::string& stage = "pre-push",
                                    const std::string& gates = kGates) const {
        TestResult result;
        result.tree = tree();
        result.commit = release;
        result.stage = stage;
        result.passed = true;
        result.gates = {{stage == "nightly" ? "soak" : "unit", "passed", Duration(31)}};
        result.gates_digest = gates_digest(parse_yaml("g", gates).value().root(), stage).value();
        result.finished = noon();
        return result;
    }
    // Signs `result` and stores it where the release's attestations are looked for.
    void attest(const std::string& name, const TestResult& result, const std::string& stage = "pre-push") {
        const auto& key = key_file(name);
        const auto envelope = sign_attestation(result, SshSigner::make(key.path).value()).value();
        store({{attestation_path(tree(), stage, key.key), envelope}});
    }
    [[nodiscard]] Result<std::vector<StageProof>> verify() const {
        return verify_attestations(repo(), release, need, allowed, noon());
    }
};

}  // namespace

TEST_CASE_FIXTURE(Source, "attestations: one for the tree, its stage and its own gates is enough") {
    attest("ana", passed());
    const auto proofs = verify();
    REQUIRE_MESSAGE(proofs.has_value(), refusal(proofs));
    REQUIRE(proofs->size() == 1);
    CHECK(proofs->front().signers.front().principal == "ana@example.com");
    // Another commit with the same tree is as proven.
    release = commit_unsigned("ben", "the same again");
    CHECK(verify().has_value());
}

TEST_CASE_FIXTURE(Source, "attestations: a tree that nobody attested is refused, by name and with the mend") {
    const auto said = verify();
    CHECK(denial(said) == "tree " + tree().short_str() + " (commit " + release.short_str() +
                              ") is not attested for pre-push: nobody did so");
    CHECK(says(said.error().hint, "tidegate attest push " + release.str()));
    attest("ana", passed());
    write("main.c", "int main() { return 1; }\n");
    release = commit_unsigned("ana");
    CHECK(says(denial(verify()), "nobody did so"));
}

TEST_CASE_FIXTURE(Source, "attack 15: an attestation for another tree is not counted") {
    auto other = passed();
    other.tree = Oid::parse(std::string(40, '7')).value();
    attest("ana", other);
    CHECK(says(denial(verify()), "another tree, 7777777"));
}

TEST_CASE_FIXTURE(Source, "attack 15: an attestation for another stage is not counted") {
    attest("ana", passed("nightly"));
    CHECK(says(denial(verify()), "another stage, nightly"));
    attest("ana", passed("nightly"), "nightly");
    need.stages = {"nightly"};
    CHECK(verify().has_value());
    need.stages = {"nightly", "pre-push"};
    CHECK(denial(verify()) != "");
    attest("ben", passed());
    CHECK(verify()->size() == 2);
}

TEST_CASE_FIXTURE(Source, "attack 15: an attestation with a failed or a skipped gate is not counted") {
    for (const std::string outcome : {"failed", "skipped"}) {
        auto result = passed();
        result.passed = false;
        result.gates.push_back({"lint", outcome, {}});
        attest("ana", result);
        CHECK(says(denial(verify()), outcome == "failed" ? "gate lint failed" : "gate lint was skipped"));
    }
    auto result = passed();
    result.passed = false;
    attest("ana", result);
    CHECK(says(denial(verify()), "did not pass"));
}

TEST_CASE_FIXTURE(Source, "attack 15: an attestation that leaves a gate out is not counted") {
    auto result = passed();
    result.gates = {{"lint", "passed", {}}};
    attest("ana", result);
    CHECK(says(denial(verify()), "gate unit is not in it"));
}

TEST_CASE_FIXTURE(Source,
                  "attack 15: an attestation made with other gates than the tree's own is not counted") {
    auto weaker = kGates;
    weaker.replace(weaker.find("ctest"), 5, "\"true\"");
    attest("ana", passed("pre-push", weaker));
    CHECK(says(denial(verify()), "other gates than the tree defines"));
    // Other stages of the file do not matter.
    auto nightly = kGates;
    nightly.replace(nightly.find("run: soak"), 9, "run: more");
    attest("ana", passed("pre-push", nightly));
    CHECK(verify().has_value());
}

TEST_CASE_FIXTURE(Source,
                  "attack 15: a tree without gates, without the stage or with unreadable gates is refused") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"version: 1\nstages:\n  nightly: {gates: []}\n", "no such stage"},
        {"stages: [", "cannot be read"},
        {"a: 1\na: 2\n", "cannot be read"},
    };
    for (const auto& [text, said] : cases) {
        write(".tidegate.yaml", text);
        release = commit_unsigned("ana");
        attest("ana", passed());
        CHECK(says(denial(verify()), said));
    }
    remove(".tidegate.yaml");
    release = commit_unsigned("ana");
    attest("ana", passed());
    CHECK(says(denial(verify()), "it has no .tidegate.yaml"));
}

TEST_CASE_FIXTURE(Source, "attack 5: an attestation by a key for git or approvals only is not counted") {
    attest("ana", passed());
    allowed = allowed_from(key_file("ana").listed("ana@example.com", "namespaces=\"git,tidegate-approval\""));
    CHECK(says(denial(verify()), "may not sign in namespace `tidegate-attestation`"));
}

TEST_CASE_FIXTURE(Source, "attack 6: an attestation by an unlisted or expired key is not counted") {
    attest("eve", passed());
    CHECK(says(denial(verify()), "is not listed"));
    attest("ana", passed());
    allowed = allowed_from(key_file("ana").listed("ana@example.com", "valid-before=\"20260101Z\""));
    CHECK(denial(verify()) != "");
}

TEST_CASE_FIXTURE(Source, "attack 8: a threshold of 2 is not met by one key twice or under two principals") {
    need.threshold = 2;
    attest("ana", passed());
    const auto envelope = sign_attestation(passed(), SshSigner::make(key_file("ana").path).value()).value();
    store({{attestation_path(tree(), "pre-push", key_file("ben").key), envelope}});
    allowed =
        allowed_from(key_file("ana").listed("ana@example.com") + key_file("ana").listed("ci@example.com"));
    CHECK(says(denial(verify()), "1 of 2 people did so (ana@example.com)"));
    allowed = team();
    attest("carl", passed());
    REQUIRE(verify().has_value());
    CHECK(verify()->front().signers.size() == 2);
}

TEST_CASE_FIXTURE(Source,
                  "attack 10: a statement without a digest, and what is no attestation, are not counted") {
    const auto path = attestation_path(tree(), "pre-push", key_file("ana").key);
    for (const std::string junk : {"", "{}", "junk", "{\"payloadType\":\"application/vnd.in-toto+json\"}"}) {
        store({{path, junk}});
        CHECK(denial(verify()) != "");
    }
    store({{path, std::string(2 << 20, 'x')}});
    CHECK(denial(verify()) != "");
    // A bad one beside a good one harms nothing.
    attest("ben", passed());
    CHECK(verify().has_value());
}

TEST_CASE("attestations: what host and manifest ask together") {
    using Rule = AttestationRule;
    const std::vector<std::string> nightly{"nightly"};
    CHECK(attestation_need(Rule::Required, {}, 0).stages == std::vector<std::string>{"pre-push"});
    CHECK(attestation_need(Rule::Required, {}, 0).threshold == 1);
    CHECK(attestation_need(Rule::Required, nightly, 2).stages ==
          std::vector<std::string>{"nightly", "pre-push"});
    CHECK(attestation_need(Rule::Required, {"pre-push", "pre-push"}, 2).stages.size() == 2);
    CHECK(attestation_need(Rule::Required, nightly, 2).threshold == 2);
    CHECK(attestation_need(Rule::WhenAsked, {}, 1).stages.empty());
    CHECK(attestation_need(Rule::WhenAsked, nightly, 1).stages == nightly);
    CHECK(attestation_need(Rule::Off, nightly, 1).stages.empty());
}
