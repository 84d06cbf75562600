#include "shared/doc/reader.hpp"

#include "shared/base/text.hpp"
#include "shared/doc/scalars.hpp"

#include <algorithm>

namespace tidegate::shared {

namespace {

// Keys and values come from outside: shown escaped and cut.
std::string shown(std::string_view text) {
    constexpr size_t kLongest = 60;
    auto safe = escape_foreign(text.substr(0, kLongest));
    if (text.size() > kLongest) safe += "…";
    return "`" + safe + "`";
}

std::string list_of(const std::vector<std::string>& names) {
    return join(names, " ");
}

int width_of(const Value& value) {
    if (value.is(Value::Kind::List) || value.is(Value::Kind::Map)) return 1;
    const auto line = value.text().substr(0, value.text().find('\n'));
    return static_cast<int>(std::min<size_t>(line.size() + (value.quoted ? 2 : 0), 400));
}

// Why a scalar is not surely the text it looks like: nullopt where it is.
std::optional<Error> doubt_about_text(const Value& value) {
    const auto problem = [&](std::string message) {
        return Error{ErrorKind::Invalid,
                     std::move(message),
                     "quote it: \"" + escape_foreign(value.text()) + "\"",
                     std::nullopt,
                     {}};
    };
    switch (value.kind()) {
        case Value::Kind::Text:
            if (!value.quoted && is_old_boolean(value.text()))
                return problem(shown(value.text()) +
                               " is a boolean to some readers of YAML and text to others");
            return std::nullopt;
        case Value::Kind::Bool:
            return problem("a text is needed, and " + shown(value.text()) + " is a boolean");
        case Value::Kind::Integer:
        case Value::Kind::Real:
            return problem("a text is needed, and " + shown(value.text()) + " is a number");
        case Value::Kind::Null:
        case Value::Kind::List:
        case Value::Kind::Map: break;
    }
    return Error{ErrorKind::Invalid,
                 "a text is needed, not " + std::string(name_of(value.kind())),
                 {},
                 std::nullopt,
                 {}};
}

// The same where numbers and booleans are taken as they were written.
std::optional<Error> doubt_about_scalar(const Value& value) {
    const bool number = value.is(Value::Kind::Integer) || value.is(Value::Kind::Real);
    if (number && !is_simple_number(value.text()))
        return Error{ErrorKind::Invalid,
                     shown(value.text()) + " is read differently by different readers of YAML",
                     "quote it: \"" + escape_foreign(value.text()) + "\"",
                     std::nullopt,
                     {}};
    if (number || value.is(Value::Kind::Bool)) return std::nullopt;
    return doubt_about_text(value);
}

bool is_same(const Error& a, const Error& b) {
    if (a.message != b.message || a.where.has_value() != b.where.has_value()) return false;
    return !a.where || (a.where->line == b.where->line && a.where->column == b.where->column);
}

}  // namespace

MapReader::MapReader(const Document& document, const Value& value, std::string what)
    : document_(document), value_(value), what_(std::move(what)) {
    if (!value.is(Value::Kind::Map))
        reject(value, what_ + " must be a map, not " + std::string(name_of(value.kind())),
               "write it as `key: value` lines");
}

const Value* MapReader::lookup(std::string_view key, Required required) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
    if (failed() && document_.errors() == nullptr) return nullptr;
    const Value* value = value_.find(key);
    if (value != nullptr && !value->is(Value::Kind::Null)) return value;
    if (required == Required::No) return nullptr;
    if (value != nullptr) {
        reject(*value, "`" + std::string(key) + "` has no value");
        return nullptr;
    }
    reject(value_, "missing key `" + std::string(key) + "`", "add `" + std::string(key) + ": …`");
    missing_ = true;
    return nullptr;
}

const Value* MapReader::scalar(std::string_view key, Required required) {
    const Value* value = lookup(key, required);
    if (value == nullptr) return nullptr;
    if (auto doubt = doubt_about_text(*value)) {
        reject(*value, std::move(*doubt));
        return nullptr;
    }
    return value;
}

bool MapReader::has(std::string_view key) {
    return lookup(key, Required::No) != nullptr;
}

std::string MapReader::text(std::string_view key, Required required) {
    const Value* value = scalar(key, required);
    if (value == nullptr) return {};
    if (required == Required::Yes && value->text().empty())
        reject(*value, "`" + std::string(key) + "` is empty");
    return value->text();
}

std::string MapReader::text(std::string_view key, std::string fallback) {
    const Value* value = scalar(key, Required::No);
    return value == nullptr ? std::move(fallback) : value->text();
}

