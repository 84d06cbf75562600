#include "hooks/proof.hpp"

#include "hooks/plan.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/yaml.hpp"
#include "shared/sign/gates_digest.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLongestEnvelope = 1 << 20;

tl::unexpected<Error> no(std::string why) {
    return fail(ErrorKind::Denied, std::move(why));
}

// What the proof says about one gate of the stage. One that had nothing to do counts, unless that may have been so
// only on the branch or in the merge it was asked about.
Result<void> check_gate(const Gate& gate, const TestResult& result) {
    const auto found = std::find_if(result.gates.begin(), result.gates.end(),
                                    [&](const GateResult& one) { return one.name == gate.name; });
    if (found == result.gates.end()) return no("gate " + gate.name + " is missing");
    const auto& outcome = found->outcome;
    if (outcome == "passed" || outcome == "flaky" || outcome == "cached") return {};
    const bool anywhere = gate.only.empty() && gate.except.empty();
    if (outcome == "no-files" && anywhere) return {};
    return no("gate " + gate.name + " was not run (" + outcome + ")");
}

std::string folder_of(const Oid& tree) {
    return std::string(kAttestationsRef) + ":" + tree.str().substr(0, 2) + "/" + tree.str();
}

}  // namespace

Result<Question> question_of(const Config& config, const Stage& stage, const Target& target) {
    const auto document = TRY(parse_yaml(std::string(kConfigFile), config.text));
    return Question{&stage, &target, TRY(gates_digest(document.root(), stage.name))};
}

Result<Proof> proof_in(std::string_view envelope, const Oid& tree, const Question& question,
                       const Trust& trust, WallTime now) {
    auto attestation = TRY(parse_attestation(envelope));
    const auto& result = attestation.result;
    if (result.tree != tree) return no("it is about another tree");
    if (result.stage != question.stage->name) return no("it is about another stage");
    if (result.gates_digest != question.gates_digest) return no("it was made with other gates");
    if (!result.passed) return no("it says that the gates did not pass");
    for (const auto& gate : question.stage->gates)
        if (conditions_hold(gate, *question.target)) TRY(check_gate(gate, result));
    auto by = TRY(voucher(trust, attestation, now));
    return Proof{std::move(attestation.result), std::move(by)};
}

Proofs::Proofs(Trust trust, ObjectReader objects) : trust_(std::move(trust)), objects_(std::move(objects)) {
    if (trust_.own) keys_.push_back(trust_.own->signer.public_key().fingerprint_hex());
    if (!trust_.others) return;
    for (const auto& entry : trust_.others->entries()) keys_.push_back(entry.key.fingerprint_hex());
}

Result<Proofs> Proofs::open(const Repository& repo, const std::string& key_file) {
    // git comes up for the objects while another git reads the configuration.
    auto objects = TRY(ObjectReader::start(repo));
    return Proofs(TRY(trust_of(repo, key_file)), std::move(objects));
}

Result<std::optional<Proof>> Proofs::first(const Oid& tree, std::string_view stage, const Look& look) {
    for (const auto& item : TRY(objects_.list(folder_of(tree)))) {
        const auto wanted = [&](const std::string& key) {
            return item.name == std::string(stage) + "." + key + ".json";
        };
        if (item.mode != "100644" || std::none_of(keys_.begin(), keys_.end(), wanted)) continue;
        const auto blob = objects_.read(item.oid.str(), kLongestEnvelope);
        // What somebody put there instead of an attestation is none: it must not stop anybody.
        if (!blob && blob.error().kind != ErrorKind::Invalid) return fail(blob.error());
        if (!blob || !*blob || (*blob)->type != "blob") continue;
        if (auto proof = look((*blob)->bytes)) return proof;
    }
    return std::nullopt;
}

Result<std::optional<Proof>> Proofs::of(const Oid& tree, const Question& question) {
    const auto now = SystemClock().now();
    return first(tree, question.stage->name, [&](std::string_view envelope) -> std::optional<Proof> {
        auto proof = proof_in(envelope, tree, question, trust_, now);
        return proof ? std::optional(std::move(*proof)) : std::nullopt;
    });
}

Result<std::optional<Proof>> Proofs::any(const Oid& tree, std::string_view stage,
                                         const std::function<bool(const TestResult&)>& wanted) {
    const auto now = SystemClock().now();
    return first(tree, stage, [&](std::string_view envelope) -> std::optional<Proof> {
        auto attestation = parse_attestation(envelope);
        if (!attestation) return std::nullopt;
        const auto& result = attestation->result;
        if (result.tree != tree || result.stage != stage || !result.passed || !wanted(result))
            return std::nullopt;
        auto by = voucher(trust_, *attestation, now);
        if (!by) return std::nullopt;
        return Proof{std::move(attestation->result), std::move(*by)};
    });
}

}  // namespace tidegate::hooks
