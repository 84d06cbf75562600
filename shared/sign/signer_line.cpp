#include "shared/sign/signer_line.hpp"

#include "shared/base/text.hpp"

#include <algorithm>
#include <cctype>
#include <ctime>

namespace tidegate::shared {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

class LineParser {
  public:
    LineParser(std::string_view text, int line) : text_(text), line_(line) {}

    Result<AllowedSigner> parse() {
        AllowedSigner signer;
        signer.line = line_;
        const auto names = TRY(principals());
        signer.principals = TRY(patterns(names));
        const bool all_negated = std::all_of(signer.principals.begin(), signer.principals.end(),
                                             [](const std::string& name) { return name.starts_with('!'); });
        if (all_negated) return bad(0, "an entry names at least one principal");
        skip_blanks();
        if (at_ < text_.size() && !at_key()) TRY(options(signer));
        skip_blanks();
        signer.key = TRY(key());
        return signer;
    }

  private:
    [[nodiscard]] tl::unexpected<Error> bad(size_t at, std::string message, std::string hint = {}) const {
        return fail(Error{ErrorKind::Invalid, std::move(message), std::move(hint), std::nullopt, {}}.at(
            Where{{}, line_, static_cast<int>(at) + 1, std::string(text_), 1}));
    }
    void skip_blanks() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    [[nodiscard]] std::string_view word() const {
        const auto end = text_.find_first_of(" \t", at_);
        return text_.substr(at_, end == std::string_view::npos ? end : end - at_);
    }
    [[nodiscard]] bool at_key() const {
        const auto next = word();
        return next.starts_with("ssh-") || next.starts_with("ecdsa-") || next.starts_with("sk-");
    }

    // Quoted whole where a principal has a blank in it.
    Result<std::string_view> principals() {
        if (text_[at_] == '"') return quoted();
        const auto list = word();
        at_ += list.size();
        return list;
    }

    Result<std::string_view> quoted() {
        const auto start = at_;
        const auto close = text_.find('"', at_ + 1);
        if (text_[at_] != '"' || close == std::string_view::npos) return bad(start, "a quote is not closed");
        at_ = close + 1;
        const auto inside = text_.substr(start + 1, close - start - 1);
        if (inside.find('\\') != std::string_view::npos)
            return bad(start, "backslashes are not supported here");
        return inside;
    }

    Result<std::vector<std::string>> patterns(std::string_view list) {
        std::vector<std::string> names;
        for (const auto name : split(list, ',')) {
            if (name.empty()) return bad(at_ - std::min(at_, list.size()), "a name in the list is empty");
            names.emplace_back(name);
        }
        return names;
    }

    Result<void> options(AllowedSigner& signer) {
        bool more = true;
        while (more) {
            const auto start = at_;
            while (at_ < text_.size() && text_[at_] != '=' && text_[at_] != ',' && !is_blank(text_[at_]))
                ++at_;
            std::string name(text_.substr(start, at_ - start));
            std::transform(name.begin(), name.end(), name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            TRY(option(signer, name, start));
            more = at_ < text_.size() && text_[at_] == ',';
            if (more) ++at_;
        }
        if (signer.valid_after && signer.valid_before && *signer.valid_before <= *signer.valid_after)
            return bad(0, "valid-before is not later than valid-after");
        return {};
    }

    Result<void> option(AllowedSigner& signer, const std::string& name, size_t start) {
        if (name == "cert-authority")
            return bad(start, "SSH certificates are not supported: `cert-authority`",
                       "list the people's own keys, one line each");
        const bool known = name == "namespaces" || name == "valid-after" || name == "valid-before";
        if (!known)
            return bad(start, "unknown option or type of key `" + escape_foreign(name) + "`",
                       "options are namespaces=\"…\", valid-after=\"…\", valid-before=\"…\"");
        if (at_ >= text_.size() || text_[at_] != '=') return bad(start, "option `" + name + "` needs =\"…\"");
        ++at_;
        if (at_ >= text_.size() || text_[at_] != '"')
            return bad(at_, "option `" + name + "` needs a quoted value");
        const auto value_at = at_ + 1;
        const auto value = TRY(quoted());
        if (name == "namespaces") {
            if (!signer.namespaces.empty()) return bad(start, "namespaces are given twice");
            signer.namespaces = TRY(patterns(value));
            return {};
        }
        auto& slot = name == "valid-after" ? signer.valid_after : signer.valid_before;
        if (slot) return bad(start, "`" + name + "` is given twice");
        slot = time_of(value);
        if (!slot)
            return bad(value_at, "not a time: `" + escape_foreign(value) + "`",
                       "write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with Z after it for UTC");
        return {};
    }

    static std::optional<WallTime> time_of(std::string_view text) {
        const bool utc = text.ends_with('Z');
        if (utc) text.remove_suffix(1);
        if (text.size() != 8 && text.size() != 12 && text.size() != 14) return std::nullopt;
        if (text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
        const auto number = [&](size_t from, size_t count) {
            int value = 0;
            for (size_t i = from; i < from + count && i < text.size(); ++i)
                value = value * 10 + (text[i] - '0');
            return value;
        };
        std::tm parts{};
        parts.tm_year = number(0, 4) - 1900;
        parts.tm_mon = number(4, 2) - 1;
        parts.tm_mday = number(6, 2);
        parts.tm_hour = number(8, 2);
        parts.tm_min = number(10, 2);
        parts.tm_sec = number(12, 2);
        parts.tm_isdst = -1;
        const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                              std::chrono::month(static_cast<unsigned>(number(4, 2))),
                                              std::chrono::day(static_cast<unsigned>(number(6, 2)))};
        if (!day.ok() || parts.tm_year < 70 || parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 59)
            return std::nullopt;
        const std::time_t seconds = utc ? timegm(&parts) : std::mktime(&parts);
        if (seconds < 0) return std::nullopt;
        return WallTime(std::chrono::seconds(seconds));
    }

    Result<SshPublicKey> key() {
        if (at_ >= text_.size()) return bad(at_, "the public key is missing");
        auto parsed = SshPublicKey::from_text(text_.substr(at_));
        if (!parsed) return bad(at_, parsed.error().message, parsed.error().hint);
        return parsed;
    }

    std::string_view text_;
    int line_;
    size_t at_ = 0;
};

// "*" is any run, "?" any one byte. Linear in practice: only the last star is tried again.
bool matches_pattern(std::string_view pattern, std::string_view word) {
    size_t p = 0;
    size_t w = 0;
    size_t star = std::string_view::npos;
    size_t resume = 0;
    while (w < word.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = w;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == word[w])) {
            ++p;
            ++w;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            w = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

}  // namespace

Result<AllowedSigner> parse_signer_line(std::string_view text, int line) {
    return LineParser(text, line).parse();
}

bool matches_patterns(const std::vector<std::string>& patterns, std::string_view word) {
    bool matched = false;
    for (std::string_view pattern : patterns) {
        const bool negated = pattern.starts_with('!');
        if (negated) pattern.remove_prefix(1);
        if (!matches_pattern(pattern, word)) continue;
        if (negated) return false;
        matched = true;
    }
    return matched;
}

}  // namespace tidegate::shared
