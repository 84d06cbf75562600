#include "hooks/receive_proof.hpp"

#include "hooks/proof.hpp"
#include "hooks/tree.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLongestEnvelope = 1 << 20;
constexpr size_t kConfigLimit = 1 << 20;

std::string short_ref(const std::string& ref) {
    const auto name = RefName::parse(ref);
    return escape_foreign(name ? name->short_str() : std::string_view(ref));
}

class Judge {
  public:
    Judge(ObjectReader& objects, const Trust& trust, std::string ref, const Oid& commit)
        : objects_(objects), trust_(trust), ref_(std::move(ref)), commit_(commit) {}

    Result<void> require(const std::string& stage, size_t threshold, const std::optional<Oid>& attestations) {
        Target target;
        target.stage = stage;
        target.commit = commit_;
        target.branch = ref_;
        const auto object = TRY(objects_.read(commit_.str() + "^{commit}"));
        if (!object) return refuse(stage, "it is not a commit");
        target.commit = object->oid;
        target.tree = TRY(tree_in_commit(*object));
        const auto text =
            TRY(objects_.read(target.tree.str() + ":" + std::string(kConfigFile), kConfigLimit));
        if (!text || text->type != "blob")
            return refuse(stage, "its tree has no " + std::string(kConfigFile));
        const auto config = parse_config(std::string(kConfigFile), text->bytes);
        if (!config) return refuse(stage, "its gates cannot be read: " + config.error().line());
        const auto* defined = config->stage(stage);
        Stage elsewhere;  // in files that it stands on, which are fixed by the tree and by commits
        elsewhere.name = stage;
        if (defined == nullptr && config->partial) defined = &elsewhere;
        if (defined == nullptr)
            return refuse(stage, "its " + std::string(kConfigFile) + " has no such stage");
        const auto question = TRY(question_of(*config, *defined, target));
        return count(question, threshold, attestations);
    }

  private:
    tl::unexpected<Error> refuse(const std::string& stage, const std::string& why) const {
        return fail(ErrorKind::Denied, short_ref(ref_) + " (" + commit_.short_str() +
                                           ") is not attested for " + escape_foreign(stage) + ": " + why);
    }

    Result<void> count(const Question& question, size_t threshold, const std::optional<Oid>& attestations) {
        const auto now = SystemClock().now();
        const auto& stage = question.stage->name;
        std::vector<Signer> signers;
        std::string why = "nobody did so whose word counts here";
        for (const auto& entry : trust_.others->entries()) {
            if (!attestations) break;
            const auto path = attestation_path(question.target->tree, stage, entry.key);
            const auto envelope = objects_.read(attestations->str() + ":" + path, kLongestEnvelope);
            if (!envelope && envelope.error().kind != ErrorKind::Invalid) return fail(envelope.error());
            if (!envelope || !*envelope || (*envelope)->type != "blob") continue;
            const auto proof = proof_in((*envelope)->bytes, question.target->tree, question, trust_, now);
            if (!proof) {
                why = proof.error().message;
                continue;
            }
            const auto attestation = TRY(parse_attestation((*envelope)->bytes));
            for (auto& signer : TRY(verify_attestation(attestation, *trust_.others, now)))
                signers.push_back(std::move(signer));
        }
        const auto people = trust_.others->distinct_people(signers);
        if (people.size() >= threshold) return {};
        if (!people.empty())
            why = std::to_string(people.size()) + " of " + std::to_string(threshold) + " people did so (" +
                  escape_foreign(people.front().principal) + ")";
        return refuse(stage, why);
    }

    ObjectReader& objects_;
    const Trust& trust_;
    std::string ref_;
    Oid commit_;
};

tl::unexpected<Error> not_a_union(const std::string& why) {
    return fail(
        ErrorKind::Denied, std::string(kAttestationsRef) + " only grows: " + why,
        "get what others have attested, and push again: tidegate attest fetch && tidegate attest push");
}

struct Changed {
    std::string path;
    Oid blob;
};

// What `to` adds and changes; Denied where it lacks something of `from`, or has what is no plain file.
Result<std::vector<Changed>> changed_files(const Repository& repo, const Oid& from, const Oid& to) {
    std::vector<Changed> changed;
    if (from.is_null()) {
        for (auto& entry : TRY(list_tree(repo, to))) {
            if (entry.mode != FileMode::File)
                return not_a_union(escape_foreign(entry.path) + " is no plain file");
            changed.push_back({std::move(entry.path), entry.oid});
        }
        return changed;
    }
    for (auto& change : TRY(diff_trees(repo, from, to))) {
        if (change.kind == Change::Kind::Deleted)
            return not_a_union("the push takes " + escape_foreign(change.entry.path) + " away");
        if (change.entry.mode != FileMode::File)
            return not_a_union(escape_foreign(change.entry.path) + " is no plain file");
        changed.push_back({std::move(change.entry.path), change.entry.oid});
    }
    return changed;
}

// Signed, by whomever, with the key that its name carries, and about what its name says.
bool is_what_it_says(const std::string& path, const std::string& envelope) {
    const auto attestation = parse_attestation(envelope);
    if (!attestation) return false;
    const auto& result = attestation->result;
    const auto signed_bytes = dsse_pae("application/vnd.in-toto+json", attestation->payload);
    return std::any_of(
        attestation->signatures.begin(), attestation->signatures.end(), [&](const std::string& blob) {
            const auto signature = parse_sshsig_blob(blob);
            return signature && attestation_path(result.tree, result.stage, signature->key) == path &&
                   verify_sshsig(*signature, kAttestationNamespace, signed_bytes);
        });
}

}  // namespace

Result<void> require_proof(ObjectReader& objects, const ReceivePolicy& policy, const Trust& trust,
                           const std::string& ref, const Oid& commit,
                           const std::optional<Oid>& attestations) {
    Judge judge(objects, trust, ref, commit);
    for (const auto& stage : policy.stages) TRY(judge.require(stage, policy.threshold, attestations));
    return {};
}

Result<void> check_union(const Repository& repo, const Oid& from, const Oid& to) {
    if (to.is_null()) return not_a_union("it cannot be deleted");
    if (!from.is_null()) {
        const auto follows =
            TRY(repo.git.run(repo.call({"merge-base", "--is-ancestor", from.str(), to.str()})));
        if (!follows.ok()) return not_a_union("the push does not follow what is there");
    }
    const auto changed = TRY(changed_files(repo, from, to));
    std::vector<Oid> blobs;
    for (const auto& file : changed) blobs.push_back(file.blob);
    std::string wrong;
    TRY(read_blobs(repo, blobs, kLongestEnvelope + 1,
                   [&](size_t index, std::uint64_t size, std::string bytes) {
                       const auto& path = changed[index].path;
                       if (size > kLongestEnvelope || !is_what_it_says(path, bytes)) wrong = path;
                   }));
    if (!wrong.empty()) return not_a_union(escape_foreign(wrong) + " is not an attestation of that name");
    return {};
}

}  // namespace tidegate::hooks
