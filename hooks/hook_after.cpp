// What follows a checkout, a merge, an amended commit or a rebase. Git has done it already, so nothing is
// stopped; and it does it often, so a stage that is not there costs no child process.
#include "hooks/hook_acts.hpp"
#include "shared/base/files.hpp"
#include "shared/base/names.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

// Whether the working tree's configuration may know the stage. It was just checked out, so it is mostly the
// tree's own; where it is not, no gate is passed by.
bool may_know(const Repository& repo, const std::string& stage) {
    const auto path = repo.work_tree + "/" + std::string(kConfigFile);
    const auto text = read_file(path, 1 << 20);
    if (!text) return false;
    const auto names = [&](std::string_view word) { return text->find(word) != std::string::npos; };
    return names(stage) || names("extends") || names("folders") ||  // it may stand in another file
           exists(repo.work_tree + "/.tidegate.local.yaml");
}

bool is_zero(std::string_view oid) {
    return oid.find_first_not_of('0') == std::string_view::npos;
}

// post-rewrite's last line is the tip: "<old> <new> [<more>]".
std::optional<std::string> old_tip(const std::string& lines) {
    const auto all = lines_of(lines);
    if (all.empty()) return std::nullopt;
    return std::string(split(all.back(), ' ').front());
}

// nullopt: there is nothing to run on.
Result<std::optional<Target>> target_after(const Repository& repo, const HookCall& call) {
    const auto given = [&](size_t index) {
        return index < call.arguments.size() ? call.arguments[index] : std::string();
    };
    RevisionRange range;
    if (call.stage == "post-checkout") {
        if (is_zero(given(1))) return std::nullopt;  // unborn
        const bool first = is_zero(given(0));
        // A fresh clone: what it brought along has been seen by nobody yet, so nothing of it is run.
        if (first && repo.git_dir == repo.common_dir) return std::nullopt;
        range.revision = given(1);
        range.all = first;
        if (!first) range.from = given(0);
    } else if (call.stage == "post-merge") {
        if (given(0) == "1") return TRY(index_target(repo, call.stage));  // --squash: only staged
        const auto before =
            TRY(repo.git.run(repo.call({"rev-parse", "-q", "--verify", "ORIG_HEAD^{commit}"})));
        if (before.ok()) range.from = std::string(trim(before.out));
    } else {
        range.from = old_tip(call.input);
    }
    return TRY(revision_target(repo, call.stage, range));
}

}  // namespace

Result<int> run_after(const Repository& repo, const HookCall& call) {
    if (repo.work_tree.empty() || !may_know(repo, call.stage)) return 0;
    auto target = TRY(target_after(repo, call));
    if (!target) return 0;
    hand_over(call, *target);
    auto options = session_options(call);
    options.first_of = false;
    const auto run = TRY(run_session(repo, std::move(*target), options));
    return run.report.cancelled ? exit_code(ErrorKind::Cancelled) : 0;
}

}  // namespace tidegate::hooks
