#include "manifests/depends.hpp"

#include <algorithm>
#include <set>

namespace tidegate::manifests {

std::vector<std::string> circle_of(const Dependencies& dependencies, const std::string& app) {
    // Each way is walked once: an app that was left without a circle leads to none.
    std::vector<std::string> way{app};
    std::vector<size_t> next{0};
    std::set<std::string> seen{app};
    while (!way.empty()) {
        const auto found = dependencies.find(way.back());
        if (found == dependencies.end() || next.back() == found->second.size()) {
            way.pop_back();
            next.pop_back();
            continue;
        }
        const auto& to = found->second[next.back()++];
        if (to == app) {
            way.push_back(to);
            return way;
        }
        if (!seen.insert(to).second) continue;
        way.push_back(to);
        next.push_back(0);
    }
    return {};
}

}  // namespace tidegate::manifests
