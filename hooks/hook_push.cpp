#include "hooks/hook_acts.hpp"
#include "hooks/ranges.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

Result<int> gate_push(const Repository& repo, const HookCall& call) {
    // githooks(5): the remote's name and address; the address twice where it has no name.
    const auto remote = call.arguments.empty() ? std::string("origin") : call.arguments[0];
    auto updates = TRY(parse_ref_lines(call.input));
    std::erase_if(updates, [](const RefUpdate& update) {
        return update.remote_ref.starts_with("refs/tidegate/");  // proofs, not code
    });
    auto push = TRY(targets_of_push(repo, call.stage, updates, remote));
    for (const auto& line : push.skipped) say("tidegate pre-push  " + escape_foreign(line));
    auto options = session_options(call);
    options.occasion.remote = shown_remote(remote);
    std::vector<StageRun> runs;
    int worst = 0;
    for (auto& target : push.targets) {
        hand_over(call, target);
        runs.push_back(TRY(run_session(repo, std::move(target), options)));
        const auto& run = runs.back();
        const int code = run.prepared->stage == nullptr ? 0 : exit_code_of(run.report);
        worst = std::max(worst, code);
        if (run.report.cancelled) return code;
    }
    if (worst != 0 || !attests(repo, call.stage)) return worst;
    std::vector<const StageRun*> passed;
    for (const auto& run : runs) passed.push_back(&run);
    say(TRY(attest_push(repo, passed, remote, call.cancel_fd)));
    return 0;
}

}  // namespace tidegate::hooks
