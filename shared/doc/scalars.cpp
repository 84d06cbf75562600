#include "shared/doc/scalars.hpp"

#include "shared/doc/value_builder.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace tidegate::shared {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), text) != names.end();
}

std::string_view without_sign(std::string_view text) {
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    return text;
}

size_t digits_at(std::string_view text, size_t from) {
    size_t count = 0;
    while (from + count < text.size() && is_digit(text[from + count])) ++count;
    return count;
}

bool is_decimal(std::string_view text) {
    const auto digits = without_sign(text);
    return !digits.empty() && std::all_of(digits.begin(), digits.end(), is_digit);
}

bool is_based(std::string_view text, std::string_view prefix, std::string_view digits) {
    return text.size() > prefix.size() && text.starts_with(prefix) &&
           text.find_first_not_of(digits, prefix.size()) == std::string_view::npos;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_real(std::string_view text) {
    const auto rest = without_sign(text);
    size_t at = digits_at(rest, 0);
    size_t digits = at;
    if (at < rest.size() && rest[at] == '.') {
        const auto fraction = digits_at(rest, at + 1);
        digits += fraction;
        at += 1 + fraction;
    }
    if (digits == 0) return false;
    if (at == rest.size()) return true;
    if (rest[at] != 'e' && rest[at] != 'E') return false;
    const auto exponent = without_sign(rest.substr(at + 1));
    return !exponent.empty() && digits_at(exponent, 0) == exponent.size();
}

std::optional<std::int64_t> to_integer(std::string_view text, int base) {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

double to_real(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    static_cast<void>(end);
    if (error == std::errc::result_out_of_range) return std::numeric_limits<double>::infinity();
    return number;
}

std::optional<Value> integer(std::string_view text, std::string_view digits, int base) {
    const auto number = to_integer(digits, base);
    if (!number) return std::nullopt;
    Value value(*number);
    ValueBuilder::written(value, std::string(text));
    return value;
}

Value real(std::string_view text, double number) {
    Value value(number);
    ValueBuilder::written(value, std::string(text));
    return value;
}

}  // namespace

std::optional<Value> resolve_plain(std::string_view text) {
    if (one_of(text, {"null", "Null", "NULL", "~", ""})) return Value();
    if (one_of(text, {"true", "True", "TRUE", "false", "False", "FALSE"})) {
        Value value(text.front() == 't' || text.front() == 'T');
        ValueBuilder::written(value, std::string(text));
        return value;
    }
    if (is_decimal(text)) return integer(text, text, 10);
    if (is_based(text, "0o", "01234567")) return integer(text, text.substr(2), 8);
    if (is_based(text, "0x", "0123456789abcdefABCDEF")) return integer(text, text.substr(2), 16);
    if (is_real(text)) return real(text, to_real(text));
    if (one_of(without_sign(text), {".inf", ".Inf", ".INF"})) {
        constexpr auto kInfinity = std::numeric_limits<double>::infinity();
        return real(text, text.front() == '-' ? -kInfinity : kInfinity);
    }
    if (one_of(text, {".nan", ".NaN", ".NAN"})) return real(text, std::numeric_limits<double>::quiet_NaN());
    return Value(text);
}

bool is_old_boolean(std::string_view text) {
    return one_of(text, {"on", "On", "ON", "off", "Off", "OFF", "yes", "Yes", "YES", "no", "No", "NO"});
}

bool is_simple_number(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    const auto whole = digits_at(text, 0);
    if (whole == 0 || (whole > 1 && text.front() == '0')) return false;
    if (whole == text.size()) return true;
    const auto fraction = text[whole] == '.' ? digits_at(text, whole + 1) : 0;
    return fraction > 0 && whole + 1 + fraction == text.size();
}

}  // namespace tidegate::shared
