// pre-receive and update, where a push arrives. Intent: nothing gets onto the refs that the server's policy is about
// unless it is attested, or passes the gates the server runs; and attestations only grow. What is pushed may still lie
// in quarantine and is read from there. Nothing is written but caches and snapshots.
#include "hooks/hook_acts.hpp"
#include "hooks/ranges.hpp"
#include "hooks/receive_proof.hpp"
#include "hooks/tree_config.hpp"
#include "shared/base/text.hpp"
#include "shared/face/face.hpp"

#include <algorithm>
#include <set>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kMostTold = 10;  // commits of one ref

// githooks(5): pre-receive reads lines "<old> <new> <ref>", update has arguments "<ref> <old> <new>".
Result<std::vector<RefUpdate>> updates_of(const HookCall& call) {
    std::vector<RefUpdate> updates;
    const auto add = [&](std::string_view from, std::string_view to, std::string_view ref) -> Result<void> {
        updates.push_back({std::string(ref), TRY(Oid::parse(to)), std::string(ref), TRY(Oid::parse(from))});
        return {};
    };
    if (call.stage == "update") {
        if (call.arguments.size() != 3) return fail(ErrorKind::Usage, "the hook `update` takes: REF OLD NEW");
        TRY(add(call.arguments[1], call.arguments[2], call.arguments[0]));
        return updates;
    }
    for (const auto line : lines_of(call.input)) {
        const auto words = split(line, ' ');
        if (words.size() != 3)
            return fail(ErrorKind::Invalid,
                        "not a line of a pre-receive hook: " + escape_foreign(line.substr(0, 200)),
                        "git gives: <old id> <new id> <ref>");
        TRY(add(words[0], words[1], words[2]));
    }
    return updates;
}

class Receive {
  public:
    Receive(const Repository& repo, const HookCall& call, ReceivePolicy policy)
        : repo_(repo), call_(call), policy_(std::move(policy)) {}

    Result<int> run(const std::vector<RefUpdate>& updates);

  private:
    Result<void> take_attestations(const std::vector<RefUpdate>& updates);
    Result<void> require(const std::vector<RefUpdate>& updates);
    Result<int> gate(const std::vector<RefUpdate>& updates);
    Result<StageRun> gate_by_own(Target target, const SessionOptions& options);
    Result<StageRun> gate_by_pushed(Target target, const SessionOptions& options);
    Result<std::optional<Config>> own_gates(const std::vector<RefUpdate>& updates);
    Result<std::vector<Oid>> commits_on_the_way(const RefUpdate& update);
    Result<std::vector<Target>> targets(const std::vector<RefUpdate>& updates);
    void refuse(const Error& error);

    const Repository& repo_;
    const HookCall& call_;
    ReceivePolicy policy_;
    std::optional<Oid> attestations_;  // as they will be after this push
    std::optional<Config> gates_;      // the server's own
    bool refused_ = false;
};

// Every reason is told: whoever pushes five branches wants to hear of all of them.
void Receive::refuse(const Error& error) {
    refused_ = true;
    say("tidegate: refused: " + error.message);
    if (!error.hint.empty()) say("  " + error.hint);
}

Result<void> Receive::take_attestations(const std::vector<RefUpdate>& updates) {
    const auto now = TRY(repo_.git.run(
        repo_.call({"rev-parse", "-q", "--verify", std::string(kAttestationsRef) + "^{commit}"})));
    if (now.ok()) attestations_ = TRY(Oid::parse(trim(now.out)));
    for (const auto& update : updates) {
        if (update.remote_ref != kAttestationsRef) continue;
        const auto grown = check_union(repo_, update.remote, update.local);
        if (grown)
            attestations_ = update.local;
        else if (grown.error().kind == ErrorKind::Denied)
            refuse(grown.error());
        else
            return fail(grown.error());
    }
    return {};
}

