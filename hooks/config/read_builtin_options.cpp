#include "hooks/config/read.hpp"
#include "shared/base/text.hpp"

#include <charconv>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr std::int64_t kMostCharacters = 10'000;

// "500", "500KB" (thousands), "512 KiB" (1024s); nullopt for anything else.
std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc() || number > (1ULL << 50)) return std::nullopt;
    const auto unit = trim(text.substr(static_cast<size_t>(end - text.data())));
    if (unit.empty() || unit == "B") return number;
    if (unit == "KB" || unit == "kB") return number * 1000;
    if (unit == "KiB") return number << 10;
    if (number > (1ULL << 30)) return std::nullopt;
    if (unit == "MB") return number * 1'000'000;
    if (unit == "MiB") return number << 20;
    if (unit == "GB") return number * 1'000'000'000;
    if (unit == "GiB") return number << 30;
    return std::nullopt;
}

void read_size(MapReader& map, std::string_view key, std::uint64_t& size) {
    if (!map.has(key)) return;
    const Value* value = map.any(key);
    const auto parsed = parse_size(value->text());
    if (parsed)
        size = *parsed;
    else
        map.reject(*value, "not a size: `" + escape_foreign(value->text()) + "`", "like 500KB, 1MB, 2GiB");
}

void read_texts(MapReader& map, std::string_view key, std::vector<std::string>& texts) {
    if (map.has(key)) texts = map.texts(key);
}

void read_count(MapReader& map, std::string_view key, size_t& count) {
    const auto fallback = static_cast<std::int64_t>(count);
    count = static_cast<size_t>(map.integer(key, fallback, 0, kMostCharacters));
}

void read_message_rules(MapReader& map, builtin::MessageRules& rules) {
    map.also_called("subject_max", {"max_length", "length", "max"});
    read_count(map, "subject_max", rules.subject_most);
    read_count(map, "subject_min", rules.subject_least);
    read_count(map, "body_max", rules.body_most);
    rules.blank_second_line = map.boolean("blank_line", rules.blank_second_line);
    rules.conventional = map.boolean("conventional", rules.conventional);
    read_texts(map, "types", rules.types);
    read_texts(map, "scopes", rules.scopes);
    rules.scope_wanted = map.boolean("scope_required", rules.scope_wanted);
    read_texts(map, "pattern", rules.pattern);
    read_texts(map, "forbid", rules.forbidden);
    rules.signed_off = map.boolean("signed_off", rules.signed_off);
    const bool form = !rules.types.empty() || !rules.scopes.empty() || rules.scope_wanted;
    if (form && !rules.conventional)
        if (const Value* place = map.any(!rules.types.empty()    ? "types"
                                         : !rules.scopes.empty() ? "scopes"
                                                                 : "scope_required"))
            map.reject(*place, "types and scopes are those of `conventional: true`");
}

// False: the check has no options.
bool read_options_of(const std::string& check, MapReader& map, builtin::Options& options) {
    if (check == "large-files") {
        map.also_called("max", {"maxkb", "size", "limit"});
        map.also_called("all", {"enforce-all", "enforce_all"});
        read_size(map, "max", options.largest);
        options.also_known = map.boolean("all", options.also_known);
    } else if (check == "mixed-line-endings") {
        options.line_ending = static_cast<builtin::LineEnding>(
            map.choice("fix", {"auto", "lf", "crlf", "no"}, static_cast<size_t>(options.line_ending)));
    } else if (check == "trailing-whitespace") {
        map.also_called("markdown", {"markdown-linebreak-ext", "markdown_linebreak_ext"});
        read_texts(map, "markdown", options.markdown);
        for (auto& ending : options.markdown) {
            if (ending.starts_with('.')) ending.erase(0, 1);
            if (ending.empty() || ending.find_first_of("./") != std::string::npos || ending.starts_with('-'))
                map.reject(*map.any("markdown"), "no ending of a name: `" + escape_foreign(ending) + "`",
                           "like md, or * for all");
        }
    } else if (check == "yaml") {
        options.several_documents = map.boolean("multiple_documents", options.several_documents);
        options.grammar_only = map.boolean("unsafe", options.grammar_only);
    } else if (check == "illegal-names") {
        options.longest_name = static_cast<size_t>(map.integer("max", 255, 1, 255));
        read_texts(map, "forbid", options.forbidden);
    } else if (check == "no-commit-to-branch") {
        map.also_called("branches", {"branch", "pattern"});
        read_texts(map, "branches", options.branches);
    } else if (check == "secrets") {
        read_texts(map, "allow", options.known_tokens);
    } else if (check == "commit-message") {
        read_message_rules(map, options.message);
    } else {
        return false;
    }
    return true;
}

}  // namespace

void read_builtin_options(MapReader& map, const Value& value, const std::string& check,
                          builtin::Options& options) {
    if (value.is(Value::Kind::Null)) return;
    MapReader own(map.document(), value, "`" + check + "`");
    if (!read_options_of(check, own, options))
        return map.reject(value, "`" + check + "` has no options",
                          "with options: large-files mixed-line-endings trailing-whitespace yaml "
                          "illegal-names no-commit-to-branch secrets commit-message");
    if (auto done = own.finish(); !done) map.reject(std::move(done.error()));
}

}  // namespace tidegate::hooks
