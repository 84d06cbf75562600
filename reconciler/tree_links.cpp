// Attack 28: where a link of a tree would lead once it is on disk.
#include "reconciler/stage.hpp"
#include "shared/base/text.hpp"

#include <vector>

namespace tidegate::reconciler {

namespace {

constexpr int kMostHops = 40;  // as the kernel: after that it gives up (ELOOP), so nothing is reached

void push_reversed(std::vector<std::string>& todo, std::string_view target) {
    const auto parts = shared::split(target, '/');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) todo.emplace_back(*part);
}

}  // namespace

bool stays_inside(const TreeLinks& links, const std::string& path) {
    std::vector<std::string> here;
    std::vector<std::string> todo;
    push_reversed(todo, path);
    bool in_shared = false;
    for (int hops = 0; !todo.empty();) {
        const auto part = std::move(todo.back());
        todo.pop_back();
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            if (here.empty() || in_shared) return false;
            here.pop_back();
            continue;
        }
        here.push_back(part);
        if (in_shared) continue;
        const auto place = shared::join(here, "/");
        in_shared = links.shared.contains(place);
        const auto link = links.targets.find(place);
        if (in_shared || link == links.targets.end()) continue;
        if (link->second.starts_with('/')) return false;
        if (++hops > kMostHops) return true;
        here.pop_back();
        push_reversed(todo, link->second);
    }
    return true;
}

}  // namespace tidegate::reconciler
