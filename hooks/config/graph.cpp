#include "hooks/config/read.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <unordered_map>

namespace tidegate::hooks {

using namespace shared;

namespace {

using Index = std::unordered_map<std::string_view, size_t>;

// A circle through `at`, as indexes, or nothing. `done` are gates known to be in none.
bool find_circle(const std::vector<Gate>& gates, const Index& index, size_t at, std::vector<size_t>& path,
                 std::vector<bool>& done) {
    if (const auto seen = std::find(path.begin(), path.end(), at); seen != path.end()) {
        path.erase(path.begin(), seen);
        return true;
    }
    if (done[at]) return false;
    path.push_back(at);
    for (const auto& need : gates[at].needs)
        if (find_circle(gates, index, index.at(need), path, done)) return true;
    path.pop_back();
    done[at] = true;
    return false;
}

}  // namespace

std::optional<GraphProblem> find_problem(const std::vector<Gate>& gates) {
    Index index;
    std::vector<std::string_view> names;
    for (size_t i = 0; i < gates.size(); ++i) {
        if (!index.emplace(gates[i].name, i).second)
            return GraphProblem{i, {}, "two gates are called `" + escape_foreign(gates[i].name) + "`", {}};
        names.emplace_back(gates[i].name);
    }
    for (size_t i = 0; i < gates.size(); ++i) {
        for (const auto& need : gates[i].needs) {
            const auto found = index.find(need);
            if (found == index.end()) {
                const auto near = nearest(need, names);
                return GraphProblem{i, need,
                                    "`needs` names no gate of this stage: `" + escape_foreign(need) + "`",
                                    near.empty() ? "" : "did you mean `" + std::string(near) + "`?"};
            }
            if (gates[found->second].own && !gates[i].own)
                return GraphProblem{
                    i,
                    need,
                    "`needs` names a gate of " + std::string(kLocalFile) + ": `" + escape_foreign(need) + "`",
                    {}};
        }
    }
    std::vector<bool> done(gates.size());
    for (size_t i = 0; i < gates.size(); ++i) {
        std::vector<size_t> path;
        if (!find_circle(gates, index, i, path, done)) continue;
        std::string circle;
        for (const auto at : path) circle += gates[at].name + " → ";
        const auto& next = gates[path[path.size() > 1 ? 1 : 0]].name;
        return GraphProblem{path.front(),
                            next,
                            "gates need each other in a circle: " + circle + gates[path.front()].name,
                            {}};
    }
    return std::nullopt;
}

}  // namespace tidegate::hooks
