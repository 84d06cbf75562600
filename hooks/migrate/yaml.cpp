#include "shared/doc/yaml.hpp"

#include "hooks/migrate/migrate.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <optional>

namespace tidegate::hooks::migrate {

using namespace shared;

namespace {

using Kind = Value::Kind;

bool is_scalar(const Value& value) {
    return !value.is(Kind::List) && !value.is(Kind::Map);
}

std::string scalar_of(const Value& value) {
    if (value.is(Kind::Text)) return yaml_scalar(value.text());
    if (value.is(Kind::Bool)) return value.boolean() ? "true" : "false";
    if (value.is(Kind::Integer)) return std::to_string(value.integer());
    return "~";
}

// Everything in one line: a list of words, a small map.
std::string flow(const Value& value) {
    std::string text;
    if (value.is(Kind::List)) {
        for (const auto& item : value.list()) text += (text.empty() ? "" : ", ") + flow(item);
        return "[" + text + "]";
    }
    if (value.is(Kind::Map)) {
        for (const auto& entry : value.map())
            text += (text.empty() ? "" : ", ") + entry.key + ": " + flow(entry.value);
        return "{" + text + "}";
    }
    text = scalar_of(value);
    constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-";
    const bool plain = text.starts_with('"') || text.find_first_not_of(kPlain) == std::string::npos;
    if (!value.is(Kind::Text) || plain) return text;
    // Whatever a list or map in one line could take for a sign of its own is quoted.
    std::string quoted = "\"";
    for (const char c : value.text()) quoted += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
    return quoted + "\"";
}

bool fits(const std::string& line, size_t indent) {
    return indent + line.size() <= 116 && line.find('\n') == std::string::npos &&
           line.find("\\n") == std::string::npos;
}

// Several lines as they are, behind `|`; nullopt for a text that cannot be written so.
std::optional<std::string> block(const std::string& text, const std::string& before) {
    if (text.find('\n') == std::string::npos || text.find_first_of("\t\r") != std::string::npos)
        return std::nullopt;
    if (text.starts_with(' ') || text.starts_with('\n') || text.ends_with("\n\n")) return std::nullopt;
    for (const char c : text)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f) return std::nullopt;
    std::string lines = text.ends_with('\n') ? "|\n" : "|-\n";
    for (const auto line : lines_of(text))
        lines += (line.empty() ? std::string() : before + "  " + std::string(line)) + "\n";
    return lines;
}

}  // namespace

std::string yaml_scalar(const std::string& text) {
    const bool printable = std::all_of(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
    bool plain = printable && !text.empty() && text.find(": ") == std::string::npos &&
                 text.find(" #") == std::string::npos && text.front() != ' ' && text.back() != ' ' &&
                 text.back() != ':' && text.find_first_of("\"\\") == std::string::npos &&
                 std::string_view("&*!|>'%@`{}[],?:-#~=").find(text.front()) == std::string_view::npos;
    // What the parser takes for a number or a boolean is quoted too.
    if (plain) {
        const auto parsed = parse_yaml("", "a: " + text + "\n");
        const Value* value = parsed ? parsed->root().find("a") : nullptr;
        constexpr std::string_view kOld = " y n yes no on off Y N Yes No On Off YES NO ON OFF ";
        plain = value != nullptr && value->is(Kind::Text) && value->text() == text &&
                kOld.find(" " + text + " ") == std::string_view::npos;
    }
    if (plain) return text;
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        if (c == '\n')
            quoted += "\\n";
        else if (c == '\t')
            quoted += "\\t";
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            quoted += "\\x" + hex(std::string_view(&c, 1));
        else
            quoted += c;
    }
    return quoted + "\"";
}

std::string to_yaml(const Value& map, size_t indent) {
    const std::string before(indent, ' ');
    std::string text;
    for (const auto& entry : map.map()) {
        text += before + entry.key + ":";
        const auto& value = entry.value;
        if (is_scalar(value)) {
            const auto lines = value.is(Kind::Text) ? block(value.text(), before) : std::nullopt;
            text += " " + (lines ? *lines : scalar_of(value) + "\n");
            continue;
        }
        const auto line = flow(value);
        if (fits(line, indent + entry.key.size() + 2)) {
            text += " " + line + "\n";
        } else if (value.is(Kind::Map)) {
            text += "\n" + to_yaml(value, indent + 2);
        } else {
            text += "\n";
            for (const auto& item : value.list()) {
                const auto lines = item.is(Kind::Text) ? block(item.text(), before + "  ") : std::nullopt;
                text += before + "  - " +
                        (lines ? *lines : (is_scalar(item) ? scalar_of(item) : flow(item)) + "\n");
            }
        }
    }
    return text;
}

}  // namespace tidegate::hooks::migrate
