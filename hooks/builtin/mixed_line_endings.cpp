#include "hooks/builtin/fixes.hpp"

#include <array>

namespace tidegate::hooks::builtin {

namespace {

enum Ending : size_t { Cr, CrLf, Lf };
constexpr std::array<std::string_view, 3> kEndings{"\r", "\r\n", "\n"};
constexpr std::array<std::string_view, 3> kNames{"CR", "CRLF", "LF"};

struct Counts {
    std::array<size_t, 3> lines{};
    std::array<int, 3> first{};  // the first line that ends so

    [[nodiscard]] bool mixed() const { return (lines[Cr] > 0) + (lines[CrLf] > 0) + (lines[Lf] > 0) > 1; }
    // What most lines have; of equals LF before CRLF before CR.
    [[nodiscard]] Ending usual() const {
        Ending best = Cr;
        for (const auto ending : {CrLf, Lf})
            if (lines[ending] >= lines[best]) best = ending;
        return best;
    }
};

// The place after `from` where a line ends, and how; npos where none does any more.
struct Found {
    size_t at;
    Ending ending;
};
Found next_ending(std::string_view text, size_t from) {
    const auto at = text.find_first_of("\r\n", from);
    if (at == std::string_view::npos) return {at, Lf};
    if (text[at] == '\n') return {at, Lf};
    return {at, at + 1 < text.size() && text[at + 1] == '\n' ? CrLf : Cr};
}

Counts count(std::string_view text) {
    Counts counts;
    // Most files have none: one fast pass says so.
    if (text.find('\r') == std::string_view::npos) return counts;
    int line = 1;
    for (auto found = next_ending(text, 0); found.at != std::string_view::npos; ++line) {
        if (counts.lines[found.ending]++ == 0) counts.first[found.ending] = line;
        found = next_ending(text, found.at + kEndings[found.ending].size());
    }
    return counts;
}

}  // namespace

// As mixed-line-ending with its --fix=auto: the first line that differs from most is shown.
void mixed_line_endings(const File& file, Problems& problems) {
    if (file.link) return;
    const auto counts = count(file.content);
    if (!counts.mixed()) return;
    const auto usual = counts.usual();
    int line = 0;
    std::string what = "mixed line endings:";
    for (const auto ending : {Lf, CrLf, Cr}) {
        if (counts.lines[ending] == 0) continue;
        what += " " + std::to_string(counts.lines[ending]) + " " + std::string(kNames[ending]);
        if (ending != usual && (line == 0 || counts.first[ending] < line)) line = counts.first[ending];
    }
    problems.push_back({std::string(file.path), line, 0, std::move(what)});
}

std::optional<std::string> with_one_line_ending(const File& file) {
    if (file.link || file.size > file.content.size()) return std::nullopt;
    const auto counts = count(file.content);
    if (!counts.mixed()) return std::nullopt;
    const auto usual = kEndings[counts.usual()];
    std::string text;
    text.reserve(file.content.size());
    size_t begin = 0;
    for (auto found = next_ending(file.content, 0); found.at != std::string_view::npos;
         found = next_ending(file.content, begin)) {
        text.append(file.content.substr(begin, found.at - begin)).append(usual);
        begin = found.at + kEndings[found.ending].size();
    }
    text.append(file.content.substr(begin));
    return text;
}

}  // namespace tidegate::hooks::builtin