std::optional<std::string> MapReader::optional_text(std::string_view key) {
    const Value* value = scalar(key, Required::No);
    if (value == nullptr) return std::nullopt;
    return value->text();
}

bool MapReader::boolean(std::string_view key, bool fallback) {
    const Value* value = lookup(key, Required::No);
    if (value == nullptr) return fallback;
    if (value->is(Value::Kind::Bool)) return value->boolean();
    const bool old = value->is(Value::Kind::Text) && !value->quoted && is_old_boolean(value->text());
    const auto said = value->text().empty() ? std::string(name_of(value->kind())) : shown(value->text());
    reject(*value, "`" + std::string(key) + "` is true or false, not " + said,
           old ? "write true or false: YAML 1.2 has no other booleans" : "write true or false, unquoted");
    return fallback;
}

std::int64_t MapReader::integer(std::string_view key, std::int64_t fallback, std::int64_t least,
                                std::int64_t most) {
    const Value* value = lookup(key, Required::No);
    if (value == nullptr) return fallback;
    if (!value->is(Value::Kind::Integer) || (!value->text().empty() && !is_simple_number(value->text()))) {
        const auto said = value->text().empty() ? std::string(name_of(value->kind())) : shown(value->text());
        reject(*value, "`" + std::string(key) + "` is a whole number, not " + said,
               "write it in decimal digits, without quotes and without a leading zero");
        return fallback;
    }
    if (value->integer() < least || value->integer() > most) {
        reject(*value, "`" + std::string(key) + "` is from " + std::to_string(least) + " to " +
                           std::to_string(most) + ", not " + std::to_string(value->integer()));
        return fallback;
    }
    return value->integer();
}

double MapReader::real(std::string_view key, double fallback, double least, double most) {
    const Value* value = lookup(key, Required::No);
    if (value == nullptr) return fallback;
    const bool number = value->is(Value::Kind::Integer) || value->is(Value::Kind::Real);
    if (!number || (!value->text().empty() && !is_simple_number(value->text()))) {
        const auto said = value->text().empty() ? std::string(name_of(value->kind())) : shown(value->text());
        reject(*value, "`" + std::string(key) + "` is a number, not " + said, "write it in decimal digits");
        return fallback;
    }
    if (!(value->real() >= least && value->real() <= most)) {
        reject(*value, "`" + std::string(key) + "` is out of range: " + shown(value->text()));
        return fallback;
    }
    return value->real();
}

Duration MapReader::duration(std::string_view key, Duration fallback) {
    return duration(key, fallback, Duration::min(), Duration::max());
}

Duration MapReader::duration(std::string_view key, Duration fallback, Duration least, Duration most) {
    const Value* value = lookup(key, Required::No);
    if (value == nullptr) return fallback;
    if (value->is(Value::Kind::List) || value->is(Value::Kind::Map) || value->is(Value::Kind::Bool)) {
        reject(*value, "`" + std::string(key) + "` is a duration, not " + std::string(name_of(value->kind())),
               "write digits and a unit: 30s, 5m, 1h30m");
        return fallback;
    }
    auto parsed = parse_duration(value->text());
    if (!parsed) {
        reject(*value, std::move(parsed.error()));
        return fallback;
    }
    if (*parsed < least || *parsed > most) {
        reject(*value, "`" + std::string(key) + "` is from " + human_duration(least) + " to " +
                           human_duration(most) + ", not " + shown(value->text()));
        return fallback;
    }
    return *parsed;
}

std::vector<std::string> MapReader::texts(std::string_view key) {
    const Value* value = lookup(key, Required::No);
    if (value == nullptr) return {};
    std::vector<std::string> texts;
    bool good = true;
    const auto take = [&](const Value& item) {
        auto doubt = doubt_about_text(item);
        good = good && !doubt;
        if (doubt)
            reject(item, std::move(*doubt));
        else
            texts.push_back(item.text());
    };
    if (value->is(Value::Kind::List)) {
        for (const auto& item : value->list()) take(item);
    } else {
        take(*value);
    }
    return good ? texts : std::vector<std::string>{};
}

std::map<std::string, std::string> MapReader::text_map(std::string_view key) {
    const Value* value = map(key);
    if (value == nullptr) return {};
    std::map<std::string, std::string> texts;
    for (const auto& entry : value->map()) {
        if (auto doubt = doubt_about_scalar(entry.value))
            reject(entry.value, std::move(*doubt));
        else
            texts.emplace(entry.key, entry.value.text());
    }
    return failed() ? std::map<std::string, std::string>{} : texts;
}

