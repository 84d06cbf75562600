#include "hooks/scope.hpp"

#include "hooks/cache.hpp"
#include "hooks/plan.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

// What a gate that is not a check of ours is judged by beside its files: settings of tools, inputs of `setup`.
bool is_surroundings(const Stage& stage, std::string_view path) {
    return is_tool_settings(path) || std::any_of(stage.setup.begin(), stage.setup.end(),
                                                 [&](const Setup& setup) { return setup.takes(path); });
}

struct Kinds {
    bool by_file = false;   // looks at the change's files alone
    bool together = false;  // looks at all of its files, but only when one of them changed
    bool commands = false;  // one of these is a command: it reads more than its files
};
Kinds kinds_of(const Stage& stage, const Target& target) {
    Kinds kinds;
    for (const auto& gate : stage.gates) {
        if (!conditions_hold(gate, target)) continue;
        const bool by_file = gate.takes_files();
        const bool together = !by_file && (!gate.files.everything() || !gate.folder.empty());
        kinds.by_file = kinds.by_file || by_file;
        kinds.together = kinds.together || together;
        kinds.commands = kinds.commands || ((by_file || together) && gate.builtins.empty());
    }
    return kinds;
}

}  // namespace

Result<Scope> scope_to_attest(const Repository& repo, Prepared& prepared, Proofs& proofs) {
    const auto& target = prepared.target;
    const auto kinds = kinds_of(*prepared.stage, target);
    if (!kinds.by_file && !kinds.together) return Scope{};
    auto bases = target.bases;
    if (bases.empty() && target.from) bases.push_back(*target.from);
    if (bases.empty()) return Scope{};  // nothing was there before: all of it is the change
    const auto question = TRY(question_of(prepared.config, *prepared.stage, target));
    for (const auto& base : bases) {
        const auto tree = TRY(proofs.objects().read(base.str() + "^{tree}"));
        if (!tree || !TRY(proofs.of(tree->oid, question)))
            return Scope{true, false, "the base " + base.short_str() + " is not attested"};
        if (!kinds.commands) continue;
        for (const auto& change : TRY(diff_trees(repo, tree->oid, target.tree)))
            if (is_surroundings(*prepared.stage, change.entry.path))
                return Scope{true, false, escape_foreign(change.entry.path) + " changed"};
    }
    // Where several bases are joined, a file may be new beside others without being touched itself.
    return Scope{false, bases.size() > 1, {}};
}

}  // namespace tidegate::hooks
