// pre-receive and update, where a push arrives. Intent: nothing gets onto the refs that the server's policy is about
// unless it is attested, or passes the gates the server runs; and attestations only grow. What is pushed may still lie
// in quarantine and is read from there. Nothing is written but caches and snapshots.
#include "hooks/hook_acts.hpp"
#include "hooks/ranges.hpp"
#include "hooks/receive_proof.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/face/face.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kConfigLimit = 1 << 20;

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
    Result<std::optional<std::string>> own_gates();
    void refuse(const Error& error);

    const Repository& repo_;
    const HookCall& call_;
    ReceivePolicy policy_;
    std::optional<Oid> attestations_;   // as they will be after this push
    std::optional<std::string> gates_;  // the server's own, as a text
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
        const auto proven =
            require_proof(objects, policy_, trust, update.remote_ref, update.local, attestations_);
        if (proven) continue;
        if (proven.error().kind != ErrorKind::Denied) return fail(proven.error());
        refuse(proven.error());
    }
    if (refused_)
        say("  gates that pass are attested by the push itself where `tidegate install` was done and a key "
            "is "
            "set up (see: tidegate doctor); or by hand: tidegate run " +
            escape_foreign(policy_.stages.front()) + " --attest && tidegate attest push");
    return {};
}

// nullopt: the repository has no commit yet, and so no gates.
Result<std::optional<std::string>> Receive::own_gates() {
    const auto& from = policy_.gates;
    if (from.starts_with('/')) return TRY(read_file(from, kConfigLimit));
    const auto colon = from.find(':');
    if (colon == std::string::npos || colon == 0)
        return fail(ErrorKind::Invalid, "tidegate.serverGates is none of: /FILE, REV:PATH, pushed",
                    "for example: git config tidegate.serverGates HEAD:" + std::string(kConfigFile));
    auto call = repo_.call({"cat-file", "blob", from});
    call.output_limit = kConfigLimit;
    const auto exit = TRY(repo_.git.run(call));
    if (exit.ok() && !exit.truncated) return exit.out;
    if (from.starts_with("HEAD:") && !repo_.head) {
        say("tidegate: nothing is gated: the first push into an empty repository brings its gates");
        return std::nullopt;
    }
    return fail(ErrorKind::Invalid, "tidegate.serverGates names what is not here: " + escape_foreign(from));
}

// The stage of the hook's name, else the gates of a push.
Result<StageRun> Receive::gate_by_own(Target target, const SessionOptions& options) {
    StageRun run;
    run.prepared = std::make_unique<Prepared>();
    auto& ready = *run.prepared;
    ready.config = TRY(parse_config(policy_.gates, *gates_));
    if (ready.config.partial)
        return fail(ErrorKind::Invalid, escape_foreign(policy_.gates) + " stands on other files",
                    "a server's own gates are one file, without `extends` and `folders`");
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

Result<int> Receive::gate(const std::vector<RefUpdate>& updates) {
    if (policy_.gates.empty() || updates.empty()) return 0;
    const bool pushed = policy_.gates == "pushed";
    if (!pushed) {
        gates_ = TRY(own_gates());
        if (!gates_) return 0;
    }
    auto push = TRY(targets_of_push(repo_, call_.stage, updates, "."));
    for (const auto& line : push.skipped) say("tidegate: " + escape_foreign(line));
    const auto options = session_options(call_);
    int worst = 0;
    for (auto& target : push.targets) {
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
