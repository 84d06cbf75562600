#include "shared/doc/json.hpp"

#include "shared/base/text.hpp"
#include "shared/doc/value_builder.hpp"
#include "shared/doc/yaml.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_set>

namespace tidegate::shared {

namespace {

using Json = nlohmann::json;

// Builds Values from nlohmann's events. They carry no positions, so a cursor walks over the same tokens; each
// event comes only after its token was found right.
class Builder final : public nlohmann::json_sax<Json> {
  public:
    Builder(std::string_view text, int depth, size_t nodes) : text_(text), depth_(depth), nodes_(nodes) {}

    bool null() override { return scalar(Value(), 4); }
    bool boolean(bool value) override { return scalar(Value(value), value ? 4 : 5); }
    bool number_integer(number_integer_t value) override {
        return scalar(Value(static_cast<std::int64_t>(value)), number_length());
    }
    bool number_unsigned(number_unsigned_t value) override {
        if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max()))
            return refuse("a number that does not fit into 64 bits");
        return scalar(Value(static_cast<std::uint64_t>(value)), number_length());
    }
    bool number_float(number_float_t value, const string_t& written) override {
        if (written.find_first_of(".eE") == string_t::npos)
            return refuse("a number that does not fit into 64 bits");
        if (!std::isfinite(value)) return refuse("a number that is too large");
        return scalar(Value(value), number_length());
    }
    bool string(string_t& value) override {
        if (value.find('\0') != string_t::npos) return refuse("a text with a NUL character");
        Value text(std::move(value));
        text.quoted = true;
        return scalar(std::move(text), 0);
    }
    bool binary(binary_t&) override { return refuse("binary data"); }

    bool start_object(std::size_t) override { return open(Value(Value::Map{})); }
    bool key(string_t& name) override {
        const auto at = token();
        if (name.find('\0') != string_t::npos) return refuse("a key with a NUL character");
        if (!frames_.back().keys.insert(name).second)
            return refuse("duplicate key `" + escape_foreign(name.substr(0, 60)) + "`");
        auto& entry = frames_.back().entry.emplace();
        entry.key = std::move(name);
        std::tie(entry.line, entry.column) = position(at);
        skip_string();
        return true;
    }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(Value(Value::List{})); }
    bool end_array() override { return close(); }

    bool parse_error(std::size_t position, const std::string& last_token,
                     const nlohmann::detail::exception& problem) override {
        // The parser counts the byte it stumbled over, so one back.
        offset_ = std::min(position > 0 ? position - 1 : 0, text_.size());
        if (dynamic_cast<const Json::out_of_range*>(&problem) != nullptr)
            message_ = "a number that is too large";
        else if (offset_ >= text_.size())
            message_ = "not JSON: the text ends too early";
        else
            message_ = "not JSON: unexpected `" + escape_foreign(last_token.substr(0, 40)) + "`";
        return false;
    }

    [[nodiscard]] bool refused() const { return !message_.empty(); }
    [[nodiscard]] const std::string& message() const { return message_; }
    [[nodiscard]] std::pair<int, int> refused_at() { return position(offset_); }
    [[nodiscard]] Value take_root() { return std::move(root_); }

  private:
    struct Frame {
        Value value;
        std::optional<Value::Entry> entry;
        std::unordered_set<std::string> keys;
    };

    bool refuse(std::string message) {
        offset_ = token();
        message_ = std::move(message);
        return false;
    }

    // Where the next token begins.
    size_t token() {
        cursor_ = std::min(text_.find_first_not_of(" \t\r\n,:", cursor_), text_.size());
        return cursor_;
    }
    [[nodiscard]] size_t number_length() {
        const auto begin = token();
        const auto end = text_.find_first_not_of("+-.0123456789eE", begin);
        return (end == std::string_view::npos ? text_.size() : end) - begin;
    }
    void skip_string() {
        for (++cursor_; cursor_ < text_.size() && text_[cursor_] != '"'; ++cursor_)
            if (text_[cursor_] == '\\') ++cursor_;
        ++cursor_;
    }

    // Line and column; asked for in rising order but for errors, so that a whole text costs one pass.
    std::pair<int, int> position(size_t at) {
        if (at < line_scanned_) line_ = 1, line_begin_ = line_scanned_ = 0;
        for (; line_scanned_ < at; ++line_scanned_) {
            if (text_[line_scanned_] != '\n') continue;
            ++line_;
            line_begin_ = line_scanned_ + 1;
        }
        return {line_, static_cast<int>(at - line_begin_) + 1};
    }

    bool scalar(Value value, size_t length) {
        const auto at = token();
        if (value.is(Value::Kind::Text)) {
            skip_string();
        } else {
            ValueBuilder::written(value, std::string(text_.substr(at, length)));
            cursor_ += length;
        }
        std::tie(value.line, value.column) = position(at);
        return place(std::move(value));
    }

    bool open(Value value) {
        if (frames_.size() >= static_cast<size_t>(depth_))
            return refuse("nested deeper than " + std::to_string(depth_) + " levels");
        std::tie(value.line, value.column) = position(token());
        ++cursor_;
        frames_.push_back(Frame{std::move(value), std::nullopt, {}});
        return true;
    }

    bool close() {
        token();
        ++cursor_;
        Value value = std::move(frames_.back().value);
        frames_.pop_back();
        return place(std::move(value));
    }

    bool place(Value value) {
        if (nodes_-- == 0) return refuse("too many values in one text");
        if (frames_.empty()) {
            root_ = std::move(value);
            return true;
        }
        auto& frame = frames_.back();
        if (frame.value.is(Value::Kind::List)) {
            frame.value.push(std::move(value));
            return true;
        }
        frame.entry->value = std::move(value);
        ValueBuilder::append(frame.value, std::move(*frame.entry));
        frame.entry.reset();
        return true;
    }

    std::string_view text_;
    int depth_;
    size_t nodes_;
    size_t cursor_ = 0;
    int line_ = 1;
    size_t line_begin_ = 0;
    size_t line_scanned_ = 0;
    std::vector<Frame> frames_;
    Value root_;
    std::string message_;
    size_t offset_ = 0;
};

