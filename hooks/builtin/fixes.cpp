#include "hooks/builtin/fixes.hpp"

namespace tidegate::hooks::builtin {

bool finds(void (*check)(const File&, Problems&), const File& file) {
    if (file.link || file.size > file.content.size()) return false;
    Problems problems;
    check(file, problems);
    return !problems.empty();
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
