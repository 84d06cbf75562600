#include "hooks/builtin/builtin.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace tidegate::hooks::builtin {

namespace {

constexpr size_t kMostDepth = 10'000;

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
// Bytes of names: what is not ASCII counts as a letter, in any encoding that keeps ASCII.
bool begins_name(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || byte >= 0x80;
}
bool is_name(char c) {
    return begins_name(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}
bool is_forbidden(char c) {
    return static_cast<unsigned char>(c) < 0x20 && !is_blank(c);
}

// Walks a document and keeps nothing but the names of what is open. Entities are never expanded, nothing is
// fetched: a bomb costs as much as its own bytes. Each function that can fail gives false and leaves what is
// wrong, and where, behind.
class Walker {
  public:
    explicit Walker(std::string_view text) : text_(text) {}

    [[nodiscard]] bool document() {
        if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
        const auto begin = at_;
        if (take_declaration_start() && !declaration(begin)) return false;
        if (utf8_ && !shared::is_utf8(text_)) return not_utf8();
        while (at_ < text_.size())
            if (!(open_.empty() ? outside() : inside())) return false;
        if (!open_.empty()) return wrong("<" + std::string(open_.back()) + "> is not closed", opened_.back());
        return root_ || wrong("no element");
    }

    [[nodiscard]] Problem problem(std::string_view path) const {
        const auto before = text_.substr(0, wrong_at_);
        const auto line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
        const auto newline = before.rfind('\n');
        const auto begin = newline == std::string_view::npos ? 0 : newline + 1;
        return {std::string(path), line, static_cast<int>(wrong_at_ - begin) + 1,
                shared::escape_foreign(wrong_)};
    }

  private:
    [[nodiscard]] bool end() const { return at_ >= text_.size(); }
    [[nodiscard]] char peek() const { return end() ? '\0' : text_[at_]; }
    [[nodiscard]] bool take(std::string_view text) {
        if (text_.compare(at_, text.size(), text) != 0) return false;
        at_ += text.size();
        return true;
    }
    bool wrong(std::string what) { return wrong(std::move(what), at_); }
    bool wrong(std::string what, size_t where) {
        wrong_ = std::move(what);
        wrong_at_ = where;
        return false;
    }
    bool blanks() {
        const auto begin = at_;
        while (!end() && is_blank(peek())) ++at_;
        return at_ > begin;
    }
    [[nodiscard]] std::string_view name() {
        const auto begin = at_;
        if (!end() && begins_name(peek()))
            while (!end() && is_name(peek())) ++at_;
        return text_.substr(begin, at_ - begin);
    }
    // Goes behind `mark`.
    [[nodiscard]] bool skip_to(std::string_view mark, std::string_view what, size_t begin) {
        const auto found = text_.find(mark, at_);
        if (found == std::string_view::npos) return wrong(std::string(what) + " is not closed", begin);
        const auto skipped = text_.substr(at_, found - at_);
        if (const auto bad = std::find_if(skipped.begin(), skipped.end(), is_forbidden); bad != skipped.end())
            return wrong("a control character", at_ + static_cast<size_t>(bad - skipped.begin()));
        at_ = found + mark.size();
        return true;
    }

    [[nodiscard]] bool take_declaration_start() {
        return text_.size() > at_ + 5 && is_blank(text_[at_ + 5]) && take("<?xml");
    }
    // version, encoding, standalone, in this order and only the first of them always there.
    [[nodiscard]] bool declaration(size_t begin) {
        const auto from = at_;
        if (!skip_to("?>", "the XML declaration", begin)) return false;
        auto rest = text_.substr(from, at_ - 2 - from);
        if (!take_setting(rest, "version")) return wrong("the XML declaration names no version", begin);
        if (auto encoding = take_setting(rest, "encoding")) {
            for (char& c : *encoding) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
            utf8_ = encoding == "utf-8" || encoding == "utf8" || encoding == "us-ascii";
        }
        (void)take_setting(rest, "standalone");
        const bool over = std::all_of(rest.begin(), rest.end(), is_blank);
        return over ||
               wrong("the XML declaration takes version, encoding and standalone, in this order", begin);
    }
    // A blank, the name, = and a quoted word off the beginning; nullopt, and nothing taken, where it is anything else.
    static std::optional<std::string> take_setting(std::string_view& text, std::string_view name) {
        auto rest = text;
        const auto skip_blanks = [&] {
            const auto before = rest.size();
            while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
            return rest.size() < before;
        };
        if (!skip_blanks() || !rest.starts_with(name)) return std::nullopt;
        rest.remove_prefix(name.size());
        skip_blanks();
        if (!rest.starts_with('=')) return std::nullopt;
        rest.remove_prefix(1);
        skip_blanks();
        if (!rest.starts_with('"') && !rest.starts_with('\'')) return std::nullopt;
        const auto close = rest.find(rest.front(), 1);
        if (close == std::string_view::npos || close == 1) return std::nullopt;
        const auto value = rest.substr(1, close - 1);
        if (!std::all_of(value.begin(), value.end(), is_name)) return std::nullopt;
        text = rest.substr(close + 1);
        return std::string(value);
    }
    bool not_utf8() {
        size_t begin = 0;
        for (const auto line : shared::lines_of(text_)) {
            if (!shared::is_utf8(line)) break;
            begin += line.size() + 1;
        }
        return wrong("not UTF-8, and no other encoding is declared", begin);
    }

    // Before and after the document's element.
    [[nodiscard]] bool outside() {
        if (blanks() && end()) return true;
        const auto begin = at_;
        if (take("<!--")) return comment(begin);
        if (take("<?")) return instruction(begin);
        if (take("<!DOCTYPE")) {
            if (root_ || doctype_) return wrong("DOCTYPE comes once, before the element", begin);
            doctype_ = true;
            return doctype(begin);
        }
        if (peek() != '<') return wrong("text outside of the document's element");
        if (root_) return wrong("a second element: a document has one");
        root_ = true;
        return tag();
    }

    [[nodiscard]] bool inside() {
        const auto begin = at_;
        const char c = peek();
        if (c == '&') return reference();
        if (c != '<') return plain();
        if (take("<!--")) return comment(begin);
        if (take("<![CDATA[")) return skip_to("]]>", "CDATA", begin);
        if (take("<?")) return instruction(begin);
        if (take("</")) return closing(begin);
        return tag();
    }

    [[nodiscard]] bool plain() {
        for (; !end() && peek() != '<' && peek() != '&'; ++at_) {
            if (is_forbidden(peek())) return wrong("a control character");
            if (peek() == ']' && text_.compare(at_, 3, "]]>") == 0) return wrong("]]> in a text");
        }
        return true;
    }

    [[nodiscard]] bool comment(size_t begin) {
        if (!skip_to("--", "this comment", begin)) return false;
        return take(">") || wrong("-- in a comment", at_ - 2);
    }

    [[nodiscard]] bool instruction(size_t begin) {
        const auto target = name();
        if (target.empty()) return wrong("<? wants a name");
        if (target.size() == 3 && (target[0] | 0x20) == 'x' && (target[1] | 0x20) == 'm' &&
            (target[2] | 0x20) == 'l')
            return wrong("the XML declaration comes first, and once", begin);
        return skip_to("?>", "this instruction", begin);
    }

    // The internal subset is passed over; the entities it declares are known afterwards.
    [[nodiscard]] bool doctype(size_t begin) {
        int depth = 0;  // of [ ]
        while (!end()) {
            const auto here = at_;
            if (take("<!--")) {
                if (!comment(here)) return false;
            } else if (take("<!ENTITY")) {
                blanks();
                if (take("%")) outer_ = true;  // parameter entities may declare any other
                blanks();
                entities_.insert(name());
            } else if (peek() == '"' || peek() == '\'') {
                const std::string_view quote = text_.substr(at_++, 1);
                if (!skip_to(quote, "this text", here)) return false;
            } else if (take("SYSTEM") || take("PUBLIC")) {
                if (depth == 0) outer_ = true;
            } else if (take("[")) {
                ++depth;
            } else if (take("]")) {
                --depth;
            } else if (peek() == '>' && depth <= 0) {
                ++at_;
                return true;
            } else {
                ++at_;
            }
        }
        return wrong("DOCTYPE is not closed", begin);
    }

    [[nodiscard]] bool reference() {
        const auto begin = at_++;
        if (take("#")) {
            const bool hex = take("x");
            std::uint32_t code = 0;
            const auto digits = at_;
            for (; !end() && peek() != ';' && at_ - digits < 8; ++at_) {
                const char c = peek();
                std::uint32_t digit = 16;
                if (c >= '0' && c <= '9') digit = static_cast<std::uint32_t>(c - '0');
                if (hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
                    digit = static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
                if (digit >= (hex ? 16U : 10U)) return wrong("not a character reference", begin);
                code = code * (hex ? 16 : 10) + digit;
            }
            const bool valid = (code >= 0x20 || code == 9 || code == 10 || code == 13) && code <= 0x10FFFF &&
                               (code < 0xD800 || code > 0xDFFF) && code != 0xFFFE && code != 0xFFFF;
            if (at_ == digits || !take(";") || !valid) return wrong("not a character reference", begin);
            return true;
        }
        const auto entity = name();
        if (entity.empty() || !take(";")) return wrong("& alone: write &amp;", begin);
        constexpr std::array<std::string_view, 5> kKnown{"amp", "lt", "gt", "quot", "apos"};
        if (std::find(kKnown.begin(), kKnown.end(), entity) != kKnown.end()) return true;
        if (outer_ || entities_.contains(entity)) return true;
        return wrong("entity " + std::string(entity) + " is not declared", begin);
    }

    [[nodiscard]] bool closing(size_t begin) {
        const auto closed = name();
        if (closed != open_.back()) {
            const auto before = text_.substr(0, opened_.back());
            return wrong("</" + std::string(closed) + "> closes <" + std::string(open_.back()) +
                             "> of line " +
                             std::to_string(std::count(before.begin(), before.end(), '\n') + 1),
                         begin);
        }
        blanks();
        if (!take(">")) return wrong("expected >");
        open_.pop_back();
        opened_.pop_back();
        return true;
    }

    [[nodiscard]] bool tag() {
        const auto begin = at_++;
        const auto element = name();
        if (element.empty()) return wrong("< alone: write &lt;", begin);
        std::vector<std::string_view> names;
        for (;;) {
            const bool space = blanks();
            if (take("/>")) return true;
            if (take(">")) break;
            if (end()) return wrong("<" + std::string(element) + "> is not closed", begin);
            if (!space) return wrong("expected a blank, > or />");
            const auto here = at_;
            const auto attribute = name();
            if (attribute.empty()) return wrong("expected an attribute, > or />");
            names.push_back(attribute);
            if (!twice(names)) return wrong("attribute " + std::string(attribute) + " is there twice", here);
            if (!value()) return false;
        }
        if (open_.size() >= kMostDepth) return wrong("nested deeper than 10000 levels", begin);
        open_.push_back(element);
        opened_.push_back(begin);
        return true;
    }

    // Whether the newest is a new one. Tags with many attributes are looked at through a set.
    [[nodiscard]] bool twice(const std::vector<std::string_view>& names) {
        constexpr size_t kFew = 16;
        if (names.size() <= kFew)
            return std::find(names.begin(), names.end() - 1, names.back()) == names.end() - 1;
        if (names.size() == kFew + 1) many_ = std::set<std::string_view>(names.begin(), names.end() - 1);
        return many_.insert(names.back()).second;
    }

    [[nodiscard]] bool value() {
        blanks();
        if (!take("=")) return wrong("expected = after the attribute");
        blanks();
        const char quote = peek();
        if (quote != '"' && quote != '\'') return wrong("expected a quoted value");
        const auto begin = at_++;
        while (!end() && peek() != quote) {
            if (peek() == '<') return wrong("< in a value: write &lt;");
            if (is_forbidden(peek())) return wrong("a control character");
            if (peek() != '&')
                ++at_;
            else if (!reference())
                return false;
        }
        if (end()) return wrong("this value is not closed", begin);
        ++at_;
        return true;
    }

    std::string_view text_;
    size_t at_ = 0;
    bool utf8_ = true;
    bool root_ = false;
    bool doctype_ = false;
    bool outer_ = false;  // declarations we do not see: any entity may be there
    std::set<std::string_view> entities_;
    std::set<std::string_view> many_;
    std::vector<std::string_view> open_;
    std::vector<size_t> opened_;
    std::string wrong_;
    size_t wrong_at_ = 0;
};

bool is_xml(std::string_view path) {
    constexpr std::array<std::string_view, 16> kEndings{
        ".xml",    ".xsd",    ".xsl",    ".xslt",  ".svg",     ".wsdl", ".xhtml",  ".plist",
        ".csproj", ".vbproj", ".fsproj", ".props", ".targets", ".resx", ".nuspec", ".rng"};
    return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) {
        return path.size() > ending.size() && path.ends_with(ending);
    });
}

}  // namespace

// As check-xml: well-formed as XML 1.0 has it. (pugixml reads what is not: a lone &, two elements.)
void xml(const File& file, Problems& problems) {
    if (file.link || file.size > file.content.size() || !is_xml(file.path)) return;
    Walker walker(file.content);
    if (!walker.document()) problems.push_back(walker.problem(file.path));
}

}  // namespace tidegate::hooks::builtin
