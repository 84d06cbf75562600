// One pass over yaml-cpp's events. yaml-cpp by itself accepts duplicate keys, alias bombs, cycles and tags,
// reads 010 as 8 and takes the byte 0x04 for the end of the text; so the bytes are judged before it sees
// them, and its node tree is never built. Its parser recurses once for each level it announces, so refusing
// a level in the handler bounds the recursion too.
#include "shared/doc/yaml.hpp"

#include "shared/base/text.hpp"
#include "shared/doc/scalars.hpp"
#include "shared/doc/value_builder.hpp"
#include "shared/doc/yaml_anchors.hpp"
#include "shared/doc/yaml_judge.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <optional>
#include <streambuf>
#include <unordered_map>

namespace tidegate::shared {

namespace {

// yaml-cpp reads from a stream; this one is over bytes that somebody else holds.
class ViewBuffer final : public std::streambuf {
  public:
    explicit ViewBuffer(std::string_view text) {
        auto* begin = const_cast<char*>(text.data());
        setg(begin, begin, begin + text.size());
    }
};

class Builder final : public YAML::EventHandler {
  public:
    // `anchors`: where they are taken, nullptr: not at all.
    Builder(std::string_view text, const YamlLimits& limits, Anchors* anchors)
        : text_(text), limits_(limits), anchors_(anchors) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (root_ || !frames_.empty())
            refuse(mark, "a second YAML document begins here",
                   "this file holds one document: remove the `---` line and what follows");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        begin_node(mark, anchor, {});
        if (wants_key()) refuse(mark, "a key must be text", "quote it if it is meant");
        refuse_key_without_colon();
        add(mark, Value(), anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (anchors_ == nullptr) refuse(mark, "aliases (*name) are not taken here", "write the value out");
        const Value* value = anchors_->find(anchor);
        if (value == nullptr) refuse(mark, "an alias within what it stands for", {});
        nodes_ += count_values(*value);
        begin_node(mark, 0, {});
        if (!wants_key()) return place(*value);
        if (!value->is(Value::Kind::Text)) refuse(mark, "a key must be text", {});
        take_key(mark, value->text());
    }
    void OnAnchor(const YAML::Mark& mark, const std::string&) override {
        if (anchors_ == nullptr)
            refuse(mark, "anchors (&name) are not taken here", "write the value out where it is needed");
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& written) override {
        begin_node(mark, anchor, tag);
        if (written.find('\0') != std::string::npos)
            refuse(mark, "a text with a NUL character", "remove the \\0 escape");
        const bool quoted = tag == "!";
        if (quoted) last_quoted_ = mark;
        if (wants_key()) return take_key(mark, written);
        if (quoted) {
            Value value(written);
            value.quoted = true;
            return add(mark, std::move(value), anchor);
        }
        auto value = resolve_plain(written);
        if (!value)
            refuse(mark, "a number that does not fit into 64 bits", "quote it if it is text",
                   static_cast<int>(written.size()));
        add(mark, std::move(*value), anchor);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Value(Value::List{}));
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Value(Value::Map{}));
    }
    void OnMapEnd() override { close(); }

    // yaml-cpp takes the end of the text for the end of a quoted scalar. It can only be the last one.
    void refuse_unclosed_quote() const {
        if (!last_quoted_) return;
        auto at = static_cast<size_t>(last_quoted_->pos);
        const char quote = at < text_.size() ? text_[at] : '|';
        if (quote != '"' && quote != '\'') return;
        for (++at; at < text_.size(); ++at) {
            if (quote == '"' && text_[at] == '\\') {
                ++at;
            } else if (text_[at] == quote) {
                if (quote == '"' || at + 1 == text_.size() || text_[at + 1] != quote) return;
                ++at;
            }
        }
        refuse(*last_quoted_, "a quote that is never closed", {});
    }

    [[nodiscard]] std::optional<Value> take_root() { return std::move(root_); }

  private:
    struct Frame {
        Value value;
        YAML::anchor_t anchor = 0;
        std::optional<Value::Entry> entry{};           // a key that waits for its value
        std::unordered_map<std::string, int> lines{};  // of the keys so far
        std::optional<Value> merged{};                 // of `<<`
    };

