#include "hooks/builtin/fixes.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <cctype>

namespace tidegate::hooks::builtin {

namespace {

bool is_markdown(const File& file) {
    const auto& endings = file.options->markdown;
    if (endings.empty()) return false;
    const auto dot = file.path.rfind('.');
    const auto ending = dot == std::string_view::npos ? std::string_view() : file.path.substr(dot + 1);
    const auto same = [&](const std::string& one) {
        return one == "*" || (one.size() == ending.size() &&
                              std::equal(one.begin(), one.end(), ending.begin(), [](char a, char b) {
                                  return std::tolower(static_cast<unsigned char>(a)) ==
                                         std::tolower(static_cast<unsigned char>(b));
                              }));
    };
    return std::any_of(endings.begin(), endings.end(), same);
}

// How much of a line without its end stays, and how many blanks are put after it.
struct Kept {
    size_t bytes;
    size_t blanks;
};
Kept kept_of(std::string_view line, bool markdown) {
    const auto last = line.find_last_not_of(" \t\f\v");
    const size_t bytes = last == std::string_view::npos ? 0 : last + 1;
    return {bytes, markdown && bytes > 0 && line.ends_with("  ") ? size_t{2} : size_t{0}};
}

}  // namespace

// As trailing-whitespace-fixer: spaces and tabs before the line's end; "\r\n" is an end. In Markdown too, unless its
// endings are named: then two blanks are a line break, and more than two are made two.
void trailing_whitespace(const File& file, Problems& problems) {
    if (file.link) return;
    const bool markdown = is_markdown(file);
    int number = 0;
    for (auto line : shared::lines_of(file.content)) {
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto kept = kept_of(line, markdown);
        if (line.size() == kept.bytes + kept.blanks) continue;
        problems.push_back(
            {std::string(file.path), number, static_cast<int>(kept.bytes) + 1,
             kept.blanks > 0 ? "more blanks than the two of a line break" : "trailing whitespace"});
    }
}

std::optional<std::string> without_trailing_whitespace(const File& file) {
    if (!finds(trailing_whitespace, file)) return std::nullopt;
    const bool markdown = is_markdown(file);
    std::string text;
    text.reserve(file.content.size());
    auto rest = file.content;
    while (!rest.empty()) {
        const auto newline = rest.find('\n');
        auto line = rest.substr(0, newline);
        rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 1);
        const bool carriage = line.ends_with('\r');
        if (carriage) line.remove_suffix(1);
        const auto kept = kept_of(line, markdown);
        text.append(line.substr(0, kept.bytes)).append(kept.blanks, ' ');
        if (carriage) text += '\r';
        if (newline != std::string_view::npos) text += '\n';
    }
    return text;
}

}  // namespace tidegate::hooks::builtin
