#include "hooks/builtin/toml_word.hpp"

namespace tidegate::hooks::builtin {

namespace {

// Dates, times and numbers: a word is cut out first and judged as a whole.
class Word {
  public:
    explicit Word(std::string_view text) : text_(text) {}

    [[nodiscard]] bool is_value() {
        return text_ == "true" || text_ == "false" || is_number() || is_time_or_date();
    }

  private:
    [[nodiscard]] static bool digits(std::string_view text, bool (*allowed)(char)) {
        bool before = false;  // a digit: what an underscore stands between
        for (size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '_') {
                if (!before || i + 1 == text.size()) return false;
                before = false;
            } else {
                if (!allowed(text[i])) return false;
                before = true;
            }
        }
        return before;
    }

    [[nodiscard]] bool is_number() const {
        auto text = text_;
        if (text.starts_with("0x")) return digits(text.substr(2), is_hex);
        if (text.starts_with("0o"))
            return digits(text.substr(2), [](char c) { return c >= '0' && c <= '7'; });
        if (text.starts_with("0b"))
            return digits(text.substr(2), [](char c) { return c == '0' || c == '1'; });
        if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
        if (text == "inf" || text == "nan") return true;
        const auto exponent_at = text.find_first_of("eE");
        auto mantissa = text.substr(0, exponent_at);
        if (exponent_at != std::string_view::npos) {
            auto exponent = text.substr(exponent_at + 1);
            if (exponent.starts_with('+') || exponent.starts_with('-')) exponent.remove_prefix(1);
            if (!digits(exponent, is_digit)) return false;
        }
        const auto dot = mantissa.find('.');
        if (dot != std::string_view::npos && !digits(mantissa.substr(dot + 1), is_digit)) return false;
        const auto whole = mantissa.substr(0, dot);
        return digits(whole, is_digit) && (whole.size() == 1 || whole[0] != '0');
    }

    // Exactly `count` digits; -1 where they are not there.
    [[nodiscard]] int number(size_t count) {
        if (at_ + count > text_.size()) return -1;
        int value = 0;
        for (size_t i = 0; i < count; ++i) {
            if (!is_digit(text_[at_ + i])) return -1;
            value = value * 10 + (text_[at_ + i] - '0');
        }
        at_ += count;
        return value;
    }
    [[nodiscard]] bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    [[nodiscard]] bool take_date() {
        const int year = number(4);
        if (year < 0 || !take('-')) return false;
        const int month = number(2);
        if (month < 1 || month > 12 || !take('-')) return false;
        const int day = number(2);
        const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        const int days =
            month == 2 ? (leap ? 29 : 28) : (month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31);
        return day >= 1 && day <= days;
    }
    [[nodiscard]] bool take_hour_minute() {
        const int hour = number(2);
        if (hour < 0 || hour > 23 || !take(':')) return false;
        const int minute = number(2);
        return minute >= 0 && minute <= 59;
    }
    [[nodiscard]] bool take_time() {
        if (!take_hour_minute() || !take(':')) return false;
        const int second = number(2);
        if (second < 0 || second > 60) return false;  // 60: a leap second, as in RFC 3339
        if (!take('.')) return true;
        const auto begin = at_;
        while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
        return at_ > begin;
    }
    [[nodiscard]] bool is_time_or_date() {
        at_ = 0;
        if (text_.size() > 2 && text_[2] == ':') return take_time() && at_ == text_.size();
        if (!take_date()) return false;
        if (at_ == text_.size()) return true;
        if (!take('T') && !take('t') && !take(' ')) return false;
        if (!take_time()) return false;
        if (at_ == text_.size()) return true;
        if (take('Z') || take('z')) return at_ == text_.size();
        if (!take('+') && !take('-')) return false;
        return take_hour_minute() && at_ == text_.size();
    }

    std::string_view text_;
    size_t at_ = 0;
};

}  // namespace

bool is_toml_scalar(std::string_view word) {
    return Word(word).is_value();
}

}  // namespace tidegate::hooks::builtin