struct JsonRefusal {
    std::string message;
    int line = 1;
    int column = 1;
};

tl::expected<Value, JsonRefusal> read(std::string_view text, size_t bytes, int depth, size_t nodes) {
    if (text.size() > bytes)
        return tl::unexpected(JsonRefusal{"longer than " + std::to_string(bytes) + " bytes"});
    if (text.starts_with("\xEF\xBB\xBF"))
        return tl::unexpected(JsonRefusal{"not JSON: begins with a byte order mark"});
    Builder builder(text, depth, nodes);
    try {
        if (Json::sax_parse(text.begin(), text.end(), &builder)) return builder.take_root();
    } catch (const std::exception& exception) {
        return tl::unexpected(JsonRefusal{std::string("not JSON: ") + exception.what()});
    }
    const auto [line, column] = builder.refused_at();
    return tl::unexpected(JsonRefusal{builder.refused() ? builder.message() : "not JSON", line, column});
}

void write_text(std::string& out, std::string_view text) {
    constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
    out += '"';
    while (!text.empty()) {
        const auto c = static_cast<unsigned char>(text.front());
        size_t length = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
        if (c == '"' || c == '\\') {
            out += '\\';
            out += text.front();
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c < 0x20 || c == 0x7F) {
            char buffer[8];
            std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
            out += buffer;
        } else if (length > text.size() || !is_utf8(text.substr(0, length))) {
            out += kReplacement;
            length = 1;
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
    out += '"';
}

void write_real(std::string& out, double number) {
    if (!std::isfinite(number)) {
        out += "null";
        return;
    }
    char buffer[40];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
    const std::string_view text(buffer, static_cast<size_t>(end - buffer));
    out += text;
    if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

// `indent` below 0: all on one line.
void write(std::string& out, const Value& value, int indent) {
    const auto line_break = [&](int level) {
        if (indent < 0) return;
        out += '\n';
        out.append(static_cast<size_t>(level) * 2, ' ');
    };
    const int inner = indent < 0 ? indent : indent + 1;
    switch (value.kind()) {
        case Value::Kind::Null: out += "null"; return;
        case Value::Kind::Bool: out += value.boolean() ? "true" : "false"; return;
        case Value::Kind::Integer: out += std::to_string(value.integer()); return;
        case Value::Kind::Real: write_real(out, value.real()); return;
        case Value::Kind::Text: write_text(out, value.text()); return;
        case Value::Kind::List:
            out += '[';
            for (const auto& item : value.list()) {
                if (&item != &value.list().front()) out += ',';
                line_break(inner);
                write(out, item, inner);
            }
            if (!value.list().empty()) line_break(indent);
            out += ']';
            return;
        case Value::Kind::Map:
            out += '{';
            for (const auto& entry : value.map()) {
                if (&entry != &value.map().front()) out += ',';
                line_break(inner);
                write_text(out, entry.key);
                out += indent < 0 ? ":" : ": ";
                write(out, entry.value, inner);
            }
            if (!value.map().empty()) line_break(indent);
            out += '}';
            return;
    }
}

}  // namespace

Result<Value> parse_json(std::string_view text, const JsonLimits& limits) {
    auto value = read(text, limits.bytes, limits.depth, std::numeric_limits<size_t>::max());
    if (value) return std::move(*value);
    const auto& refusal = value.error();
    return fail(
        Error{ErrorKind::Invalid, refusal.message, {}, Where{{}, refusal.line, refusal.column, {}, 1}, {}});
}

Result<Document> parse_json_document(std::string file, std::string text, const YamlLimits& limits) {
    auto value = read(text, limits.bytes, limits.depth, limits.nodes);
    if (value) return Document(std::move(file), std::move(text), std::move(*value));
    const auto& refusal = value.error();
    const Document place(std::move(file), std::move(text), Value());
    return fail(
        Error{ErrorKind::Invalid, refusal.message, {}, place.where(refusal.line, refusal.column), {}});
}

std::string to_json(const Value& value) {
    std::string out;
    write(out, value, -1);
    return out;
}

std::string to_pretty_json(const Value& value) {
    std::string out;
    write(out, value, 0);
    return out + "\n";
}

}  // namespace tidegate::shared
