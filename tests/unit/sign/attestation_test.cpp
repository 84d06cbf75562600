#include "shared/sign/attestation.hpp"

#include "shared/doc/json.hpp"
#include "shared/doc/yaml.hpp"
#include "shared/sign/gates_digest.hpp"
#include "tests/unit/sign/rig.hpp"

using namespace tidegate::test;

namespace {

const WallTime kNow = at("2026-06-15T12:00:00Z");
const std::string kTree(40, '4');
const std::string kCommit(40, '9');

TestResult passed() {
    TestResult result;
    result.tree = Oid::parse(kTree).value();
    result.commit = Oid::parse(kCommit).value();
    result.stage = "pre-push";
    result.passed = true;
    result.gates_digest = std::string(64, 'a');
    result.gates = {{"build", "passed", Duration(8200)},
                    {"unit \"quoted\"", "flaky", Duration(31)},
                    {"lint", "cached", {}}};
    result.finished = kNow;
    result.tool_version = "0.1.0";
    return result;
}

SshSigner signer_of(const std::string& name) {
    return SshSigner::make(key_file(name).path).value();
}

// The statement of passed() with one text replaced by another.
std::string changed(const std::string& what, const std::string& by) {
    auto text = to_statement(passed());
    const auto at = text.find(what);
    REQUIRE_MESSAGE(at != std::string::npos, text);
    return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("statement: what is written is read back, whole") {
    const auto text = to_statement(passed());
    const auto read = parse_statement(text);
    REQUIRE_MESSAGE(read.has_value(), refusal(read));
    CHECK(read->tree.str() == kTree);
    CHECK(read->commit->str() == kCommit);
    CHECK(read->stage == "pre-push");
    CHECK(read->passed);
    CHECK(read->gates.size() == 3);
    CHECK(read->gates[1].name == "unit \"quoted\"");
    CHECK(read->gates[0].took == Duration(8200));
    CHECK(read->finished == kNow);
    CHECK(read->tool_version == "0.1.0");
    CHECK(to_statement(*read) == text);
    auto lone = passed();
    lone.commit.reset();
    CHECK_FALSE(parse_statement(to_statement(lone))->commit.has_value());
}

TEST_CASE("statement: it is an in-toto Statement v1 with a test-result predicate") {
    const auto root = parse_json(to_statement(passed())).value();
    CHECK(root.find("_type")->text() == "https://in-toto.io/Statement/v1");
    CHECK(root.find("predicateType")->text() == "https://in-toto.io/attestation/test-result/v0.1");
    CHECK(root.find("subject")->list()[0].find("digest")->find("gitTree")->text() == kTree);
    CHECK(root.find("subject")->list()[1].find("digest")->find("gitCommit")->text() == kCommit);
    const auto& predicate = *root.find("predicate");
    CHECK(predicate.find("result")->text() == "PASSED");
    CHECK(predicate.find("passedTests")->list().size() == 3);
    CHECK(predicate.find("failedTests")->list().empty());
    CHECK(predicate.find("configuration")->list()[0].find("digest")->find("sha256")->text() ==
          std::string(64, 'a'));
}

TEST_CASE("attack 10: a missing, empty, duplicate or unknown digest is an error, never no check") {
    const auto tree = "{\"digest\":{\"gitTree\":\"" + kTree + "\"}}";
    const auto commit = "{\"digest\":{\"gitCommit\":\"" + kCommit + "\"}}";
    const std::vector<std::pair<std::string, std::string>> cases{
        {"no digest", changed(tree, "{\"name\":\"x\"}")},
        {"null digest", changed(tree, "{\"digest\":null}")},
        {"empty digest", changed(tree, "{\"digest\":{}}")},
        {"empty text", changed("\"" + kTree + "\"", "\"\"")},
        {"null text", changed("\"" + kTree + "\"", "null")},
        {"number", changed("\"" + kTree + "\"", "4")},
        {"zero id", changed(kTree, std::string(40, '0'))},
        {"short id", changed(kTree, kTree.substr(1))},
        {"upper case", changed(kTree, std::string(40, 'A'))},
        {"twice in one",
         changed(tree, "{\"digest\":{\"gitTree\":\"" + kTree + "\",\"gitTree\":\"" + kTree + "\"}}")},
        {"two kinds in one", changed(tree, "{\"digest\":{\"gitTree\":\"" + kTree + "\",\"sha256\":\"00\"}}")},
        {"unknown kind", changed("gitTree", "md5")},
        {"upper-case kind", changed("gitTree", "GITTREE")},
        {"two trees", changed(commit, tree)},
        {"two commits", changed(tree, commit)},
        {"no subject", changed("[" + tree + "," + commit + "]", "[]")},
        {"subject missing", changed("\"subject\"", "\"subjects\"")},
        {"only a commit", changed(tree + ",", "")},
        {"no configuration", changed("\"configuration\"", "\"config\"")},
        {"configuration digest short", changed(std::string(64, 'a'), "aa")},
        {"configuration digest of another kind", changed("\"sha256\"", "\"sha1\"")},
    };
    for (const auto& [name, text] : cases) {
        const auto& shown = name;  // clang 14 captures no structured binding
        CAPTURE(shown);
        const auto parsed = parse_statement(text);
        REQUIRE_FALSE(parsed.has_value());
        CHECK(parsed.error().kind == ErrorKind::Invalid);
    }
}

TEST_CASE("statement: other types, wrong values and contradictions are refused") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"type", changed("Statement/v1", "Statement/v0.1")},
        {"predicate", changed("test-result/v0.1", "test-result/v9")},
        {"result", changed("\"PASSED\"", "\"passed\"")},
        {"passed with a failed gate", changed("\"outcome\":\"passed\"", "\"outcome\":\"failed\"")},
        {"passed with a skipped gate", changed("\"outcome\":\"passed\"", "\"outcome\":\"skipped\"")},
        {"passed with failed tests", changed("\"failedTests\":[]", "\"failedTests\":[\"x\"]")},
        {"unknown outcome", changed("\"outcome\":\"passed\"", "\"outcome\":\"fine\"")},
        {"negative time", changed("\"ms\":8200", "\"ms\":-1")},
        {"time as text", changed("\"ms\":8200", "\"ms\":\"8200\"")},
        {"no stage", changed("\"stage\":\"pre-push\"", "\"stage\":\"\"")},
        {"stage twice", changed("\"stage\":\"pre-push\"", "\"stage\":\"pre-push\",\"stage\":\"x\"")},
        {"finished", changed("2026-06-15T12:00:00Z", "yesterday")},
        {"a list", "[]"},
        {"nothing", ""},
        {"more after it", to_statement(passed()) + "x"},
    };
    for (const auto& [name, text] : cases) {
        const auto& shown = name;  // clang 14 captures no structured binding
        CAPTURE(shown);
        CHECK_FALSE(parse_statement(text).has_value());
    }
    auto skipped = passed();
    skipped.passed = false;
    skipped.gates[0].outcome = "skipped";
    const auto read = parse_statement(to_statement(skipped));
    REQUIRE_MESSAGE(read.has_value(), refusal(read));
    CHECK_FALSE(read->passed);
}

