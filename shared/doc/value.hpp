// One document model for what YAML and JSON texts hold, with positions, and what JSON is written from.
// A map keeps its order; its keys are unique (the parsers refuse duplicates).
#pragma once

#include "shared/base/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::shared {

class Value {
  public:
    enum class Kind { Null, Bool, Integer, Real, Text, List, Map };
    using List = std::vector<Value>;
    struct Entry;
    using Map = std::vector<Entry>;

    Value();
    Value(std::nullptr_t);
    Value(bool value);
    Value(int value);
    Value(std::int64_t value);
    Value(std::uint64_t value);
    Value(double value);
    Value(const char* text);
    Value(std::string text);
    Value(std::string_view text);
    Value(List list);
    Value(Map map);
    Value(const Value&);
    Value(Value&&) noexcept;
    Value& operator=(const Value&);
    Value& operator=(Value&&) noexcept;
    ~Value();

    [[nodiscard]] Kind kind() const { return kind_; }
    [[nodiscard]] bool is(Kind kind) const { return kind_ == kind; }
    // Each of these asks for the kind first; on another kind they give the type's empty value.
    [[nodiscard]] bool boolean() const { return bool_; }
    [[nodiscard]] std::int64_t integer() const { return integer_; }
    [[nodiscard]] double real() const {
        return kind_ == Kind::Integer ? static_cast<double>(integer_) : real_;
    }
    // The text of a Text; for a scalar out of YAML also how any other scalar was written ("010", "on",
    // "1e3").
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] const List& list() const { return list_; }
    [[nodiscard]] const Map& map() const;
    // nullptr where this is no map or has no such key.
    [[nodiscard]] const Value* find(std::string_view key) const;
    // Sets or replaces a key; a Null becomes a map.
    Value& set(std::string key, Value value);
    void push(Value value);

    // Where the value begins, and for an entry's key where the key does. Counted from 1; 0 in values made by
    // hand.
    int line = 0;
    int column = 0;
    bool quoted = false;  // YAML: it was a quoted or block scalar, so text without question

    friend bool operator==(const Value& a, const Value& b);  // by content, positions aside

  private:
    friend class ValueBuilder;
    Kind kind_ = Kind::Null;
    bool bool_ = false;
    std::int64_t integer_ = 0;
    double real_ = 0;
    std::string text_;
    List list_;
    std::unique_ptr<Map> map_;
};

struct Value::Entry {
    std::string key;
    Value value;
    int line = 0;  // of the key
    int column = 0;
};

[[nodiscard]] std::string_view name_of(Value::Kind kind);  // "text", "a list", … as messages say it

}  // namespace tidegate::shared
