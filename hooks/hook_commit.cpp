// The hooks around a commit. All of them are on the tree of the index that git is about to commit.
#include "hooks/hook_acts.hpp"
#include "shared/base/text.hpp"

namespace tidegate::hooks {

using namespace shared;

namespace {

// What git would do with a fixed index that nobody means; empty where it may go on.
Result<std::string> reason_to_stop(const Repository& repo, const std::string& stage, const StageRun& run) {
    if (run.fixed.empty()) return std::string();
    // git made the merge's tree before it asked us, and would commit that one.
    if (stage == "pre-merge-commit")
        return std::string("stopped: the merge was fixed. Conclude it with: git commit");
    if (repo.merging || !repo.head || TRY(tree_of(repo, *repo.head)) != run.prepared->target.tree)
        return std::string();
    return std::string("stopped: with the fixes nothing is left to commit; if that is meant, commit again");
}

}  // namespace

Result<int> gate_index(const Repository& repo, const HookCall& call) {
    auto options = session_options(call);
    options.first_of = call.stage == "pre-commit" || call.stage == "pre-merge-commit";
    const bool merge = call.stage == "pre-merge-commit" && !attests(repo, call.stage);
    const auto proofs = TRY(attest_if_asked(repo, merge ? "pre-commit" : call.stage, options));
    if (options.first_of && fixes_at_commit(repo)) options.fix = FixMode::Commit;
    auto target = TRY(index_target(repo, call.stage));
    hand_over(call, target);
    auto run = TRY(run_session(repo, std::move(target), options));
    // A clean merge makes its commit without pre-commit: the same gates count.
    if (run.prepared->stage == nullptr && call.stage == "pre-merge-commit" &&
        !run.prepared->config.stages.empty()) {
        auto again = TRY(index_target(repo, "pre-commit"));
        run = TRY(run_session(repo, std::move(again), options));
    }
    const int code = finish(repo, run, proofs.get());
    if (code != 0) return code;
    const auto stop = TRY(reason_to_stop(repo, call.stage, run));
    say(stop);
    return stop.empty() ? 0 : exit_code(ErrorKind::Failed);
}

Result<int> gate_rebase(const Repository& repo, const HookCall& call) {
    const auto given = [&](size_t index) {
        return index < call.arguments.size() ? call.arguments[index] : std::string();
    };
    RevisionRange range;
    if (!given(1).empty()) range.revision = given(1);
    const auto upstream = given(0);
    const auto base = TRY(repo.git.run(
        repo.call({"merge-base", "--end-of-options", upstream.empty() ? "HEAD" : upstream, range.revision})));
    if (base.ok())
        range.from = std::string(trim(base.out));
    else
        range.all = true;  // --root, or a history of its own
    auto target = TRY(revision_target(repo, call.stage, range));
    hand_over(call, target);
    auto options = session_options(call);
    const auto proofs = TRY(attest_if_asked(repo, call.stage, options));
    return finish(repo, TRY(run_session(repo, std::move(target), options)), proofs.get());
}

}  // namespace tidegate::hooks