TEST_CASE("dsse: the pre-authentication encoding is the specification's") {
    CHECK(dsse_pae("http://example.com/HelloWorld", "hello world") ==
          "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

TEST_CASE("attestation: signed, read and verified, and the envelope is one line") {
    const auto envelope = sign_attestation(passed(), signer_of("ana"));
    REQUIRE_MESSAGE(envelope.has_value(), refusal(envelope));
    CHECK(envelope->find('\n') == envelope->size() - 1);
    const auto read = parse_attestation(*envelope);
    REQUIRE_MESSAGE(read.has_value(), refusal(read));
    const auto allowed =
        allowed_from(key_file("ana").listed("ana@example.com", "namespaces=\"tidegate-attestation\""));
    const auto signers = verify_attestation(*read, allowed, kNow);
    REQUIRE_MESSAGE(signers.has_value(), refusal(signers));
    CHECK(signers->size() == 1);
    CHECK(signers->front().principal == "ana@example.com");
    CHECK(attestation_path(read->result.tree, "pre-push", key_file("ana").key) ==
          "44/" + kTree + "/pre-push." + key_file("ana").key.fingerprint_hex() + ".json");
}

TEST_CASE("attestation: ssh-keygen itself verifies its signature") {
    const auto envelope = sign_attestation(passed(), signer_of("ana")).value();
    const auto read = parse_attestation(envelope).value();
    const auto folder = TempDir::make("tidegate-by-hand").value();
    const auto text = base64_encode(read.signatures[0]);
    std::string armor = "-----BEGIN SSH SIGNATURE-----\n";
    for (size_t i = 0; i < text.size(); i += 70) armor += text.substr(i, 70) + "\n";
    armor += "-----END SSH SIGNATURE-----\n";
    REQUIRE(write_file_atomic(folder.path() + "/sig", armor, 0600).has_value());
    REQUIRE(write_file_atomic(folder.path() + "/allowed", key_file("ana").listed("ana@example.com"), 0600)
                .has_value());
    must_run({"/usr/bin/ssh-keygen", "-Y", "verify", "-f", folder.path() + "/allowed", "-I",
              "ana@example.com", "-n", "tidegate-attestation", "-s", folder.path() + "/sig"},
             dsse_pae("application/vnd.in-toto+json", read.payload));
}

TEST_CASE("attack 5: an attestation signed for another namespace, or by a key for another, is refused") {
    const auto envelope = sign_attestation(passed(), signer_of("ana")).value();
    auto read = parse_attestation(envelope).value();
    const auto git_only = allowed_from(key_file("ana").listed("ana@example.com", "namespaces=\"git\""));
    CHECK(verify_attestation(read, git_only, kNow).error().kind == ErrorKind::Denied);
    const auto allowed = allowed_from(key_file("ana").listed("ana@example.com"));
    const auto pae = dsse_pae("application/vnd.in-toto+json", read.payload);
    for (const std::string name_space : {"git", "tidegate-approval"}) {
        read.signatures = {sshsig_blob(key_file("ana").sign(name_space, pae)).value()};
        CHECK_FALSE(verify_attestation(read, allowed, kNow).has_value());
    }
    // Over the payload without its type: another protocol's signature.
    read.signatures = {sshsig_blob(key_file("ana").sign("tidegate-attestation", read.payload)).value()};
    CHECK_FALSE(verify_attestation(read, allowed, kNow).has_value());
}

TEST_CASE(
    "attack 8: the same key twice in an envelope is one signer, and a bad signature beside it harms "
    "nothing") {
    auto read = parse_attestation(sign_attestation(passed(), signer_of("ana")).value()).value();
    const auto again = parse_attestation(sign_attestation(passed(), signer_of("ben")).value()).value();
    const auto allowed =
        allowed_from(key_file("ana").listed("ana@example.com") + key_file("ben").listed("ben@example.com"));
    read.signatures = {read.signatures[0], "junk", read.signatures[0], again.signatures[0]};
    const auto signers = verify_attestation(read, allowed, kNow);
    REQUIRE(signers.has_value());
    CHECK(signers->size() == 2);
}

TEST_CASE("attestation: every changed byte of the envelope's payload or signature is refused") {
    const auto envelope = sign_attestation(passed(), signer_of("ana")).value();
    const auto allowed = allowed_from(key_file("ana").listed("ana@example.com"));
    size_t accepted = 0;
    const auto before = parse_attestation(envelope).value();
    for (size_t i = 0; i < envelope.size(); ++i) {
        auto bad = envelope;
        bad[i] = static_cast<char>(bad[i] ^ 1);
        const auto read = parse_attestation(bad);
        if (!read || !verify_attestation(*read, allowed, kNow)) continue;
        if (read->payload != before.payload || read->signatures != before.signatures) ++accepted;
    }
    CHECK(accepted == 0);
}

TEST_CASE("gates digest: what counts changes it, what does not leaves it") {
    const auto digest = [](const std::string& yaml, const std::string& stage = "pre-push") {
        const auto document = parse_yaml(".tidegate.yaml", yaml);
        REQUIRE_MESSAGE(document.has_value(), refusal(document));
        return gates_digest(document->root(), stage).value();
    };
    const std::string base =
        "version: 1\ndefaults: {timeout: 10m}\nstages:\n  pre-push:\n    gates:\n"
        "      - {name: unit, run: ctest, retries: 1}\n  pre-commit:\n    gates: []\n";
    const auto with = [&](const std::string& what, const std::string& by) {
        auto text = base;
        REQUIRE(text.find(what) != std::string::npos);
        return text.replace(text.find(what), what.size(), by);
    };
    const auto own = digest(base);
    CHECK(own.size() == 64);
    CHECK(digest(with("version: 1\n", "# comment\nversion: 1\n\n")) == own);
    CHECK(digest(with("{name: unit, run: ctest, retries: 1}",
                      "run: 'ctest'\n        retries: 1\n        name: \"unit\"")) == own);
    CHECK(digest(with("    gates: []", "    gates: [{name: x, run: y}]")) == own);
    CHECK(digest(with("ctest", "\"true\"")) != own);
    CHECK(digest(with("10m", "1m")) != own);
    CHECK(digest(with("retries: 1", "retries: 9")) != own);
    CHECK(digest(with("retries: 1", "retries: \"1\"")) != own);
    CHECK(digest(with("      - {name: unit, run: ctest, retries: 1}\n", "      []\n")) != own);
    CHECK(digest(base, "pre-commit") != own);
    const auto document = parse_yaml(".tidegate.yaml", base).value();
    CHECK(gates_digest(document.root(), "nightly").error().kind == ErrorKind::NotFound);
}
