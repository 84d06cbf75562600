#include "hooks/builtin/builtin.hpp"

#include <algorithm>
#include <map>

namespace tidegate::hooks::builtin {

namespace {

// ASCII only, as git's core.ignorecase does.
std::string folded(std::string_view path) {
    std::string text(path);
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

}  // namespace

// As check-case-conflict: on a file system that folds case, one of the two would vanish. Folders count as names too.
void case_conflict(const Paths& paths, Problems& problems) {
    std::map<std::string, std::vector<std::string_view>> names;
    const auto add = [&](std::string_view path) {
        for (auto end = path.find('/');; end = path.find('/', end + 1)) {
            const auto name = path.substr(0, end);
            auto& known = names[folded(name)];
            if (std::find(known.begin(), known.end(), name) == known.end()) known.push_back(name);
            if (end == std::string_view::npos) break;
        }
    };
    for (const auto path : paths.all) add(path);
    for (const auto path : paths.changed) {
        for (auto end = path.find('/');; end = path.find('/', end + 1)) {
            const auto name = path.substr(0, end);
            const auto& known = names[folded(name)];
            const auto other =
                std::find_if(known.begin(), known.end(), [&](std::string_view one) { return one != name; });
            if (other != known.end()) {
                problems.push_back(
                    {std::string(path), 0, 0, "differs only in case from " + std::string(*other)});
                break;
            }
            if (end == std::string_view::npos) break;
        }
    }
}

}  // namespace tidegate::hooks::builtin
