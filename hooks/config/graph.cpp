#include "hooks/config/read.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

// The place of the name `needed` in the `needs` of the gate at `index`.
const Value& place_of_need(const Value& gates, size_t index, const std::string& needed) {
    const Value& gate = gates.list()[index];
    const Value* needs = gate.find("needs");
    if (needs == nullptr) return gate;
    for (const auto& item : needs->list())
        if (item.text() == needed) return item;
    return *needs;
}

size_t index_of(const std::vector<Gate>& gates, std::string_view name) {
    const auto found =
        std::find_if(gates.begin(), gates.end(), [&](const Gate& gate) { return gate.name == name; });
    return static_cast<size_t>(found - gates.begin());
}

// A circle through `at`, as names, or nothing. `done` are gates known to be in none.
bool find_circle(const std::vector<Gate>& gates, size_t at, std::vector<size_t>& path,
                 std::vector<bool>& done) {
    if (const auto seen = std::find(path.begin(), path.end(), at); seen != path.end()) {
        path.erase(path.begin(), seen);
        return true;
    }
    if (done[at]) return false;
    path.push_back(at);
    for (const auto& need : gates[at].needs)
        if (find_circle(gates, index_of(gates, need), path, done)) return true;
    path.pop_back();
    done[at] = true;
    return false;
}

}  // namespace

void check_graph(MapReader& map, const Value& list, const std::vector<Gate>& gates) {
    std::vector<std::string_view> names;
    for (size_t i = 0; i < gates.size(); ++i) {
        if (std::find(names.begin(), names.end(), gates[i].name) != names.end())
            return map.reject(list.list()[i], "two gates are called `" + escape_foreign(gates[i].name) + "`");
        names.emplace_back(gates[i].name);
    }
    for (size_t i = 0; i < gates.size(); ++i) {
        for (const auto& need : gates[i].needs) {
            if (std::find(names.begin(), names.end(), need) != names.end()) continue;
            const auto near = nearest(need, names);
            return map.reject(place_of_need(list, i, need),
                              "`needs` names no gate of this stage: `" + escape_foreign(need) + "`",
                              near.empty() ? "" : "did you mean `" + std::string(near) + "`?");
        }
    }
    std::vector<bool> done(gates.size());
    for (size_t i = 0; i < gates.size(); ++i) {
        std::vector<size_t> path;
        if (!find_circle(gates, i, path, done)) continue;
        std::string circle;
        for (const auto at : path) circle += gates[at].name + " → ";
        const auto& next = gates[path[path.size() > 1 ? 1 : 0]].name;
        return map.reject(place_of_need(list, path.front(), next),
                          "gates need each other in a circle: " + circle + gates[path.front()].name);
    }
}

}  // namespace tidegate::hooks
