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

Counts count(const File& file) {
    Counts counts;
    const auto text = file.content;
    // Most files have none: one fast pass says so.
    const bool plain = text.find('\r') == std::string_view::npos;
    if (plain && file.options->line_ending != LineEnding::CrLf) return counts;
    int line = 1;
    for (auto found = next_ending(text, 0); found.at != std::string_view::npos; ++line) {
        if (counts.lines[found.ending]++ == 0) counts.first[found.ending] = line;
        found = next_ending(text, found.at + kEndings[found.ending].size());
    }
    return counts;
}

// What every line should end with.
Ending wanted(const Counts& counts, const File& file) {
    switch (file.options->line_ending) {
        case LineEnding::Lf: return Lf;
        case LineEnding::CrLf: return CrLf;
        default: return counts.usual();
    }
}

bool is_right(const Counts& counts, Ending ending) {
    for (const auto other : {Cr, CrLf, Lf})
        if (other != ending && counts.lines[other] > 0) return false;
    return true;
}

}  // namespace

// As mixed-line-ending: the first line that ends in another way than most, or than asked for, is shown.
void mixed_line_endings(const File& file, Problems& problems) {
    if (file.link) return;
    const auto counts = count(file);
    const auto usual = wanted(counts, file);
    if (is_right(counts, usual)) return;
    int line = 0;
    std::string what = counts.mixed() ? "mixed line endings:"
                                      : "line endings other than " + std::string(kNames[usual]) + ":";
    for (const auto ending : {Lf, CrLf, Cr}) {
        if (counts.lines[ending] == 0) continue;
        what += " " + std::to_string(counts.lines[ending]) + " " + std::string(kNames[ending]);
        if (ending != usual && (line == 0 || counts.first[ending] < line)) line = counts.first[ending];
    }
    problems.push_back({std::string(file.path), line, 0, std::move(what)});
}

std::optional<std::string> with_one_line_ending(const File& file) {
    if (file.link || file.size > file.content.size()) return std::nullopt;
    if (file.options->line_ending == LineEnding::No) return std::nullopt;
    const auto counts = count(file);
    const auto ending = wanted(counts, file);
    if (is_right(counts, ending)) return std::nullopt;
    const auto usual = kEndings[ending];
    std::string text;
    text.reserve(file.content.size());
    size_t begin = 0;
    for (auto found = next_ending(file.content, 0); found.at != std::string_view::npos;
         found = next_ending(file.content, begin)) {
        text.append(file.content.substr(begin, found.at - begin)).append(usual);
        begin = found.at + kEndings[found.ending].size();
    }
    // What follows the last ending gets one too.
    if (begin < file.content.size()) text.append(file.content.substr(begin)).append(usual);
    return text;
}

}  // namespace tidegate::hooks::builtin
