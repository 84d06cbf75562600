#include "hooks/plan.hpp"

#include "hooks/builtin/builtin.hpp"
#include "hooks/choose.hpp"
#include "hooks/command.hpp"
#include "hooks/config/conditions.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <algorithm>
#include <cstdlib>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr Duration kVersionTimeout = std::chrono::seconds(20);

Result<void> ensure_changes(const Repository& repo, Target& target, bool all_files) {
    if (target.changes && !all_files) return {};
    if (all_files || !target.from) {
        TRY(ensure_entries(repo, target));
        target.changes.emplace();
        for (const auto& entry : target.entries) target.changes->push_back({Change::Kind::Added, entry});
        return {};
    }
    target.changes = TRY(diff_trees(repo, target.from, target.tree));
    return {};
}

Facts facts_of(const Target& target) {
    Facts facts;
    if (!target.branch.empty()) facts.refs.push_back(target.branch);
    facts.refs.insert(facts.refs.end(), target.also.begin(), target.also.end());
    facts.merging = target.merging;
    facts.rebasing = target.rebasing;
    facts.variable = [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return value;
    };
    return facts;
}

std::string left_out_by(const Gate& gate, const Target& target) {
    if (gate.only.empty() && gate.except.empty()) return {};  // a push may have many refs
    return left_out_by(gate, facts_of(target));
}

// With what they need.
std::set<std::string> with_needs(const Stage& stage, const std::set<std::string>& names) {
    std::set<std::string> all;
    std::vector<std::string> open(names.begin(), names.end());
    while (!open.empty()) {
        const auto name = open.back();
        open.pop_back();
        if (!all.insert(name).second) continue;
        for (const auto& gate : stage.gates)
            if (gate.name == name) open.insert(open.end(), gate.needs.begin(), gate.needs.end());
    }
    return all;
}

Result<void> check_names(const Stage& stage, const std::set<std::string>& names, std::string_view where) {
    std::vector<std::string_view> known;
    for (const auto& gate : stage.gates) known.emplace_back(gate.name);
    for (const auto& name : names) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const auto near = nearest(name, known);
        return fail(ErrorKind::Usage,
                    std::string(where) + " names no gate of " + stage.name + ": " + escape_foreign(name),
                    near.empty() ? "" : "did you mean `" + std::string(near) + "`?");
    }
    return {};
}

// Works out one gate's fate.
class Planner {
  public:
    Planner(const Repository& repo, const Stage& stage, Target& target, const Cache& cache,
            const PlanOptions& options)
        : repo_(repo), stage_(stage), target_(target), cache_(cache), options_(options) {}

    Result<PlannedGate> plan(const Gate& gate, const std::set<std::string>& wanted) {
        PlannedGate planned;
        planned.gate = &gate;
        if (options_.skip.contains(gate.name)) return skipped(planned, Fate::Skipped, "TIDEGATE_SKIP");
        if (!options_.only.empty() && !wanted.contains(gate.name))
            return skipped(planned, Fate::Skipped, "not asked for");
        if (gate.left_out) return skipped(planned, Fate::Skipped, std::string(kLocalFile));
        if (auto why = left_out_by(gate, target_); !why.empty())
            return skipped(planned, Fate::Skipped, std::move(why));
        if (!gate.folder.empty()) {
            TRY(ensure_changes(repo_, target_, options_.all_files));
            if (!options_.all_together && !concerns(gate, *target_.changes))
                return skipped(planned, Fate::Empty, "nothing changed in " + gate.folder);
            if (TRY(is_gone(gate.folder)))
                return skipped(planned, Fate::Empty, "the tree has no " + gate.folder);
        }
        const bool asks = asks_for_arguments(gate, stage_.name);
        if (asks && target_.arguments.empty())
            return skipped(planned, Fate::Skipped, "only git's hook knows what it asks for");
        if (gate.workspace == Workspace::Snapshot && target_.remembered && !asks &&
            gate.report.benchmark.empty())
            planned.definition = definition_key(gate, stage_, TRY(version_of(gate)));
        if (gate.takes_files()) return by_files(std::move(planned));
        return as_a_whole(std::move(planned));
    }

