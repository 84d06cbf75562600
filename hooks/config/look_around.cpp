#include "hooks/config/look_around.hpp"

#include <string_view>

namespace tidegate::hooks {

namespace {

constexpr size_t kNone = std::string::npos;

// Where each character of a top-level group or class is skipped: calls `at_top(i)` for every place outside of both.
// False where brackets do not match.
template <typename AtTop>
bool walk(std::string_view text, AtTop at_top) {
    size_t depth = 0;
    bool in_class = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (depth == 0 && !in_class) at_top(i);
        if (c == '\\') {
            ++i;
        } else if (in_class) {
            in_class = c != ']';
        } else if (c == '[') {
            in_class = true;
        } else if (c == '(') {
            ++depth;
        } else if (c == ')' && depth-- == 0) {
            return false;
        }
    }
    return depth == 0 && !in_class;
}

bool has_alternatives(std::string_view text) {
    bool found = false;
    const bool sound = walk(text, [&](size_t i) { found = found || text[i] == '|'; });
    return found || !sound;
}

// The place of the ) that closes the group at `open`.
size_t end_of_group(std::string_view text, size_t open) {
    size_t next = kNone;
    const auto rest = text.substr(open);
    (void)walk(rest, [&](size_t i) { next = i > 0 && next == kNone ? i : next; });
    if (next != kNone) return open + next - 1;
    return text.ends_with(')') ? text.size() - 1 : kNone;
}

bool is_quantifier(std::string_view text, size_t at) {
    return at < text.size() && std::string_view("*+?{").find(text[at]) != std::string_view::npos;
}

// How long what stands for itself at `at` is: "a", "\."; 0 where it is something else, or may come more than once.
size_t literal_at(std::string_view text, size_t at) {
    if (at >= text.size()) return 0;
    const char c = text[at];
    const bool escaped = c == '\\' && at + 1 < text.size();
    const char shown = escaped ? text[at + 1] : c;
    const bool word = (shown >= 'a' && shown <= 'z') || (shown >= 'A' && shown <= 'Z') ||
                      (shown >= '0' && shown <= '9') || shown == '_';
    const bool plain =
        escaped ? !word : std::string_view("[](){}|*+?.\\^$").find(c) == std::string_view::npos;
    const size_t size = escaped ? 2 : 1;
    return plain && !is_quantifier(text, at + size) ? size : 0;
}

bool take_ahead(PlainExpression& plain) {
    auto& text = plain.wanted;
    size_t at = 1;
    while (const auto size = literal_at(text, at)) at += size;
    if (std::string_view(text).substr(at).substr(0, 3) != "(?!") return false;
    const auto end = end_of_group(text, at);
    if (end == kNone || is_quantifier(text, end + 1)) return false;
    plain.unwanted.push_back(text.substr(0, at) + "(?:" + text.substr(at + 3, end - at - 3) + ")");
    text.erase(at, end + 1 - at);
    return true;
}

bool take_behind(PlainExpression& plain) {
    auto& text = plain.wanted;
    size_t open = kNone;
    (void)walk(text, [&](size_t i) {
        if (std::string_view(text).substr(i).substr(0, 4) == "(?<!") open = i;
    });
    const auto end = open == kNone ? kNone : end_of_group(text, open);
    if (end == kNone) return false;
    auto at = end + 1;
    while (const auto size = literal_at(text, at)) at += size;
    if (at + 1 != text.size() || text[at] != '$') return false;
    plain.unwanted.push_back("(?:" + text.substr(open + 4, end - open - 4) + ")" + text.substr(end + 1));
    text.erase(open, end + 1 - open);
    return true;
}

}  // namespace

PlainExpression without_looking_around(std::string pattern) {
    PlainExpression plain{std::move(pattern)};
    if (has_alternatives(plain.wanted)) return plain;
    if (plain.wanted.starts_with('^'))
        while (take_ahead(plain)) {
        }
    while (take_behind(plain)) {
    }
    return plain;
}

}  // namespace tidegate::hooks
