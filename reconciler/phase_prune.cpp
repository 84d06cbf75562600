// prune
// Intent: no more than `keep` good releases lie there. The running one, the one before it and good ones stay;
// failed ones go.
// Side effects: folders below releases/.
// Why it can be repeated: it removes what is too much, each time anew; each folder is renamed away first.
// A crash in it means: a `.removing` folder, which the next one removes.
#include "reconciler/phases.hpp"

namespace tidegate::reconciler {

PhaseResult phase_prune(PhaseContext& context) {
    const auto& row = context.row;
    std::vector<std::string> in_use{row.to_release};
    if (row.from_good && !row.from_release.empty()) in_use.push_back(row.from_release);
    std::vector<std::string> good;
    for (const auto& release : TRY(context.journal.good_releases(row.app))) good.push_back(release.release);
    const auto gone = TRY(context.ports.prune(in_use, good));
    for (const auto& release : gone) TRY(context.journal.forget_release(row.app, release));
    return gone.empty() ? std::string() : std::to_string(gone.size()) + " removed";
}

}  // namespace tidegate::reconciler