Result<void> Receive::require(const std::vector<RefUpdate>& updates) {
    if (policy_.stages.empty() || updates.empty()) return {};
    auto trust = TRY(trust_of(repo_));
    trust.own = fail(ErrorKind::NotFound, "a server vouches for nothing");
    if (!trust.others)
        return fail(ErrorKind::Invalid,
                    trust.complaint.empty() ? "nobody's attestation counts here: no allowed signers are named"
                                            : "nobody's attestation counts here: " + trust.complaint,
                    "whoever runs this server sets: git config tidegate.allowedSigners FILE");
    auto objects = TRY(ObjectReader::start(repo_));
    for (const auto& update : updates) {
        auto commits = TRY(commits_on_the_way(update));
        commits.push_back(update.local);
        size_t told = 0;
        for (const auto& commit : commits) {
            const auto proven =
                require_proof(objects, policy_, trust, update.remote_ref, commit, attestations_);
            if (proven) continue;
            if (proven.error().kind != ErrorKind::Denied) return fail(proven.error());
            if (++told <= kMostTold) refuse(proven.error());
        }
        if (told > kMostTold) say("  and " + std::to_string(told - kMostTold) + " more of its commits");
    }
    if (refused_)
        say("  gates that pass are attested by the push itself where `tidegate install` was done and a key "
            "is "
            "set up (see: tidegate doctor); or by hand: tidegate run " +
            escape_foreign(policy_.stages.front()) + " --attest && tidegate attest push");
    return {};
}

// nullopt: the repository has no commit yet, and so no gates.
Result<std::optional<Config>> Receive::own_gates(const std::vector<RefUpdate>& updates) {
    auto config = server_config(repo_, policy_.gates);
    if (config) return std::optional(std::move(*config));
    if (config.error().kind != ErrorKind::NotFound || !policy_.gates.starts_with("HEAD:") || repo_.head)
        return fail(std::move(config.error()));
    // Not as long as the default branch is never pushed: other branches would get in ungated for ever.
    const auto refs = TRY(repo_.git.output(repo_.call({"for-each-ref", "--count=1", "refs/heads/"})));
    const auto head = TRY(repo_.git.run(repo_.call({"symbolic-ref", "-q", "HEAD"})));
    const bool brings_head = std::any_of(updates.begin(), updates.end(), [&](const RefUpdate& update) {
        return update.remote_ref == trim(head.out);
    });
    if (!refs.empty() && !brings_head)
        return fail(ErrorKind::Invalid,
                    "this server takes its gates from the default branch, and there is none: " +
                        escape_foreign(trim(head.out)),
                    "push that one first, or whoever runs the server names another: git symbolic-ref HEAD "
                    "refs/heads/BRANCH");
    say("tidegate: nothing is gated: the first push into an empty repository brings its gates");
    return std::nullopt;
}

// The stage of the hook's name, else the gates of a push.
Result<StageRun> Receive::gate_by_own(Target target, const SessionOptions& options) {
    StageRun run;
    run.prepared = std::make_unique<Prepared>();
    auto& ready = *run.prepared;
    ready.config = *gates_;
    ready.stage = ready.config.stage(call_.stage);
    if (ready.stage == nullptr) ready.stage = ready.config.stage("pre-push");
    if (ready.stage == nullptr)
        return fail(ErrorKind::Invalid,
                    escape_foreign(policy_.gates) + " has neither a stage " + call_.stage + " nor pre-push");
    ready.target = std::move(target);
    ready.target.stage = ready.stage->name;
    return run_prepared(repo_, std::move(run), options);
}

Result<StageRun> Receive::gate_by_pushed(Target target, const SessionOptions& options) {
    auto again = target;
    auto run = TRY(run_session(repo_, std::move(target), options));
    if (run.prepared->stage != nullptr || run.prepared->config.stages.empty()) return run;
    again.stage = "pre-push";
    return run_session(repo_, std::move(again), options);
}

