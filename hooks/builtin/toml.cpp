#include "hooks/builtin/builtin.hpp"
#include "hooks/builtin/toml_tables.hpp"
#include "hooks/builtin/toml_word.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks::builtin {

namespace {

constexpr size_t kMostBytes = 4 << 20;
constexpr int kMostDepth = 128;
constexpr size_t kMostKeyParts = 64;

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

// Reads a TOML 1.0 document for its grammar and definitions only. Each function that can fail gives false
// and leaves what is wrong, and where, behind.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    [[nodiscard]] bool document() {
        if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
        while (at_ < text_.size()) {
            blanks();
            if (!end() && peek() != '#' && peek() != '\n' && peek() != '\r')
                if (!(peek() == '[' ? header() : pair(tables_.current(), 0))) return false;
            blanks();
            if (!line_end()) return false;
        }
        return true;
    }

    [[nodiscard]] Problem problem(std::string_view path) const {
        const auto before = text_.substr(0, wrong_at_);
        const auto line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
        const auto newline = before.rfind('\n');
        const auto begin = newline == std::string_view::npos ? 0 : newline + 1;
        return {std::string(path), line, static_cast<int>(wrong_at_ - begin) + 1, wrong_};
    }

  private:
    [[nodiscard]] bool end() const { return at_ >= text_.size(); }
    [[nodiscard]] char peek(size_t ahead = 0) const {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }
    [[nodiscard]] bool take(std::string_view text) {
        if (!text_.substr(at_).starts_with(text)) return false;
        at_ += text.size();
        return true;
    }
    bool wrong(std::string_view what) { return wrong(what, at_); }
    bool wrong(std::string_view what, size_t where) {
        wrong_ = what;
        wrong_at_ = where;
        return false;
    }
    void blanks() {
        while (!end() && (peek() == ' ' || peek() == '\t')) ++at_;
    }
    [[nodiscard]] bool comment() {
        if (peek() != '#' || end()) return true;
        for (; !end() && peek() != '\n'; ++at_) {
            if (peek() == '\r' && peek(1) == '\n') return true;
            if (is_control(peek())) return wrong("a control character in a comment");
        }
        return true;
    }
    [[nodiscard]] bool line_end() {
        if (!comment()) return false;
        if (end() || take("\n") || take("\r\n")) return true;
        return wrong("expected the end of the line");
    }
    // Blanks, newlines and comments, as arrays have them.
    [[nodiscard]] bool space() {
        for (;;) {
            blanks();
            if (!comment()) return false;
            if (!take("\n") && !take("\r\n")) return true;
        }
    }

    [[nodiscard]] bool header() {
        const auto begin = at_;
        const bool list = take("[[");
        if (!list) ++at_;
        TomlTables::Key key;
        if (!this->key(key)) return false;
        if (!take(list ? "]]" : "]")) return wrong(list ? "expected ]]" : "expected ]");
        const auto refused = list ? tables_.append(key) : tables_.open(key);
        return refused.empty() || wrong(refused, begin);
    }

    // With the blanks around it.
    [[nodiscard]] bool key(TomlTables::Key& key) {
        for (;;) {
            blanks();
            std::string part;
            if (peek() == '"' || peek() == '\'') {
                if (take("\"\"\"") || take("'''")) return wrong("a key is one line", at_ - 3);
                if (!(peek() == '"' ? basic(&part) : literal(&part))) return false;
            } else {
                while (!end() && is_bare(peek())) part += text_[at_++];
                if (part.empty()) return wrong("expected a key");
            }
            key.push_back(std::move(part));
            if (key.size() > kMostKeyParts) return wrong("a key of more than 64 parts");
            blanks();
            if (!take(".")) return true;
        }
    }

    [[nodiscard]] bool pair(TomlTables::Table table, int depth) {
        const auto begin = at_;
        TomlTables::Key key;
        if (!this->key(key)) return false;
        if (!take("=")) return wrong("expected = after the key");
        if (const auto refused = tables_.define(table, key); !refused.empty()) return wrong(refused, begin);
        blanks();
        return value(depth);
    }

    [[nodiscard]] bool value(int depth) {
        if (depth > kMostDepth) return wrong("nested deeper than 128 levels");
        if (end() || peek() == '\n' || peek() == '\r' || peek() == '#') return wrong("expected a value");
        if (take("\"\"\"")) return long_basic();
        if (take("'''")) return long_literal();
        if (peek() == '"') return basic(nullptr);
        if (peek() == '\'') return literal(nullptr);
        if (peek() == '[') return array(depth);
        if (peek() == '{') return inline_table(depth);
        return word();
    }

    [[nodiscard]] bool word() {
        const auto begin = at_;
        const auto part_of = [](char c) { return is_bare(c) || c == '+' || c == '.' || c == ':'; };
        while (!end() && part_of(peek())) ++at_;
        // One blank may stand between date and time.
        const bool date = at_ - begin == 10 && text_[begin + 4] == '-' && text_[begin + 7] == '-';
        if (date && peek() == ' ' && is_digit(peek(1)))
            for (++at_; !end() && part_of(peek());) ++at_;
        if (is_toml_scalar(text_.substr(begin, at_ - begin))) return true;
        return wrong("not a value: texts are quoted, numbers and dates follow TOML's grammar", begin);
    }

    [[nodiscard]] bool array(int depth) {
        const auto begin = at_++;
        for (;;) {
            if (!space()) return false;
            if (take("]")) return true;
            if (end()) return wrong("this array is not closed", begin);
            if (!value(depth + 1) || !space()) return false;
            if (take(",")) continue;
            if (take("]")) return true;
            return end() ? wrong("this array is not closed", begin) : wrong("expected , or ]");
        }
    }

    [[nodiscard]] bool inline_table(int depth) {
        const auto begin = at_++;
        const auto table = tables_.inline_table();
        blanks();
        if (take("}")) return true;
        for (;;) {
            blanks();
            if (!pair(table, depth + 1)) return false;
            blanks();
            if (take("}")) return true;
            if (!take(","))
                return end() ? wrong("this table is not closed", begin) : wrong("expected , or }");
        }
    }

    [[nodiscard]] bool escape(std::string* into) {
        const auto begin = at_++;
        const char kind = peek();
        if (!end()) ++at_;
        constexpr std::string_view kKinds = "btnfr\"\\";
        constexpr std::string_view kMeant = "\b\t\n\f\r\"\\";
        if (const auto known = kKinds.find(kind); known != std::string_view::npos) {
            if (into != nullptr) *into += kMeant[known];
            return true;
        }
        if (kind != 'u' && kind != 'U') return wrong("no such escape", begin);
        const size_t digits = kind == 'u' ? 4 : 8;
        std::uint32_t code = 0;
        for (size_t i = 0; i < digits; ++i, ++at_) {
            const char c = peek();
            if (end() || !is_hex(c)) return wrong("\\u wants 4 hex digits, \\U wants 8", begin);
            const auto digit = is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
            code = code << 4 | static_cast<std::uint32_t>(digit);
        }
        if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
            return wrong("not a Unicode character", begin);
        if (into != nullptr) append_utf8(*into, code);
        return true;
    }
    static void append_utf8(std::string& text, std::uint32_t code) {
        const auto byte = [&](std::uint32_t bits) { text += static_cast<char>(bits); };
        if (code < 0x80) {
            byte(code);
        } else if (code < 0x800) {
            byte(0xC0 | code >> 6);
            byte(0x80 | (code & 0x3F));
        } else if (code < 0x10000) {
            byte(0xE0 | code >> 12);
            byte(0x80 | (code >> 6 & 0x3F));
            byte(0x80 | (code & 0x3F));
        } else {
            byte(0xF0 | code >> 18);
            byte(0x80 | (code >> 12 & 0x3F));
            byte(0x80 | (code >> 6 & 0x3F));
            byte(0x80 | (code & 0x3F));
        }
    }

    [[nodiscard]] bool basic(std::string* into) {
        const auto begin = at_++;
        for (;;) {
            if (end() || peek() == '\n') return wrong("this text is not closed", begin);
            if (take("\"")) return true;
            if (peek() == '\\') {
                if (!escape(into)) return false;
                continue;
            }
            if (is_control(peek())) return wrong("a control character in a text");
            if (into != nullptr) *into += peek();
            ++at_;
        }
    }

    [[nodiscard]] bool literal(std::string* into) {
        const auto begin = at_++;
        for (;; ++at_) {
            if (end() || peek() == '\n') return wrong("this text is not closed", begin);
            if (take("'")) return true;
            if (is_control(peek())) return wrong("a control character in a text");
            if (into != nullptr) *into += peek();
        }
    }

    [[nodiscard]] bool is_text_control() const {
        return is_control(peek()) && peek() != '\n' && !(peek() == '\r' && peek(1) == '\n');
    }
    // A quote or two may stand right before the closing three.
    void closing_quotes(char quote) {
        for (int i = 0; i < 2 && peek() == quote; ++i) ++at_;
    }

    [[nodiscard]] bool long_basic() {
        const auto begin = at_ - 3;
        for (;;) {
            if (end()) return wrong("this text is not closed", begin);
            if (take("\"\"\"")) {
                closing_quotes('"');
                return true;
            }
            if (peek() == '\\') {
                if (continued()) continue;
                if (!escape(nullptr)) return false;
                continue;
            }
            if (is_text_control()) return wrong("a control character in a text");
            ++at_;
        }
    }
    // A backslash at a line's end: nothing but blanks after it.
    [[nodiscard]] bool continued() {
        auto at = at_ + 1;
        while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t')) ++at;
        if (at < text_.size() && text_[at] == '\r' && at + 1 < text_.size()) ++at;
        if (at >= text_.size() || text_[at] != '\n') return false;
        at_ = at + 1;
        return true;
    }

    [[nodiscard]] bool long_literal() {
        const auto begin = at_ - 3;
        for (;; ++at_) {
            if (end()) return wrong("this text is not closed", begin);
            if (take("'''")) {
                closing_quotes('\'');
                return true;
            }
            if (is_text_control()) return wrong("a control character in a text");
        }
    }

    std::string_view text_;
    size_t at_ = 0;
    TomlTables tables_;
    std::string wrong_;
    size_t wrong_at_ = 0;
};

// Files that are TOML by another name.
bool is_toml(std::string_view path) {
    const auto name = path.substr(path.rfind('/') + 1);
    return name.ends_with(".toml") || name == "Pipfile" || name == "Cargo.lock" || name == "poetry.lock" ||
           name == "uv.lock" || name == "pdm.lock" || name == "Gopkg.lock";
}

}  // namespace

// As check-toml: TOML 1.0, keys and tables defined once.
void toml(const File& file, Problems& problems) {
    if (file.link || !is_toml(file.path)) return;
    if (file.size > kMostBytes) {
        problems.push_back({std::string(file.path), 0, 0, "over 4 MiB: not read"});
        return;
    }
    if (!shared::is_utf8(file.content)) {
        int number = 1;
        for (const auto line : shared::lines_of(file.content)) {
            if (!shared::is_utf8(line)) break;
            ++number;
        }
        problems.push_back({std::string(file.path), number, 0, "not UTF-8"});
        return;
    }
    Reader reader(file.content);
    if (!reader.document()) problems.push_back(reader.problem(file.path));
}

}  // namespace tidegate::hooks::builtin
