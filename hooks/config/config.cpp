#include "hooks/config/config.hpp"

#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

bool Script::mentions(std::string_view placeholder) const {
    return shell.find(placeholder) != std::string::npos ||
           std::any_of(argv.begin(), argv.end(),
                       [&](const std::string& word) { return word.find(placeholder) != std::string::npos; });
}

std::string Script::shown() const {
    if (argv.empty()) return std::string(trim(shell));
    std::vector<std::string> words;
    for (const auto& word : argv) words.push_back(shell_quote(word));
    return join(words, " ");
}

bool Setup::takes(std::string_view path) const {
    if (!folder.empty()) {
        if (!path.starts_with(folder + "/")) return false;
        path.remove_prefix(folder.size() + 1);
    }
    return std::any_of(inputs.begin(), inputs.end(), [&](const Glob& glob) { return glob.matches(path); });
}

const Stage* Config::stage(std::string_view name) const {
    const auto found = stages.find(std::string(name));
    return found == stages.end() ? nullptr : &found->second;
}

}  // namespace tidegate::hooks