// With tidegate.everyCommit: what the ref gets beside its tip, oldest first. What a ref has that the policy is not about
// is new all the same.
Result<std::vector<Oid>> Receive::commits_on_the_way(const RefUpdate& update) {
    std::vector<Oid> commits;
    if (!policy_.every) return commits;
    const auto tip =
        TRY(repo_.git.run(repo_.call({"rev-parse", "-q", "--verify", update.local.str() + "^{commit}"})));
    if (!tip.ok()) return commits;  // judged as the tip that it is
    auto call = repo_.call({"rev-list", "--reverse", "--topo-order", "--stdin"});
    call.input = std::string(trim(tip.out)) + "\n";
    const auto refs =
        TRY(repo_.git.output(repo_.call({"for-each-ref", "--format=%(objectname) %(refname)"})));
    for (const auto line : lines_of(refs)) {
        const auto blank = line.find(' ');
        if (policy_.is_about(std::string(line.substr(blank + 1))))
            call.input += "^" + std::string(line.substr(0, blank)) + "\n";
    }
    const auto listed = TRY(repo_.git.output(call));
    for (const auto line : lines_of(listed))
        if (line != trim(tip.out)) commits.push_back(TRY(Oid::parse(line)));
    return commits;
}

// The commits on the way, each with its own change, and then the tips.
Result<std::vector<Target>> Receive::targets(const std::vector<RefUpdate>& updates) {
    std::vector<Target> all;
    auto push = TRY(targets_of_push(repo_, call_.stage, updates, "."));
    for (const auto& line : push.skipped) say("tidegate: " + escape_foreign(line));
    std::set<std::string> trees;
    for (const auto& target : push.targets) trees.insert(target.tree.str());
    for (const auto& update : updates) {
        for (const auto& commit : TRY(commits_on_the_way(update))) {
            auto target = TRY(revision_target(repo_, call_.stage, {commit.str(), std::nullopt, false}));
            if (!trees.insert(target.tree.str()).second) continue;
            target.branch = target.ref = update.remote_ref;
            all.push_back(std::move(target));
        }
    }
    for (auto& target : push.targets) all.push_back(std::move(target));
    return all;
}

Result<int> Receive::gate(const std::vector<RefUpdate>& updates) {
    if (policy_.gates.empty() || updates.empty()) return 0;
    const bool pushed = policy_.gates == "pushed";
    if (!pushed) {
        gates_ = TRY(own_gates(updates));
        if (!gates_) return 0;
    }
    const auto options = session_options(call_);
    int worst = 0;
    for (auto& target : TRY(targets(updates))) {
        hand_over(call_, target);
        const auto run = pushed ? TRY(gate_by_pushed(std::move(target), options))
                                : TRY(gate_by_own(std::move(target), options));
        if (run.prepared->stage != nullptr) worst = std::max(worst, exit_code_of(run.report));
        if (run.report.cancelled) break;
    }
    return worst;
}

Result<int> Receive::run(const std::vector<RefUpdate>& updates) {
    TRY(take_attestations(updates));
    std::vector<RefUpdate> asked;
    for (const auto& update : updates)
        if (!update.local.is_null() && policy_.is_about(update.remote_ref)) asked.push_back(update);
    TRY(require(asked));
    if (refused_) return exit_code(ErrorKind::Failed);
    return gate(asked);
}

}  // namespace

Result<int> gate_receive(const Repository& repo, const HookCall& call) {
    const auto updates = TRY(updates_of(call));
    auto policy = TRY(receive_policy(repo));
    if (policy.empty())
        return fail(
            ErrorKind::Invalid, "this server's hook asks for nothing, so it lets nothing in",
            "whoever runs it says what is asked for: git config tidegate.require pre-push; git config "
            "tidegate.allowedSigners FILE");
    return Receive(repo, call, std::move(policy)).run(updates);
}

}  // namespace tidegate::hooks