size_t MapReader::choice(std::string_view key, const std::vector<std::string_view>& names, size_t fallback) {
    const Value* value = lookup(key, Required::No);
    if (value == nullptr) return fallback;
    // `off` is a choice that some keys offer; here it cannot be mistaken for anything else.
    const auto found =
        value->is(Value::Kind::Text) ? std::find(names.begin(), names.end(), value->text()) : names.end();
    if (found != names.end()) return static_cast<size_t>(found - names.begin());
    std::string offered;
    for (const auto name : names) offered += (offered.empty() ? "" : " ") + std::string(name);
    const auto near = nearest(value->text(), names);
    const auto said = value->text().empty() ? std::string(name_of(value->kind())) : shown(value->text());
    reject(*value, "`" + std::string(key) + "` cannot be " + said,
           (near.empty() ? "" : "did you mean `" + std::string(near) + "`? ") + "it is one of: " + offered);
    return fallback;
}

const Value* MapReader::map(std::string_view key, Required required) {
    const Value* value = lookup(key, required);
    if (value == nullptr || value->is(Value::Kind::Map)) return value;
    reject(*value, "`" + std::string(key) + "` must be a map, not " + std::string(name_of(value->kind())));
    return nullptr;
}

const Value* MapReader::list(std::string_view key, Required required) {
    const Value* value = lookup(key, required);
    if (value == nullptr || value->is(Value::Kind::List)) return value;
    reject(*value, "`" + std::string(key) + "` must be a list, not " + std::string(name_of(value->kind())),
           "write it as `- …` lines or [ … ]");
    return nullptr;
}

const Value* MapReader::any(std::string_view key, Required required) {
    return lookup(key, required);
}

void MapReader::reject(const Value& value, std::string message, std::string hint) {
    reject(value, Error{ErrorKind::Invalid, std::move(message), std::move(hint), std::nullopt, {}});
}

void MapReader::reject(const Value& value, Error error) {
    if (failed() && document_.errors() == nullptr) return;
    error.kind = ErrorKind::Invalid;
    error.where = document_.where(value, width_of(value));
    reject(std::move(error));
}

void MapReader::reject(Error error) {
    collect(error);
    if (!failed()) error_ = std::move(error);
}

// Once each: an error passes through the readers of all the maps around it.
void MapReader::collect(const Error& error) const {
    constexpr size_t kMost = 100;
    auto* all = document_.errors();
    if (all == nullptr || all->size() >= kMost) return;
    const bool known =
        std::any_of(all->begin(), all->end(), [&](const Error& other) { return is_same(error, other); });
    if (!known) all->push_back(error);
}

void MapReader::also_called(std::string_view key, const std::vector<std::string_view>& elsewhere) {
    for (const auto word : elsewhere) synonyms_.emplace_back(word, key);
}

// The known key that is nearest, by its letters or by what other tools call it.
std::string_view MapReader::meant_by(std::string_view word) const {
    std::vector<std::string_view> names(known_.begin(), known_.end());
    for (const auto& [synonym, key] : synonyms_) names.push_back(synonym);
    const auto near = nearest(word, names);
    for (const auto& [synonym, key] : synonyms_)
        if (near == synonym) return key;
    return near;
}

std::vector<Error> MapReader::unknown_keys() const {
    std::vector<Error> unknown;
    for (const auto& entry : value_.map()) {
        if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
        const auto near = meant_by(entry.key);
        Error error{ErrorKind::Invalid, "unknown key " + shown(entry.key), {}, std::nullopt, {}};
        if (!near.empty()) error.hint = "did you mean `" + std::string(near) + "`? ";
        error.hint += what_ + (what_.front() == '`' || what_.starts_with("a ") ? " takes: " : " take: ") +
                      list_of(known_);
        error.where = document_.where(entry.line, entry.column, static_cast<int>(entry.key.size()));
        unknown.push_back(std::move(error));
        if (document_.errors() == nullptr) break;
    }
    return unknown;
}

Result<void> MapReader::finish() {
    const auto unknown =
        failed() && !missing_ && document_.errors() == nullptr ? std::vector<Error>() : unknown_keys();
    // A key that is missing because it was misspelt is better told of as the misspelling.
    if (!unknown.empty() && missing_) {
        if (auto* all = document_.errors())
            std::erase_if(*all, [&](const Error& error) { return is_same(error, *error_); });
        error_.reset();
    }
    for (const auto& error : unknown) reject(error);
    if (failed()) return fail(std::move(*error_));
    return {};
}

}  // namespace tidegate::shared
