#include "hooks/builtin/builtin.hpp"
#include "shared/base/text.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <sstream>

namespace tidegate::hooks::builtin {

namespace {

// What YAML itself names (`!!str`); any other tag means something to one program only.
bool is_known_tag(std::string_view tag) {
    constexpr std::string_view kOwn = "tag:yaml.org,2002:";
    constexpr std::array<std::string_view, 13> kNames{"null",      "bool", "int",   "float", "binary",
                                                      "timestamp", "omap", "pairs", "set",   "str",
                                                      "seq",       "map",  "merge"};
    if (tag.empty() || tag == "?" || tag == "!") return true;
    return tag.starts_with(kOwn) &&
           std::find(kNames.begin(), kNames.end(), tag.substr(kOwn.size())) != kNames.end();
}

// Takes every event and keeps only the keys of open maps: aliases cost nothing, and nothing is built. yaml-cpp takes
// the end of the text for the end of a quoted text, and what is left over behind a document for documents without end:
// both end the parse here.
class Events final : public YAML::EventHandler {
  public:
    Events(const File& file, std::string_view text, Problems& problems)
        : file_(file), text_(text), problems_(problems) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        // A stray comma is given again and again.
        const bool again = documents_ > 0 && mark.pos == began_;
        began_ = mark.pos;
        if (++documents_ == 1) return;
        if (again || !begins_document(mark))
            throw YAML::ParserException(mark, "neither a document nor its end");
        if (documents_ == 2 && !file_.options->several_documents)
            add(mark, "a second document begins (`multiple_documents: true` allows them)");
    }
    void OnDocumentEnd() override { open_.clear(); }
    void OnNull(const YAML::Mark&, YAML::anchor_t) override { node(); }
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override { node(); }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  const std::string& text) override {
        judge_tag(mark, tag);
        if (tag == "!") last_quoted_ = mark;
        if (!open_.empty() && open_.back().at_key && !open_.back().keys.insert(text).second && text != "<<")
            add(mark, "a key twice in one map: " + shared::escape_foreign(text));
        node();
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        judge_tag(mark, tag);
        node();
        open_.push_back({});
    }
    void OnSequenceEnd() override { open_.pop_back(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        judge_tag(mark, tag);
        node();
        open_.push_back({.map = true, .at_key = true});
    }
    void OnMapEnd() override { open_.pop_back(); }

    // It can only be the last one.
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
        throw YAML::ParserException(*last_quoted_, "a quote that is never closed");
    }

  private:
    struct Level {
        bool map = false;
        bool at_key = false;
        std::set<std::string> keys = {};
    };

    // A document but the first begins with `---`, or follows a line of `...`.
    [[nodiscard]] bool begins_document(const YAML::Mark& mark) const {
        const auto at = std::min(static_cast<size_t>(mark.pos), text_.size());
        if (mark.column == 0 && text_.substr(at).starts_with("---")) return true;
        auto before = text_.substr(0, at - std::min(at, static_cast<size_t>(mark.column)));
        while (!before.empty()) {
            before.remove_suffix(1);  // the line's end
            const auto newline = before.rfind('\n');
            const auto line = before.substr(newline == std::string_view::npos ? 0 : newline + 1);
            if (line.starts_with("...")) return true;
            const auto text = shared::trim(line);
            if (!text.empty() && text.front() != '#' && text.front() != '%') return false;
            before.remove_suffix(line.size());
        }
        return false;
    }

    // In a map keys and values take turns.
    void node() {
        if (!open_.empty() && open_.back().map) open_.back().at_key = !open_.back().at_key;
    }
    void judge_tag(const YAML::Mark& mark, const std::string& tag) {
        if (!is_known_tag(tag))
            add(mark,
                "not a tag of YAML's own: " + shared::escape_foreign(tag) + " (`unsafe: true` takes any)");
    }
    void add(const YAML::Mark& mark, std::string what) {
        if (!file_.options->grammar_only)
            problems_.push_back({std::string(file_.path), mark.line + 1, mark.column + 1, std::move(what)});
    }

    const File& file_;
    std::string_view text_;
    Problems& problems_;
    std::vector<Level> open_;
    std::optional<YAML::Mark> last_quoted_;
    int documents_ = 0;
    int began_ = 0;
};

// Bytes that YAML does not have; yaml-cpp would take some for others, and 0x04 for the end.
bool has_foreign_bytes(const File& file, std::string_view text, Problems& problems) {
    int number = 0;
    for (const auto line : shared::lines_of(text)) {
        ++number;
        const bool plain = shared::is_utf8(line);
        const auto control = std::find_if(line.begin(), line.end(), [](char c) {
            return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == 0x7f;
        });
        if (plain && control == line.end()) continue;
        const auto column = plain ? static_cast<int>(control - line.begin()) + 1 : 0;
        problems.push_back(
            {std::string(file.path), number, column, plain ? "a control character" : "not UTF-8"});
        return true;
    }
    return false;
}

}  // namespace

// As check-yaml. Our own stricter reading is for our own files.
void yaml(const File& file, Problems& problems) {
    if (file.link || !(file.path.ends_with(".yaml") || file.path.ends_with(".yml"))) return;
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    const auto text = file.content.substr(file.content.starts_with(kMark) ? kMark.size() : 0);
    if (has_foreign_bytes(file, text, problems)) return;
    try {
        std::istringstream input{std::string(text)};
        YAML::Parser parser(input);
        Events events(file, text, problems);
        while (parser.HandleNextDocument(events)) {
        }
        events.refuse_unclosed_quote();
    } catch (const YAML::Exception& error) {
        problems.push_back({std::string(file.path), error.mark.line + 1, error.mark.column + 1, error.msg});
    }
}

}  // namespace tidegate::hooks::builtin