  private:
    // The tree holds nothing there. It is asked only where the change adds nothing there either.
    Result<bool> is_gone(const std::string& folder) {
        const auto below = [&](const std::string& path) { return path.starts_with(folder + "/"); };
        for (const auto& change : *target_.changes)
            if (change.kind != Change::Kind::Deleted && below(change.entry.path)) return false;
        TRY(ensure_entries(repo_, target_));
        return std::none_of(target_.entries.begin(), target_.entries.end(),
                            [&](const TreeEntry& entry) { return below(entry.path); });
    }

    static PlannedGate skipped(PlannedGate& planned, Fate fate, std::string reason) {
        planned.fate = fate;
        planned.reason = std::move(reason);
        return std::move(planned);
    }

    // What `version:` prints; a tool that is not there is told of when the gate runs.
    Result<std::string> version_of(const Gate& gate) {
        if (gate.version.empty()) return std::string();
        Command command;
        command.argv = TRY(command_lines(gate.version, {}, 65536)).front();
        command.env = gate_environment(gate.pass_env, gate.env, target_);
        command.directory = repo_.work_tree.empty() ? "/" : repo_.work_tree;
        command.timeout = kVersionTimeout;
        command.merge_streams = true;
        const auto exit = run(command);
        return exit ? exit->out : std::string();
    }

    // Settings of tools and inputs of setup commands: part of what every file is judged by.
    Result<std::string> surroundings() {
        if (surroundings_) return *surroundings_;
        TRY(ensure_entries(repo_, target_));
        std::vector<const TreeEntry*> entries;
        for (const auto& entry : target_.entries) {
            const bool input = std::any_of(stage_.setup.begin(), stage_.setup.end(),
                                           [&](const Setup& setup) { return setup.takes(entry.path); });
            if (input || is_tool_settings(entry.path)) entries.push_back(&entry);
        }
        surroundings_ = input_key(entries);
        return *surroundings_;
    }

    Result<PlannedGate> by_files(PlannedGate planned) {
        const Gate& gate = *planned.gate;
        const bool in_process = !gate.builtins.empty();
        TRY(ensure_changes(repo_, target_, options_.all_files));
        // Checks in this process judge links and submodules too.
        for (auto& entry : TRY(chosen(repo_, gate.files, *target_.changes)))
            if (entry.is_file() || in_process) planned.files.push_back(std::move(entry));
        planned.matched = planned.files.size();
        if (planned.files.empty() && gate.always && !in_process) return as_a_whole(std::move(planned));
        if (planned.files.empty() && !asked_without_files(gate))
            return skipped(planned, Fate::Empty, "no matching files");
        // A check in this process takes less time than remembering; a gate outside of the snapshot sees more than its
        // files.
        if (in_process || planned.definition.empty()) return planned;
        const auto around = TRY(surroundings());
        const auto known =
            options_.use_cache ? cache_.passed(planned.definition) : std::unordered_set<std::string>();
        std::vector<TreeEntry> left;
        for (auto& entry : planned.files) {
            auto key = sha256_hex(around + input_key(std::vector<const TreeEntry*>{&entry}));
            if (known.contains(key)) continue;
            planned.inputs.push_back(std::move(key));
            left.push_back(std::move(entry));
        }
        if (left.empty()) {
            planned.fate = Fate::Cached;
            planned.reason = "passed on the same files before";
        } else {
            planned.files = std::move(left);
        }
        return planned;
    }

    Result<PlannedGate> as_a_whole(PlannedGate planned) {
        const Gate& gate = *planned.gate;
        std::string input;
        if (gate.files.everything()) {
            input = input_key(target_.tree);
        } else {
            TRY(ensure_changes(repo_, target_, options_.all_files));
            planned.matched = TRY(count_chosen(repo_, gate.files, *target_.changes));
            if (planned.matched == 0 && !gate.always && !options_.all_together)
                return skipped(planned, Fate::Empty, "no matching files");
            TRY(ensure_entries(repo_, target_));
            std::vector<const TreeEntry*> matching;
            for (const auto& entry : target_.entries)
                if (gate.files.matches(entry.path)) matching.push_back(&entry);
            if (planned.matched == 0 && matching.empty())
                return skipped(planned, Fate::Empty, "no matching files");
            input = sha256_hex(TRY(surroundings()) + input_key(matching));
        }
        if (planned.definition.empty()) return planned;
        if (options_.use_cache && cache_.passed(planned.definition).contains(input)) {
            planned.fate = Fate::Cached;
            planned.reason = "passed on the same input before";
        }
        planned.inputs = {std::move(input)};
        return planned;
    }

