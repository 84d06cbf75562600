#include "hooks/proof.hpp"

#include "shared/base/process.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::hooks;
using namespace tidegate::shared;

namespace {

const std::string kGates =
    "version: 1\nstages:\n  pre-push:\n    gates:\n      - {name: unit, run: ctest}\n"
    "      - {name: main, run: check, only: [{branch: main}]}\n";
const Oid kTree = Oid::parse(std::string(40, '1')).value();

// A key pair, a stage as it is asked about, and an attestation that answers it.
struct Asked {
    TempDir folder = TempDir::make("tidegate-proof-test").value();
    Config config = parse_config("g", kGates).value();
    Target target;
    Trust trust;
    TestResult result;
    SshSigner signer;
    WallTime now = parse_utc("2026-11-21T12:00:00Z").value();

    Asked() : signer(make_key("ana")) {
        target.tree = kTree;
        target.stage = "pre-push";
        target.branch = "refs/heads/main";
        result.tree = kTree;
        result.stage = "pre-push";
        result.passed = true;
        result.gates_digest = question().gates_digest;
        result.gates = {{"unit", "passed", Duration(1)}, {"main", "cached", Duration(0)}};
        result.finished = now;
        trust.own = SigningKey{signer, nullptr};
    }
    SshSigner make_key(const std::string& name) const {
        Command command;
        const auto file = folder.path() + "/" + name;
        command.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file};
        command.env = basic_environment();
        REQUIRE(run(command).value().ok());
        return SshSigner::make(file).value();
    }
    [[nodiscard]] Question question() const {
        return question_of(config, *config.stage("pre-push"), target).value();
    }
    [[nodiscard]] std::string answer() const {
        const auto proof = proof_in(sign_attestation(result, signer).value(), kTree, question(), trust, now);
        return proof ? proof->by : proof.error().message;
    }
    void trust_others(const std::string& options) {
        trust.own = fail(ErrorKind::NotFound, "none");
        trust.others =
            AllowedSigners::parse("f", "ben@example.com " + options + " " + signer.public_key().text())
                .value();
    }
};

}  // namespace

TEST_CASE_FIXTURE(Asked, "proof: what does not answer the question is not counted") {
    CHECK(answer() == "you");
    SUBCASE("another tree") {
        result.tree = Oid::parse(std::string(40, '2')).value();
        CHECK(answer() == "it is about another tree");
    }
    SUBCASE("another stage") {
        result.stage = "nightly";
        CHECK(answer() == "it is about another stage");
    }
    SUBCASE("other gates") {
        result.gates_digest = std::string(64, 'a');
        CHECK(answer() == "it was made with other gates");
    }
    SUBCASE("a stage that failed") {
        result.passed = false;
        result.gates[0].outcome = "failed";
        CHECK(answer() == "it says that the gates did not pass");
    }
    SUBCASE("a skipped gate") {
        result.passed = false;
        result.gates[0].outcome = "skipped";
        CHECK(answer() == "it says that the gates did not pass");
    }
    SUBCASE("a gate too few") {
        result.gates.pop_back();
        CHECK(answer() == "gate main is missing");
    }
    SUBCASE("a gate that had nothing to do on another branch") {
        result.gates[1].outcome = "no-files";
        CHECK(answer() == "gate main was not run (no-files)");
        target.branch = "refs/heads/topic";
        CHECK(answer() == "you");
    }
    SUBCASE("a gate whose files matched nothing is as good as one that passed") {
        result.gates[0].outcome = "no-files";
        CHECK(answer() == "you");
    }
}

TEST_CASE_FIXTURE(Asked, "proof: only trusted keys count, in their namespace and time") {
    trust_others("namespaces=\"tidegate-attestation\"");
    CHECK(answer() == "ben@example.com");
    trust_others("namespaces=\"git\"");
    CHECK(answer() != "ben@example.com");
    trust_others("namespaces=\"tidegate-attestation\",valid-before=\"20261120Z\"");
    CHECK(answer() != "ben@example.com");
    trust_others("namespaces=\"tidegate-attestation\",valid-after=\"20261122Z\"");
    CHECK(answer() != "ben@example.com");
    trust_others("namespaces=\"tidegate-attestation\"");
    signer = make_key("eve");
    CHECK(answer() != "ben@example.com");
    trust.others.reset();
    CHECK(answer() != "ben@example.com");
}
