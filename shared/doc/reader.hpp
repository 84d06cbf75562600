// Reads a map of a configuration file into our own types, and says exactly what is wrong with it.
// Every key must be asked for; finish() refuses the rest with the nearest known key. The first error wins;
// after it every getter is a no-op and gives its default, so that a reader reads straight through and asks
// once, at the end. Where the document collects errors, reading goes on and every one is put there too.
//
//     MapReader top(document, document.root(), "gates");
//     config.name = top.text("name", Required::Yes);
//     config.timeout = top.duration("timeout", 10min);
//     if (const Value* env = top.map("env")) …
//     TRY(top.finish());
#pragma once

#include "shared/base/clock.hpp"
#include "shared/doc/value.hpp"
#include "shared/doc/yaml.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::shared {

enum class Required { No, Yes };

class MapReader {
  public:
    // `what` names this map in messages ("gates take: name run …"). A value that is no map is the first
    // error.
    MapReader(const Document& document, const Value& value, std::string what);

    [[nodiscard]] bool has(std::string_view key);
    [[nodiscard]] std::string text(std::string_view key, Required required);
    [[nodiscard]] std::string text(std::string_view key, std::string fallback);
    [[nodiscard]] std::optional<std::string> optional_text(std::string_view key);
    [[nodiscard]] bool boolean(std::string_view key, bool fallback);
    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t least,
                                       std::int64_t most);
    [[nodiscard]] double real(std::string_view key, double fallback, double least, double most);
    [[nodiscard]] Duration duration(std::string_view key, Duration fallback);
    [[nodiscard]] Duration duration(std::string_view key, Duration fallback, Duration least, Duration most);
    // One text or a list of texts.
    [[nodiscard]] std::vector<std::string> texts(std::string_view key);
    // A map of scalars; numbers and booleans as they were written. An unquoted on/off/yes/no/null is refused.
    [[nodiscard]] std::map<std::string, std::string> text_map(std::string_view key);
    // One of `names`; gives its index.
    [[nodiscard]] size_t choice(std::string_view key, const std::vector<std::string_view>& names,
                                size_t fallback);
    // nullptr where the key is missing or null, or of another kind (an error then).
    [[nodiscard]] const Value* map(std::string_view key, Required required = Required::No);
    [[nodiscard]] const Value* list(std::string_view key, Required required = Required::No);
    [[nodiscard]] const Value* any(std::string_view key, Required required = Required::No);

    // Puts a checked constructor's error at the key's value: top.parsed("url", Url::parse)
    template <typename T>
    [[nodiscard]] std::optional<T> parsed(std::string_view key, Result<T> (*parse)(std::string_view),
                                          Required required = Required::No) {
        const Value* value = scalar(key, required);
        if (value == nullptr) return std::nullopt;
        Result<T> result = parse(value->text());
        if (result) return std::move(*result);
        reject(*value, std::move(result.error()));
        return std::nullopt;
    }

    // Records an error at `value` (kind Invalid, place filled in).
    void reject(const Value& value, std::string message, std::string hint = {});
    void reject(const Value& value, Error error);
    void reject(Error error);  // already placed; from a nested reader
    [[nodiscard]] bool failed() const { return error_.has_value(); }

    // What other tools, or people, call `key`: only to guess what an unknown key was meant to be.
    void also_called(std::string_view key, const std::vector<std::string_view>& elsewhere);

    // Refuses keys nobody asked for; gives the first error (the document's collection has all).
    [[nodiscard]] Result<void> finish();

    [[nodiscard]] const Document& document() const { return document_; }

  private:
    [[nodiscard]] const Value* scalar(std::string_view key, Required required);
    [[nodiscard]] const Value* lookup(std::string_view key, Required required);
    [[nodiscard]] std::vector<Error> unknown_keys() const;
    void collect(const Error& error) const;

    const Document& document_;
    const Value& value_;
    std::string what_;
    [[nodiscard]] std::string_view meant_by(std::string_view word) const;
    std::vector<std::string> known_;
    std::vector<std::pair<std::string, std::string>> synonyms_;
    std::optional<Error> error_;
    bool missing_ = false;  // error_ says that a key is missing
};

}  // namespace tidegate::shared