    const Repository& repo_;
    const Stage& stage_;
    Target& target_;
    const Cache& cache_;
    const PlanOptions& options_;
    std::optional<std::string> surroundings_;
};

// What a gate needs must have been done in this snapshot on this tree: a result alone leaves nothing behind for it.
void run_what_is_needed(Plan& plan) {
    for (bool again = true; again;) {
        again = false;
        for (const auto& planned : plan.gates) {
            if (planned.fate != Fate::Run) continue;
            for (auto& needed : plan.gates) {
                const auto& needs = planned.gate->needs;
                const bool wanted = std::find(needs.begin(), needs.end(), needed.gate->name) != needs.end();
                if (!wanted || needed.fate != Fate::Cached) continue;
                needed.fate = Fate::Run;
                needed.reason = "needed by " + planned.gate->name;
                again = true;
            }
        }
    }
}

}  // namespace

bool conditions_hold(const Gate& gate, const Target& target) {
    return left_out_by(gate, target).empty();
}

// A commit to a protected branch is one even where it only deletes.
bool asked_without_files(const Gate& gate) {
    return std::any_of(gate.builtins.begin(), gate.builtins.end(), [](const std::string& name) {
        const auto* check = builtin::find(name);
        return check != nullptr && check->without_files;
    });
}

const PlannedGate* Plan::find(std::string_view gate) const {
    const auto found = std::find_if(gates.begin(), gates.end(),
                                    [&](const PlannedGate& planned) { return planned.gate->name == gate; });
    return found == gates.end() ? nullptr : &*found;
}

size_t Plan::count(Fate fate) const {
    return static_cast<size_t>(std::count_if(
        gates.begin(), gates.end(), [&](const PlannedGate& planned) { return planned.fate == fate; }));
}

std::set<std::string> skip_from_environment() {
    std::set<std::string> names;
    const char* value = std::getenv("TIDEGATE_SKIP");
    std::string name;
    for (const char c : std::string(value == nullptr ? "" : value) + ",") {
        if (c != ',' && c != ' ') {
            name += c;
            continue;
        }
        if (!name.empty()) names.insert(name);
        name.clear();
    }
    return names;
}

Result<Plan> make_plan(const Repository& repo, const Stage& stage, Target& target, const Cache& cache,
                       const PlanOptions& options) {
    TRY(check_names(stage, options.only, "--gate"));
    Plan plan;
    plan.stage = &stage;
    Planner planner(repo, stage, target, cache, options);
    const auto wanted = with_needs(stage, options.only);
    for (const auto& gate : stage.gates) {
        if (gate.required && gate.left_out)
            return fail(
                ErrorKind::Denied,
                std::string(kLocalFile) + " cannot skip a required gate: " + escape_foreign(gate.name),
                "take its `skip` out of " + std::string(kLocalFile));
        if (gate.required && options.skip.contains(gate.name))
            return fail(ErrorKind::Denied, "TIDEGATE_SKIP cannot skip a required gate: " + gate.name,
                        "without TIDEGATE_SKIP, or with `required` taken out of the committed " +
                            std::string(kConfigFile));
        plan.gates.push_back(TRY(planner.plan(gate, wanted)));
    }
    run_what_is_needed(plan);
    for (const auto& planned : plan.gates)
        plan.needs_snapshot = plan.needs_snapshot || (planned.fate == Fate::Run && !planned.in_process() &&
                                                      planned.gate->workspace == Workspace::Snapshot);
    if (target.changes)
        plan.changed_files = static_cast<size_t>(
            std::count_if(target.changes->begin(), target.changes->end(),
                          [](const Change& change) { return change.kind != Change::Kind::Deleted; }));
    return plan;
}

}  // namespace tidegate::hooks
