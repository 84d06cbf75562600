#include "hooks/attest.hpp"

#include "shared/base/text.hpp"
#include "shared/doc/yaml.hpp"
#include "shared/sign/gates_digest.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

std::string outcome_text(Outcome outcome) {
    switch (outcome) {
        case Outcome::Passed: return "passed";
        case Outcome::Flaky: return "flaky";
        case Outcome::Cached: return "cached";
        case Outcome::Empty: return "no-files";
        case Outcome::Skipped: return "skipped";
        case Outcome::Failed:
        case Outcome::NotRun:
        case Outcome::Cancelled: return "failed";
    }
    return "failed";
}

// Whether the same key has vouched for the same already.
bool vouched_for(const std::vector<AttestationFile>& kept, const std::string& path,
                 const TestResult& result) {
    for (const auto& file : kept) {
        if (file.path != path) continue;
        const auto before = parse_attestation(file.envelope);
        return before && before->result.passed && before->result.gates_digest == result.gates_digest &&
               before->result.tree == result.tree && before->result.stage == result.stage;
    }
    return false;
}

std::string one_line(const std::string& what, const Error& error) {
    return what + error.message + (error.hint.empty() ? "" : "; " + error.hint);
}

Result<void> check_passed(const StageRun& run) {
    if (!run.report.passed()) return fail(ErrorKind::Denied, "a stage that has not passed is not attested");
    for (const auto& gate : run.report.gates)
        if (!gate.gate->weakened.empty())
            return fail(ErrorKind::Denied, std::string(kLocalFile) + " changes `" + gate.gate->weakened +
                                               "` of " + gate.gate->name);
    if (!run.report.skipped()) return {};
    std::vector<std::string> names;
    for (const auto& gate : run.report.gates)
        if (gate.outcome == Outcome::Skipped && !gate.gate->own) names.push_back(gate.gate->name);
    return fail(ErrorKind::Denied,
                join(names, ", ") + (names.size() == 1 ? " was skipped" : " were skipped"));
}

}  // namespace

bool attests(const Repository& repo, std::string_view stage) {
    const auto found = repo.settings.find("attest");
    if (found == repo.settings.end()) return stage == "pre-push";
    auto list = found->second;
    std::replace(list.begin(), list.end(), ',', ' ');
    const auto names = split(list, ' ');
    return std::find(names.begin(), names.end(), stage) != names.end();
}

Result<TestResult> test_result(const StageRun& run, WallTime finished) {
    const auto& target = run.prepared->target;
    TestResult result;
    result.tree = target.tree;
    result.commit = target.commit;
    result.stage = target.stage;
    result.passed = run.report.passed() && !run.report.skipped();
    const auto& text = run.prepared->config.text;
    const auto document = TRY(parse_yaml(std::string(kConfigFile), text));
    result.gates_digest = TRY(gates_digest(document.root(), target.stage));
    for (const auto& gate : run.report.gates)
        if (!gate.gate->own)
            result.gates.push_back({gate.gate->name, outcome_text(gate.outcome), gate.took, gate.measures});
    result.finished = finished;
    result.tool_version = TIDEGATE_VERSION;
    return result;
}

Result<size_t> attest(const Repository& repo, const std::vector<const StageRun*>& runs,
                      const Result<SigningKey>& key) {
    std::vector<const StageRun*> staged;
    for (const auto* run : runs) {
        // The tree has no such stage: nothing to vouch for.
        if (run->prepared->stage == nullptr || run->prepared->stage->own) continue;
        TRY(check_passed(*run));
        staged.push_back(run);
    }
    if (staged.empty()) return 0;
    if (!key) return fail(key.error());
    for (const auto* run : staged)
        if (!run->whole)
            return fail(ErrorKind::Denied,
                        "only the change was looked at, and an attestation speaks of the tree");
    const auto& signer = key->signer;
    const AttestationStore store(repo);
    const auto now = SystemClock().now();
    std::vector<AttestationFile> files;
    for (const auto* run : staged) {
        const auto result = TRY(test_result(*run, now));
        const auto path = attestation_path(result.tree, result.stage, signer.public_key());
        const auto kept = TRY(store.of_tree(result.tree));
        if (vouched_for(kept, path, result)) continue;
        auto envelope = TRY(sign_attestation(result, signer));
        files.push_back({path, std::move(envelope)});
    }
    if (!files.empty()) TRY(store.add(files));
    return files.size();
}

Result<std::string> attest_push(const Repository& repo, const std::vector<const StageRun*>& runs,
                                const Result<SigningKey>& key, const std::string& remote, int cancel_fd) {
    std::vector<std::string> trees;
    for (const auto* run : runs)
        if (run->prepared->stage != nullptr) trees.push_back(run->prepared->target.tree.short_str());
    if (trees.empty()) return std::string();
    const auto count = attest(repo, runs, key);
    if (!count) return one_line("nothing attested: ", count.error());
    const AttestationStore store(repo, cancel_fd);
    if (*count == 0 && store.known_at(remote).value_or(false)) return std::string();
    const auto pushed = store.push(remote, attestation_patience(repo));
    if (!pushed && pushed.error().kind == ErrorKind::Cancelled) return fail(pushed.error());
    if (!pushed) return one_line("", pushed.error());
    return "attested: tree " + join(trees, ", ") + " → " + shown_remote(remote);
}

Result<std::string> bring_proofs(const Repository& repo, const std::string& remote, int cancel_fd) {
    const AttestationStore store(repo, cancel_fd);
    const auto pushed = store.push(remote, attestation_patience(repo));
    if (pushed) return std::string();
    if (pushed.error().kind == ErrorKind::Cancelled) return fail(pushed.error());
    return one_line("", pushed.error());
}

}  // namespace tidegate::hooks