    [[noreturn]] static void refuse(const YAML::Mark& mark, std::string message, std::string hint,
                                    int width = 1) {
        throw Refusal{mark.line + 1, mark.column + 1, width, std::move(message), std::move(hint)};
    }

    // `b` alone on a line, and `{b:1}` without the blank, are keys without a value to yaml-cpp.
    void refuse_key_without_colon() const {
        if (frames_.empty() || !frames_.back().entry) return;
        const auto& key = frames_.back().entry->key;
        const auto begin = static_cast<size_t>(key_mark_.pos);
        if (text_.substr(std::min(begin, text_.size()), key.size()) != key)
            return;  // quoted, or on two lines
        const auto next = text_.find_first_not_of(" \t", begin + key.size());
        if (next != std::string_view::npos && text_[next] == ':') return;
        refuse(key_mark_, "`" + escape_foreign(key.substr(0, 60)) + "` has no `: ` after it",
               "write `key: value`, with a blank after the colon", static_cast<int>(key.size()));
    }

    [[nodiscard]] bool wants_key() const {
        return !frames_.empty() && frames_.back().value.is(Value::Kind::Map) && !frames_.back().entry;
    }

    void begin_node(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
        if (++nodes_ > limits_.nodes)
            refuse(mark, "more than " + std::to_string(limits_.nodes) + " values in one file", {});
        if (anchor != 0 && anchors_ == nullptr)
            refuse(mark, "anchors (&name) are not taken here", "write the value out");
        // The explicit non-specific tag "!" and a quoted scalar reach us with the same tag; the text differs.
        const auto at = static_cast<size_t>(mark.pos);
        const bool marked = mark.pos >= 0 && at < text_.size() && text_[at] == '!';
        if (marked || (tag != "" && tag != "?" && tag != "!"))
            refuse(mark, "tags (!name) are not taken here", "remove the tag; quote the value if it is text");
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value value) {
        begin_node(mark, anchor, tag);
        if (wants_key())
            refuse(mark, "a key must be text, not a list or map",
                   "is a closing bracket missing, or something after one?");
        if (frames_.size() >= static_cast<size_t>(limits_.depth))
            refuse(mark, "nested deeper than " + std::to_string(limits_.depth) + " levels", {});
        value.line = mark.line + 1;
        value.column = mark.column + 1;
        frames_.push_back(Frame{std::move(value), anchor});
    }

    void close() {
        Value value = std::move(frames_.back().value);
        const auto anchor = frames_.back().anchor;
        const auto merged = std::move(frames_.back().merged);
        frames_.pop_back();
        if (merged && !merge_into(value, *merged))
            throw Refusal{merged->line, merged->column, 1, "`<<` is for a map, or a list of maps", {}};
        if (anchors_ != nullptr) anchors_->keep(anchor, value);
        place(std::move(value));
    }

    void take_key(const YAML::Mark& mark, const std::string& key) {
        auto& frame = frames_.back();
        const auto [known, fresh] = frame.lines.emplace(key, mark.line + 1);
        if (!fresh)
            refuse(mark, "duplicate key `" + escape_foreign(key.substr(0, 60)) + "`",
                   "it is already on line " + std::to_string(known->second), static_cast<int>(key.size()));
        key_mark_ = mark;
        frame.entry = Value::Entry{key, Value(), mark.line + 1, mark.column + 1};
    }

    void add(const YAML::Mark& mark, Value value, YAML::anchor_t anchor) {
        value.line = mark.line + 1;
        value.column = mark.column + 1;
        if (anchors_ != nullptr) anchors_->keep(anchor, value);
        place(std::move(value));
    }

    void place(Value value) {
        if (frames_.empty()) {
            root_ = std::move(value);
            return;
        }
        auto& frame = frames_.back();
        if (frame.value.is(Value::Kind::List)) return frame.value.push(std::move(value));
        if (anchors_ != nullptr && frame.entry->key == "<<") {
            frame.merged = std::move(value);
            return frame.entry.reset();
        }
        frame.entry->value = std::move(value);
        ValueBuilder::append(frame.value, std::move(*frame.entry));
        frame.entry.reset();
    }

