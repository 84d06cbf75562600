#include "hooks/config/pre_commit.hpp"

namespace tidegate::hooks {

Result<std::vector<std::string>> shell_split(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool begun = false;
    char quote = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool blank = std::string_view(" \t\r\n").find(c) != std::string_view::npos;
        if (quote == '\'' || (quote == '"' && c != '\\')) {
            if (c == quote)
                quote = 0;
            else
                word += c;
        } else if (c == '\\' && i + 1 < text.size()) {
            const char next = text[++i];
            if (quote == '"' && next != '"' && next != '\\') word += '\\';
            word += next;
            begun = true;
        } else if (c == '\'' || c == '"') {
            quote = c;
            begun = true;
        } else if (blank) {
            if (begun) words.push_back(std::move(word));
            word.clear();
            begun = false;
        } else {
            word += c;
            begun = true;
        }
    }
    if (quote != 0) return fail(shared::ErrorKind::Invalid, "a quote is left open");
    if (begun) words.push_back(std::move(word));
    return words;
}

}  // namespace tidegate::hooks
