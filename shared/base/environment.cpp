#include "shared/base/process.hpp"

#include <algorithm>

extern char** environ;

namespace tidegate::shared {

void Environment::pass(const std::vector<std::string>& names) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        if (equals == std::string_view::npos || equals == 0) continue;
        const auto name = text.substr(0, equals);
        const bool wanted = std::any_of(names.begin(), names.end(), [&](const std::string& pattern) {
            if (pattern.empty() || (pattern.front() != name.front() && pattern.front() != '*')) return false;
            if (pattern.ends_with('*'))
                return name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
            return name == pattern;
        });
        if (wanted) values_.insert_or_assign(std::string(name), std::string(text.substr(equals + 1)));
    }
}

std::optional<std::string> Environment::get(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second;
}

Environment basic_environment() {
    Environment env;
    env.pass({"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_*", "TZ", "TMPDIR", "TERM"});
    return env;
}

}  // namespace tidegate::shared
