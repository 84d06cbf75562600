#include "shared/doc/yaml_judge.hpp"

#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::shared {

namespace {

// The length of the UTF-8 sequence at the beginning of `text` if it is one that YAML allows (production
// c-printable), otherwise 0. A carriage return only counts with its line feed.
size_t printable(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    if (first == '\t' || first == '\n' || (first >= 0x20 && first < 0x7F)) return 1;
    if (first == '\r') return text.size() > 1 && text[1] == '\n' ? 1 : 0;
    if (first < 0x80) return 0;
    const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    const auto sequence = text.substr(0, length);
    if (sequence.size() < length || !is_utf8(sequence)) return 0;
    if (first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0 && text[1] != '\x85') return 0;
    if (sequence == "\xEF\xBB\xBF" || sequence == "\xEF\xBF\xBE" || sequence == "\xEF\xBF\xBF") return 0;
    return length;
}

Refusal bad_byte(std::string_view text, size_t at) {
    Refusal refusal;
    const auto before = text.substr(0, at);
    for (const char c : before) refusal.line += c == '\n' ? 1 : 0;
    ++refusal.line;
    const auto line_begin = before.rfind('\n');
    refusal.column = static_cast<int>(at - (line_begin == std::string_view::npos ? 0 : line_begin + 1)) + 1;
    const auto rest = text.substr(at);
    const auto byte = static_cast<unsigned char>(rest.front());
    if (byte == 0) {
        refusal.message = "a NUL byte";
    } else if (rest.starts_with("\xEF\xBB\xBF")) {
        refusal.message = "a byte order mark in the middle of the text";
    } else if (byte == '\r') {
        refusal.message = "a carriage return without a line feed";
        refusal.hint = "end lines with a line feed";
    } else if (byte < 0x80 || (byte == 0xC2 && is_utf8(rest.substr(0, 2)))) {
        refusal.message = "a control character (" + escape_foreign(rest.substr(0, byte < 0x80 ? 1 : 2)) + ")";
        refusal.hint = "in a quoted text it can be written as an escape";
    } else {
        refusal.message = "not UTF-8: " + escape_foreign(rest.substr(0, 1));
        refusal.hint = "save the file as UTF-8";
    }
    return refusal;
}

}  // namespace

std::optional<Refusal> judge_bytes(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
        const auto length = printable(text.substr(at));
        if (length == 0) return bad_byte(text, at);
        at += length;
    }
    return std::nullopt;
}

std::optional<Refusal> judge_brackets(std::string_view text, int limit) {
    int line = 1;
    int open = 0;
    char quote = 0;
    bool holds_text = false;  // a line of brackets alone goes on counting on the next
    size_t line_begin = 0;
    for (size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        holds_text |= std::string_view("[]{}, \t\r\n").find(c) == std::string_view::npos;
        if (c == '\n') {
            ++line;
            if (holds_text) open = 0;
            holds_text = false;
            quote = 0;
            line_begin = at + 1;
        } else if (quote != 0) {
            if (c == quote) quote = 0;
        } else if (c == '"') {
            quote = c;
        } else if (c == '[' || c == '{') {
            if (++open > 10 * limit)
                return Refusal{line,
                               static_cast<int>(at - line_begin) + 1,
                               1,
                               "nested deeper than " + std::to_string(limit) + " levels",
                               {}};
        } else if (c == ']' || c == '}') {
            open = std::max(open - 1, 0);
        }
    }
    return std::nullopt;
}

}  // namespace tidegate::shared
