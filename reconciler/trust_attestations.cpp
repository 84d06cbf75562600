// Whether enough people proved that the gates of a release's tree passed.
#include "reconciler/trust.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/yaml.hpp"
#include "shared/sign/attestation.hpp"
#include "shared/sign/gates_digest.hpp"

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kLongestAttestation = 1 << 20;
constexpr size_t kLongestGatesFile = 1 << 20;
constexpr size_t kMostAttestations = 500;
constexpr std::string_view kHostStage = "pre-push";

// What is asked about one tree.
struct Subject {
    Oid commit;
    Oid tree;
    std::string archive{};  // SHA-256 of the archive that the tree was unpacked from, or empty
    [[nodiscard]] std::string name() const {
        if (!archive.empty()) return "archive " + archive.substr(0, 12) + " (tree " + tree.short_str() + ")";
        return "tree " + tree.short_str() + " (commit " + commit.short_str() + ")";
    }
};

tl::unexpected<Error> refuse(const Subject& subject, std::string_view stage, const std::string& why) {
    if (!subject.archive.empty())
        return fail(
            ErrorKind::Denied, subject.name() + " is not attested for " + std::string(stage) + ": " + why,
            "put the signed envelopes beside it, as <archive>.intoto.jsonl: tidegate attest show --envelope "
            "prints those of a commit, whose tree the archive must be");
    return fail(ErrorKind::Denied, subject.name() + " is not attested for " + std::string(stage) + ": " + why,
                "whoever has the commit and a trusted key runs: tidegate run " + std::string(stage) +
                    " --tree " + subject.commit.str() + ", then tidegate attest push " +
                    subject.commit.str());
}

// A stage as the tree itself defines it: gates weakened for one run have another digest, and a run of some of
// them names fewer.
struct OwnGates {
    std::string digest;
    std::vector<std::string> names;
};

std::vector<std::string> names_of_gates(const Value& root, const std::string& stage) {
    std::vector<std::string> names;
    // What it extends may define the stage as a whole.
    const Value* stages = root.find("stages");
    const Value* own = stages == nullptr ? nullptr : stages->find(stage);
    const Value* gates = own == nullptr ? nullptr : own->find("gates");
    if (gates == nullptr) return names;
    for (const auto& gate : gates->list()) {
        const Value* remove = gate.find("remove");  // one that was inherited
        const Value* name = gate.find("name");
        if (name != nullptr && (remove == nullptr || !remove->boolean())) names.push_back(name->text());
    }
    return names;
}

Result<OwnGates> own_gates(const Repo& source, const Subject& subject, const std::string& stage) {
    const auto text = TRY(source.file_at(subject.tree, std::string(kGatesFile), kLongestGatesFile));
    if (!text && !subject.archive.empty()) return OwnGates{};
    if (!text) return refuse(subject, stage, "it has no " + std::string(kGatesFile));
    const auto document = parse_yaml(std::string(kGatesFile), *text);
    if (!document) return refuse(subject, stage, "its gates cannot be read: " + document.error().line());
    auto digest = gates_digest(document->root(), stage);
    if (!digest) return refuse(subject, stage, "its " + std::string(kGatesFile) + " has no such stage");
    return OwnGates{std::move(*digest), names_of_gates(document->root(), stage)};
}

// Why a statement that is signed well does not count; empty where it does.
std::string objection(const TestResult& result, const Subject& subject, const std::string& stage,
                      const OwnGates& own) {
    const bool of_archive = !subject.archive.empty() && result.archive == subject.archive;
    if (!of_archive && result.tree.is_null())
        return "it is for another archive, " + result.archive.substr(0, 12);
    if (!of_archive && result.tree != subject.tree)
        return "it is for another tree, " + result.tree.short_str();
    if (result.stage != stage) return "it is for another stage, " + escape_foreign(result.stage);
    for (const auto& gate : result.gates)
        if (gate.outcome == "failed" || gate.outcome == "skipped")
            return "gate " + escape_foreign(gate.name) +
                   (gate.outcome == "failed" ? " failed" : " was skipped");
    if (!result.passed) return "it did not pass";
    // An archive of what was built holds no gates to compare with: who signs its digest vouches for them.
    if (of_archive && own.digest.empty()) return {};
    if (result.gates_digest != own.digest) return "it was made with other gates than the tree defines";
    for (const auto& name : own.names) {
        const bool ran = std::any_of(result.gates.begin(), result.gates.end(),
                                     [&](const GateResult& gate) { return gate.name == name; });
        if (!ran) return "gate " + escape_foreign(name) + " is not in it";
    }
    return {};
}

// "pre-push.<64 hex digits>.json"
bool is_for(const std::string& name, const std::string& stage) {
    return name.size() == stage.size() + 1 + 64 + 5 && name.starts_with(stage + ".") &&
           name.ends_with(".json");
}

