#include "hooks/baseline.hpp"

#include "shared/base/text.hpp"
#include "shared/face/face.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr std::string_view kMostAncestors = "1000";

const GateResult* measured(const TestResult& result, const std::string& gate) {
    const auto found = std::find_if(result.gates.begin(), result.gates.end(),
                                    [&](const GateResult& one) { return one.name == gate; });
    return found == result.gates.end() || found->measures.empty() ? nullptr : &*found;
}

}  // namespace

Result<std::optional<Baseline>> last_attested(const Repository& repo, const Target& target,
                                              const std::string& gate, Proofs& proofs) {
    if (!target.commit && !repo.head) return std::nullopt;
    auto call = repo.call({"rev-list", "--max-count=" + std::string(kMostAncestors), "--no-commit-header",
                           "--format=%H %T", target.commit ? target.commit->str() : repo.head->str()});
    const auto text = TRY(repo.git.output(call));
    for (const auto line : lines_of(text)) {
        const auto words = split(line, ' ');
        if (words.size() != 2) continue;
        if (target.commit && words[0] == target.commit->str()) continue;  // itself
        const auto tree = TRY(Oid::parse(words[1]));
        const auto proof = TRY(proofs.any(
            tree, target.stage, [&](const TestResult& result) { return measured(result, gate) != nullptr; }));
        if (!proof) continue;
        return Baseline{measured(proof->result, gate)->measures,
                        std::string(words[0].substr(0, 7)) + " by " + escape_foreign(proof->by) + ", " +
                            ago(proof->result.finished, SystemClock().now())};
    }
    return std::nullopt;
}

}  // namespace tidegate::hooks
