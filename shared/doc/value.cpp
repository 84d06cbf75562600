#include "shared/doc/value.hpp"

#include <limits>

namespace tidegate::shared {

Value::Value() = default;
Value::Value(std::nullptr_t) {}
Value::Value(bool value) : kind_(Kind::Bool), bool_(value) {}
Value::Value(int value) : kind_(Kind::Integer), integer_(value) {}
Value::Value(std::int64_t value) : kind_(Kind::Integer), integer_(value) {}
Value::Value(std::uint64_t value) : kind_(Kind::Integer), integer_(static_cast<std::int64_t>(value)) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        *this = Value(static_cast<double>(value));
}
Value::Value(double value) : kind_(Kind::Real), real_(value) {}
Value::Value(const char* text) : kind_(Kind::Text), text_(text) {}
Value::Value(std::string text) : kind_(Kind::Text), text_(std::move(text)) {}
Value::Value(std::string_view text) : kind_(Kind::Text), text_(text) {}
Value::Value(List list) : kind_(Kind::List), list_(std::move(list)) {}
Value::Value(Map map) : kind_(Kind::Map), map_(std::make_unique<Map>(std::move(map))) {}

Value::Value(const Value& other)
    : line(other.line),
      column(other.column),
      quoted(other.quoted),
      kind_(other.kind_),
      bool_(other.bool_),
      integer_(other.integer_),
      real_(other.real_),
      text_(other.text_),
      list_(other.list_),
      map_(other.map_ ? std::make_unique<Map>(*other.map_) : nullptr) {}

Value::Value(Value&&) noexcept = default;

Value& Value::operator=(const Value& other) {
    if (this != &other) *this = Value(other);
    return *this;
}

Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

const Value::Map& Value::map() const {
    static const Map kEmpty;
    return map_ ? *map_ : kEmpty;
}

const Value* Value::find(std::string_view key) const {
    for (const auto& entry : map())
        if (entry.key == key) return &entry.value;
    return nullptr;
}

Value& Value::set(std::string key, Value value) {
    if (!map_) *this = Value(Map{});
    for (auto& entry : *map_) {
        if (entry.key != key) continue;
        entry.value = std::move(value);
        return *this;
    }
    map_->push_back(Entry{std::move(key), std::move(value)});
    return *this;
}

void Value::push(Value value) {
    if (kind_ != Kind::List) *this = Value(List{});
    list_.push_back(std::move(value));
}

bool operator==(const Value& a, const Value& b) {
    if (a.kind_ != b.kind_) return false;
    switch (a.kind_) {
        case Value::Kind::Null: return true;
        case Value::Kind::Bool: return a.bool_ == b.bool_;
        case Value::Kind::Integer: return a.integer_ == b.integer_;
        case Value::Kind::Real: return a.real_ == b.real_;
        case Value::Kind::Text: return a.text_ == b.text_;
        case Value::Kind::List: return a.list_ == b.list_;
        case Value::Kind::Map: break;
    }
    const auto& left = a.map();
    const auto& right = b.map();
    if (left.size() != right.size()) return false;
    for (size_t i = 0; i < left.size(); ++i)
        if (left[i].key != right[i].key || !(left[i].value == right[i].value)) return false;
    return true;
}

std::string_view name_of(Value::Kind kind) {
    switch (kind) {
        case Value::Kind::Null: return "nothing";
        case Value::Kind::Bool: return "true or false";
        case Value::Kind::Integer: return "a whole number";
        case Value::Kind::Real: return "a number";
        case Value::Kind::Text: return "text";
        case Value::Kind::List: return "a list";
        case Value::Kind::Map: return "a map";
    }
    return "nothing";
}

}  // namespace tidegate::shared
