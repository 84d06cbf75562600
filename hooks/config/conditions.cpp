#include "hooks/config/conditions.hpp"

#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

bool names(const Condition& condition, const std::string& ref) {
    constexpr std::string_view kHeads = "refs/heads/";
    if (condition.kind == Condition::Kind::Ref) return condition.value->matches(ref);
    return ref.starts_with(kHeads) && condition.value->matches(std::string_view(ref).substr(kHeads.size()));
}

bool holds(const Condition& condition, const Facts& facts, const std::string& ref) {
    switch (condition.kind) {
        case Condition::Kind::Merge: return facts.merging;
        case Condition::Kind::Rebase: return facts.rebasing;
        case Condition::Kind::Branch:
        case Condition::Kind::Ref: return names(condition, ref);
        case Condition::Kind::Env: break;
    }
    const auto value = facts.variable ? facts.variable(condition.name) : std::nullopt;
    return value && (condition.value ? condition.value->matches(*value) : !value->empty());
}

// The first that holds for `ref`.
const Condition* first(const Conditions& conditions, const Facts& facts, const std::string& ref) {
    const auto found = std::find_if(conditions.begin(), conditions.end(),
                                    [&](const Condition& condition) { return holds(condition, facts, ref); });
    return found == conditions.end() ? nullptr : &*found;
}

}  // namespace

std::string left_out_by(const Gate& gate, const Facts& facts) {
    auto refs = facts.refs;
    if (refs.empty()) refs.emplace_back();  // a detached HEAD: no branch and no ref
    const auto one = std::any_of(refs.begin(), refs.end(), [&](const std::string& ref) {
        return first(gate.only, facts, ref) != nullptr;
    });
    if (!gate.only.empty() && !one) {
        std::vector<std::string> wanted;
        for (const auto& condition : gate.only) wanted.push_back(condition.text);
        return "only " + join(wanted, ", ");
    }
    const Condition* except = nullptr;
    for (const auto& ref : refs) {
        except = first(gate.except, facts, ref);
        if (except == nullptr) return {};
    }
    return except == nullptr ? std::string() : "except " + except->text;
}

}  // namespace tidegate::hooks