    std::string_view text_;
    const YamlLimits& limits_;
    Anchors* anchors_;
    std::vector<Frame> frames_;
    std::optional<Value> root_;
    std::optional<YAML::Mark> last_quoted_;
    YAML::Mark key_mark_;  // of the last key
    size_t nodes_ = 0;
};

std::string_view line_at(std::string_view text, int line) {
    size_t begin = 0;
    for (int i = 1; i < line; ++i) {
        begin = text.find('\n', begin);
        if (begin == std::string_view::npos) return {};
        ++begin;
    }
    auto end = text.find('\n', begin);
    if (end == std::string_view::npos) end = text.size();
    if (end > begin && text[end - 1] == '\r') --end;
    return text.substr(begin, end - begin);
}

Where place_of(const std::string& file, std::string_view text, int line, int column, int width) {
    constexpr size_t kLongestShown = 400;  // a picture of more than this helps nobody
    Where where{file, line, column, {}, std::max(width, 1)};
    const auto shown = line > 0 ? line_at(text, line) : std::string_view();
    if (shown.size() > kLongestShown) return where;
    where.text = shown;
    const auto room = static_cast<int>(shown.size()) - column + 1;
    where.width = std::clamp(where.width, 1, std::max(room, 1));
    return where;
}

tl::unexpected<Error> refused(const std::string& file, std::string_view text, Refusal refusal) {
    return fail(Error{ErrorKind::Invalid,
                      std::move(refusal.message),
                      std::move(refusal.hint),
                      place_of(file, text, refusal.line, refusal.column, refusal.width),
                      {}});
}

Refusal explain(const YAML::Exception& exception, std::string_view text) {
    Refusal refusal;
    refusal.line = exception.mark.line + 1;
    refusal.column = exception.mark.column + 1;
    refusal.message = "not YAML: " + exception.msg;
    const auto line = line_at(text, refusal.line);
    const auto indent = line.substr(0, line.find_first_not_of(" \t"));
    if (indent.find('\t') != std::string_view::npos) refusal.hint = "indent with spaces, not tabs";
    return refusal;
}

Result<Document> parse(std::string file, std::string text, const YamlLimits& limits, Anchors* anchors) {
    if (text.size() > limits.bytes)
        return fail(Error{ErrorKind::Invalid,
                          "longer than " + std::to_string(limits.bytes) + " bytes",
                          "a configuration file of this size is a mistake",
                          Where{file, 1, 1, {}, 1},
                          {}});
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    if (auto refusal = judge_bytes(text)) return refused(file, text, std::move(*refusal));
    if (auto refusal = judge_brackets(text, limits.depth)) return refused(file, text, std::move(*refusal));
    Builder builder(text, limits, anchors);
    try {
        ViewBuffer buffer(text);
        std::istream stream(&buffer);
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
        builder.refuse_unclosed_quote();
    } catch (Refusal& refusal) {
        return refused(file, text, std::move(refusal));
    } catch (const YAML::Exception& exception) {
        return refused(file, text, explain(exception, text));
    } catch (const std::exception& exception) {
        return refused(file, text, Refusal{1, 1, 1, std::string("not YAML: ") + exception.what(), {}});
    }
    auto root = builder.take_root();
    if (!root || root->is(Value::Kind::Null)) {
        root = Value(Value::Map{});
        root->line = root->column = 1;
    }
    return Document(std::move(file), std::move(text), std::move(*root));
}

}  // namespace

Document::Document(std::string file, std::string text, Value root)
    : file_(std::move(file)), text_(std::move(text)), root_(std::move(root)) {}

Where Document::where(const Value& value, int width) const {
    return where(value.line, value.column, width);
}

Where Document::where(int line, int column, int width) const {
    return place_of(file_, text_, line, column, width);
}

Result<Document> parse_yaml(std::string file, std::string text, const YamlLimits& limits) {
    return parse(std::move(file), std::move(text), limits, nullptr);
}

Result<Document> parse_yaml_with_aliases(std::string file, std::string text, const YamlLimits& limits) {
    Anchors anchors;
    return parse(std::move(file), std::move(text), limits, &anchors);
}

}  // namespace tidegate::shared