// The envelopes for a stage that lie in the repository itself; none where there is no such folder.
Result<std::vector<std::string>> envelopes_of(const Repo& source, const Subject& subject,
                                              const std::string& stage) {
    std::vector<std::string> envelopes;
    const auto ref = TRY(RefName::parse(kAttestationsRef));
    const auto tip = TRY(source.resolve(ref));
    if (!tip) return envelopes;
    const auto root = TRY(source.commit(*tip));
    const auto& name = subject.tree.str();
    const auto folder = TRY(source.entry_at(root.tree, name.substr(0, 2) + "/" + name));
    if (!folder || folder->kind != EntryKind::Tree) return envelopes;
    for (const auto& entry : TRY(source.list_level(folder->oid))) {
        if (entry.kind != EntryKind::File || !is_for(entry.path, stage)) continue;
        if (envelopes.size() >= kMostAttestations) break;
        auto envelope = source.blob(entry.oid, kLongestAttestation);
        if (envelope) envelopes.push_back(std::move(*envelope));
    }
    return envelopes;
}

class StageCount {
  public:
    StageCount(const Repo& source, const Subject& subject, const AllowedSigners& allowed, WallTime now)
        : source_(source), subject_(subject), allowed_(allowed), now_(now) {}

    Result<StageProof> count(const std::vector<std::string>& envelopes, const std::string& stage,
                             int threshold) {
        const auto own = TRY(own_gates(source_, subject_, stage));
        std::vector<Signer> signers;
        std::string why = "nobody did so";
        for (const auto& envelope : envelopes) {
            auto found = vouching(envelope, stage, own);
            if (found)
                signers.insert(signers.end(), found->begin(), found->end());
            else
                why = found.error().message;
        }
        auto people = allowed_.distinct_people(signers);
        if (people.size() >= static_cast<size_t>(std::max(threshold, 1)))
            return StageProof{stage, std::move(people)};
        if (!people.empty())
            why = std::to_string(people.size()) + " of " + std::to_string(threshold) + " people did so (" +
                  escape_foreign(people.front().principal) + (people.size() > 1 ? ", …)" : ")");
        return refuse(subject_, stage, why);
    }

  private:
    Result<std::vector<Signer>> vouching(const std::string& envelope, const std::string& stage,
                                         const OwnGates& own) {
        const auto attestation = TRY(parse_attestation(envelope));
        auto signers = TRY(verify_attestation(attestation, allowed_, now_));
        const auto reason = objection(attestation.result, subject_, stage, own);
        if (!reason.empty())
            return fail(ErrorKind::Denied, "the attestation by " + escape_foreign(signers.front().principal) +
                                               " does not count: " + reason);
        return signers;
    }

    const Repo& source_;
    const Subject& subject_;
    const AllowedSigners& allowed_;
    WallTime now_;
};

}  // namespace

AttestationNeed attestation_need(AttestationRule rule, const std::vector<std::string>& manifest_stages,
                                 int manifest_threshold) {
    AttestationNeed need;
    need.threshold = std::max(manifest_threshold, 1);
    if (rule == AttestationRule::Off) return need;
    need.stages = manifest_stages;
    // The manifest can ask for more than the host, not swap the host's stage for another.
    const bool named = std::find(need.stages.begin(), need.stages.end(), kHostStage) != need.stages.end();
    if (rule == AttestationRule::Required && !named) need.stages.emplace_back(kHostStage);
    return need;
}

Result<std::vector<StageProof>> verify_attestations(const Repo& source, const Oid& commit,
                                                    const AttestationNeed& need,
                                                    const AllowedSigners& allowed, WallTime now) {
    std::vector<StageProof> proofs;
    if (need.stages.empty()) return proofs;
    const auto info = TRY(source.commit(commit));
    const Subject subject{commit, info.tree};
    StageCount count(source, subject, allowed, now);
    for (const auto& stage : need.stages) {
        const auto envelopes = TRY(envelopes_of(source, subject, stage));
        proofs.push_back(TRY(count.count(envelopes, stage, need.threshold)));
    }
    return proofs;
}

Result<std::vector<StageProof>> verify_archive_attestations(const Repo& source, const Oid& commit,
                                                            const std::string& sha256,
                                                            std::string_view envelopes,
                                                            const AttestationNeed& need,
                                                            const AllowedSigners& allowed, WallTime now) {
    std::vector<StageProof> proofs;
    if (need.stages.empty()) return proofs;
    const auto info = TRY(source.commit(commit));
    const Subject subject{commit, info.tree, sha256};
    std::vector<std::string> lines;
    for (const auto line : lines_of(envelopes))
        if (!trim(line).empty() && lines.size() < kMostAttestations) lines.emplace_back(line);
    StageCount count(source, subject, allowed, now);
    for (const auto& stage : need.stages) proofs.push_back(TRY(count.count(lines, stage, need.threshold)));
    return proofs;
}

}  // namespace tidegate::reconciler
