#include "hooks/command.hpp"
#include "hooks/hook_acts.hpp"
#include "hooks/ranges.hpp"
#include "hooks/scope.hpp"
#include "hooks/tree_config.hpp"
#include "shared/base/text.hpp"
#include "shared/face/face.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kMostAskedAtOnce = 64;  // updates that are looked at one by one before anything else
constexpr size_t kConfigLimit = 1 << 20;
constexpr Duration kFetchPatience{5'000};

// Whether proofs of others, or of an earlier push, spare a run: `git config tidegate.reuse` is true (default), local
// (nothing is fetched for it) or false; TIDEGATE_NO_REUSE says no for once.
enum class Reuse { No, Local, Fetch };
Reuse reuse_of(const std::string& value) {
    const char* refused = std::getenv("TIDEGATE_NO_REUSE");
    if (refused != nullptr && *refused != '\0' && std::string_view(refused) != "0") return Reuse::No;
    if (value == "local") return Reuse::Local;
    return value == "false" || value == "no" || value == "off" || value == "0" ? Reuse::No : Reuse::Fetch;
}

bool more_than_the_tree(const Gate& gate, std::string_view stage) {
    return asked_without_files(gate) || asks_for_arguments(gate, stage);
}

class PushGate {
  public:
    PushGate(const Repository& repo, const HookCall& call, Proofs proofs)
        : repo_(repo),
          call_(call),
          // githooks(5): the remote's name and address; the address twice where it has no name.
          remote_(call.arguments.empty() ? "origin" : call.arguments[0]),
          proofs_(std::move(proofs)),
          reuse_(proofs_.trust().nobody() ? Reuse::No : reuse_of(proofs_.trust().reuse)),
          attests_(attests(repo, call.stage)) {}

    Result<int> run(std::vector<RefUpdate> updates);

  private:
    Result<bool> all_proven(const std::vector<RefUpdate>& updates);
    Result<std::optional<Proof>> proof_of(const Target& target);
    void say_proven(const Oid& tree, const Proof& proof) const;
    void fetch() const;
    Result<bool> remote_knows();
    Result<int> gate(std::vector<Target> targets);
    // False where the push is over: somebody interrupted it.
    Result<bool> gate_tree(Target target, const SessionOptions& options);
    Result<bool> gate_once(Target target, const SessionOptions& options);

    const Repository& repo_;
    const HookCall& call_;
    std::string remote_;
    Proofs proofs_;
    Reuse reuse_;
    bool attests_;
    std::vector<StageRun> runs_;
    int worst_ = 0;
};

// What of a stage is judged by the branch: for two branches of which this is the same, one run says all.
std::string judged_by_branch(const Stage& stage, const Target& target) {
    std::string text;
    for (const auto& gate : stage.gates) {
        text += conditions_hold(gate, target) ? '1' : '0';
        if (more_than_the_tree(gate, stage.name)) text += target.branch;
    }
    return text;
}

// Who vouches for a target already. Whatever cannot be read here is the run's to complain about.
Result<std::optional<Proof>> PushGate::proof_of(const Target& target) {
    const auto text =
        proofs_.objects().read(target.tree.str() + ":" + std::string(kConfigFile), kConfigLimit);
    if (!text || !*text || (*text)->type != "blob") return std::nullopt;
    auto config = parse_config(std::string(kConfigFile), (*text)->bytes);
    const auto own = local_config(repo_);
    if (config && (config->partial || !own || *own)) {
        auto whole = target;
        config = tree_config(repo_, whole);
    }
    const auto* stage = config ? config->stage(call_.stage) : nullptr;
    if (stage == nullptr) return std::nullopt;
    // What speaks about the branch or the remote is not proven by a tree.
    if (std::any_of(stage->gates.begin(), stage->gates.end(),
                    [&](const Gate& gate) { return more_than_the_tree(gate, call_.stage); }))
        return std::nullopt;
    const auto question = question_of(*config, *stage, target);
    if (!question) return std::nullopt;
    return proofs_.of(target.tree, *question);
}

void PushGate::say_proven(const Oid& tree, const Proof& proof) const {
    say("proven: tree " + tree.short_str() + " by " + escape_foreign(proof.by) + ", " +
        ago(proof.result.finished, SystemClock().now()));
}

// The cheap answer: one git child that is running already, no range worked out, nothing planned. False where anything
// is not proven, or needs a closer look.
Result<bool> PushGate::all_proven(const std::vector<RefUpdate>& updates) {
    std::vector<std::pair<Oid, Proof>> proven;
    std::set<std::pair<Oid, std::string>> seen;
    for (const auto& update : updates) {
        const auto commit = TRY(proofs_.objects().read(update.local.str() + "^{commit}"));
        if (!commit) return false;
        Target target;
        target.stage = call_.stage;
        target.tree = TRY(tree_in_commit(*commit));
        target.branch = update.remote_ref;
        if (!seen.insert({target.tree, target.branch}).second) continue;
        auto proof = TRY(proof_of(target));
        if (!proof) return false;
        proven.emplace_back(target.tree, std::move(*proof));
    }
    for (const auto& [tree, proof] : proven) say_proven(tree, proof);
    return true;
}

// What others have proven meanwhile. A remote that does not answer in time costs a run, and nothing else.
void PushGate::fetch() const {
    const auto patience = std::min(kFetchPatience, attestation_patience(repo_));
    const auto fetched = AttestationStore(repo_, call_.cancel_fd).fetch(remote_, patience);
    if (!fetched && fetched.error().kind != ErrorKind::Cancelled)
        say(escape_foreign(fetched.error().message));
}

Result<bool> PushGate::remote_knows() {
    const auto ours = TRY(proofs_.objects().read(std::string(kAttestationsRef)));
    const auto theirs = TRY(proofs_.objects().read(tracking_ref(remote_)));
    return !ours || (theirs && theirs->oid == ours->oid);
}

Result<int> PushGate::gate(std::vector<Target> targets) {
    auto options = session_options(call_);
    options.occasion.remote = shown_remote(remote_);
    if (attests_ && proofs_.trust().own && options.plan.skip.empty()) options.attesting = &proofs_;
    for (auto& target : targets) {
        hand_over(call_, target);
        if (!TRY(gate_tree(std::move(target), options))) return worst_;
    }
    if (worst_ != 0 || !attests_) return worst_;
    std::vector<const StageRun*> passed;
    for (const auto& run : runs_) passed.push_back(&run);
    say(TRY(attest_push(repo_, passed, proofs_.trust().own, remote_, call_.cancel_fd)));
    return 0;
}

// A tree is gated once, and again for a branch it is also pushed to where other gates speak.
Result<bool> PushGate::gate_tree(Target target, const SessionOptions& options) {
    const auto also = std::exchange(target.also, {});
    auto next = target;  // a run fills in what it finds
    const auto before = runs_.size();
    if (!TRY(gate_once(std::move(target), options))) return false;
    std::set<std::string> done;
    for (const auto& ref : also) {
        const auto* ran = runs_.size() > before ? runs_.back().prepared.get() : nullptr;
        // Not a copy for each: it holds all of standard input, and a push may have a hundred thousand refs.
        next.branch = next.ref = ref;
        if (ran != nullptr) {
            if (ran->stage == nullptr) return true;
            done.insert(judged_by_branch(*ran->stage, ran->target));
            if (!done.insert(judged_by_branch(*ran->stage, next)).second) continue;
        }
        if (!TRY(gate_once(next, options))) return false;
    }
    return true;
}

Result<bool> PushGate::gate_once(Target target, const SessionOptions& options) {
    if (reuse_ != Reuse::No) {
        if (const auto proof = TRY(proof_of(target))) {
            say_proven(target.tree, *proof);
            return true;
        }
    }
    runs_.push_back(TRY(run_session(repo_, std::move(target), options)));
    const auto& run = runs_.back();
    worst_ = std::max(worst_, run.prepared->stage == nullptr ? 0 : exit_code_of(run.report));
    return !run.report.cancelled;
}

Result<int> PushGate::run(std::vector<RefUpdate> updates) {
    if (!proofs_.trust().complaint.empty())
        say("nobody else's attestation counts: " + escape_foreign(proofs_.trust().complaint));
    if (reuse_ != Reuse::No && updates.size() <= kMostAskedAtOnce && TRY(all_proven(updates))) {
        if (attests_ && !TRY(remote_knows())) say(TRY(bring_proofs(repo_, remote_, call_.cancel_fd)));
        return 0;
    }
    auto push = TRY(targets_of_push(repo_, call_.stage, updates, remote_));
    for (const auto& line : push.skipped) say("tidegate pre-push  " + escape_foreign(line));
    // Others may have proven the tree, or what it changes. Where nobody but oneself is trusted, the first push of a
    // clone asks for one's own.
    const bool first = !TRY(proofs_.objects().read(std::string(kAttestationsRef)));
    if (reuse_ == Reuse::Fetch && !push.targets.empty() && (proofs_.trust().others || first)) fetch();
    return gate(std::move(push.targets));
}

}  // namespace

namespace {

// What verifies signatures is built in. Reading openssl.cnf, all texts of errors and all names of old takes libcrypto
// longer than the signatures do.
void keep_crypto_small() {
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
                            OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS,
                        nullptr);
}

}  // namespace

Result<int> gate_push(const Repository& repo, const HookCall& call) {
    keep_crypto_small();
    auto updates = TRY(parse_ref_lines(call.input));
    std::erase_if(updates, [](const RefUpdate& update) {
        // Proofs are no code, and a deletion brings nothing.
        return update.remote_ref.starts_with("refs/tidegate/") || update.local.is_null();
    });
    if (updates.empty()) return 0;
    return PushGate(repo, call, TRY(Proofs::open(repo))).run(std::move(updates));
}

}  // namespace tidegate::hooks
