#include "hooks/builtin/builtin.hpp"
#include "shared/base/text.hpp"

namespace tidegate::hooks::builtin {

// As trailing-whitespace-fixer: spaces and tabs before the line's end; "\r\n" is an end. In Markdown too, where two
// blanks would be a line break: a backslash says the same and is seen.
void trailing_whitespace(const File& file, Problems& problems) {
    if (file.link) return;
    int number = 0;
    for (auto line : shared::lines_of(file.content)) {
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto end = line.find_last_not_of(" \t\f\v");
        const auto kept = end == std::string_view::npos ? 0 : end + 1;
        if (kept == line.size()) continue;
        problems.push_back(
            {std::string(file.path), number, static_cast<int>(kept) + 1, "trailing whitespace"});
    }
}

}  // namespace tidegate::hooks::builtin
