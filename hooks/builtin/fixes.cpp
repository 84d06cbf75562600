#include "hooks/builtin/fixes.hpp"

namespace tidegate::hooks::builtin {

namespace {

// A check says whether there is something to do.
bool finds(void (*check)(const File&, Problems&), const File& file) {
    if (file.link || file.size > file.content.size()) return false;
    Problems problems;
    check(file, problems);
    return !problems.empty();
}

}  // namespace

std::optional<std::string> without_trailing_whitespace(const File& file) {
    if (!finds(trailing_whitespace, file)) return std::nullopt;
    std::string text;
    text.reserve(file.content.size());
    auto rest = file.content;
    while (!rest.empty()) {
        const auto newline = rest.find('\n');
        auto line = rest.substr(0, newline);
        rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 1);
        const bool carriage = line.ends_with('\r');
        if (carriage) line.remove_suffix(1);
        const auto last = line.find_last_not_of(" \t\f\v");
        text.append(line.substr(0, last == std::string_view::npos ? 0 : last + 1));
        if (carriage) text += '\r';
        if (newline != std::string_view::npos) text += '\n';
    }
    return text;
}

std::optional<std::string> with_one_end_of_file(const File& file) {
    if (!finds(end_of_file, file)) return std::nullopt;
    const auto last = file.content.find_last_not_of("\r\n");
    if (last == std::string_view::npos) return std::string();
    const auto end = file.content.substr(last + 1);
    std::string text(file.content.substr(0, last + 1));
    // The first of the endings is kept: a file of CRLF lines stays one.
    if (end.starts_with("\r\n")) return text + "\r\n";
    if (end.starts_with("\r")) return text + "\r";
    if (!end.empty()) return text + "\n";
    const auto newline = text.find('\n');
    return text + (newline != std::string::npos && newline > 0 && text[newline - 1] == '\r' ? "\r\n" : "\n");
}

}  // namespace tidegate::hooks::builtin
