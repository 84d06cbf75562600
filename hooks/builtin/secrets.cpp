#include "hooks/builtin/builtin.hpp"
#include "hooks/builtin/secret_shapes.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>

namespace tidegate::hooks::builtin {

namespace {

constexpr size_t kMostProblems = 50;  // of one file

// The characters a shape may begin with: a word that begins otherwise is left at its first.
constexpr auto kFirst = [] {
    std::array<bool, 256> first{};
    for (const auto& shape : kShapes) first[static_cast<unsigned char>(shape.prefix[0])] = true;
    for (const char c : {'e', 'S'}) first[static_cast<unsigned char>(c)] = true;  // JWT, SendGrid
    return first;
}();
constexpr auto kPart = [] {
    std::array<bool, 256> part{};
    for (unsigned c = 0; c < 256; ++c) {
        const char letter = static_cast<char>(c);
        part[c] = (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
                  (letter >= 'A' && letter <= 'Z') || letter == '_' || letter == '-' || letter == '.';
    }
    return part;
}();

// Examples of manuals, and what people write in the place of a secret: few different characters, or a run.
bool is_placeholder(std::string_view token) {
    std::array<bool, 256> seen{};
    size_t different = 0;
    size_t run = 1;
    size_t longest = 1;
    size_t ladder = 1;  // "abcdef", "123456"
    size_t steps = 1;
    for (size_t i = 0; i < token.size(); ++i) {
        bool& known = seen[static_cast<unsigned char>(token[i])];
        different += known ? 0 : 1;
        known = true;
        if (i == 0) continue;
        run = token[i] == token[i - 1] ? run + 1 : 1;
        longest = std::max(longest, run);
        ladder = token[i] == token[i - 1] + 1 ? ladder + 1 : 1;
        steps = std::max(steps, ladder);
    }
    if (different < std::min<size_t>(8, token.size() / 3) || longest >= 6 || steps >= 8) return true;
    std::string low(token);
    for (char& c : low)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    for (const std::string_view word : {"example", "placeholder", "redacted", "your", "dummy", "changeme"})
        if (low.find(word) != std::string::npos) return true;
    return false;
}

size_t length_of(std::string_view text, Allowed allowed) {
    size_t length = 0;
    while (length < text.size() && allowed(text[length])) ++length;
    return length;
}

struct Found {
    std::string_view what;
    size_t shown = 0;  // bytes of the prefix: all that is ever printed
    size_t size = 0;
};

// header.payload.signature, the first two of which are JSON objects in base64.
Found json_web_token(std::string_view text) {
    const auto header = length_of(text, is_url_safe);
    if (!text.starts_with("eyJ") || header < 12 || !text.substr(header).starts_with(".eyJ")) return {};
    const auto payload = length_of(text.substr(header + 1), is_url_safe);
    const auto body = header + 1 + payload;
    if (payload < 12 || body >= text.size() || text[body] != '.') return {};
    const auto signature = text.substr(body + 1, length_of(text.substr(body + 1), is_url_safe));
    // The example of every tutorial.
    if (signature.size() < 20 || signature.starts_with("SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV")) return {};
    return {"JSON web token", 3, body + 1 + signature.size()};
}

Found sendgrid_key(std::string_view text) {
    constexpr size_t kId = 22;
    constexpr size_t kSecret = 43;
    if (!text.starts_with("SG.") || length_of(text.substr(3), is_url_safe) != kId) return {};
    const auto rest = text.substr(3 + kId);
    if (!rest.starts_with('.') || length_of(rest.substr(1), is_url_safe) != kSecret) return {};
    return {"SendGrid key", 3, 3 + kId + 1 + kSecret};
}

// OpenAI's keys of the first kind have the maker's mark in the middle.
Found openai_key(std::string_view text) {
    constexpr size_t kLength = 48;
    if (!text.starts_with("sk-") || length_of(text.substr(3), is_alnum) != kLength) return {};
    if (text.substr(3, kLength).find(std::string("T3Blb") + "kFJ") == std::string_view::npos) return {};
    return {"OpenAI key", 3, 3 + kLength};
}

// What stands at the beginning of `text`, which a word begins.
Found shape_at(std::string_view text) {
    for (const auto& shape : kShapes) {
        if (!text.starts_with(shape.prefix)) continue;
        auto rest = text.substr(shape.prefix.size());
        auto length = length_of(rest.substr(0, shape.most + 1), shape.allowed);
        while (length > 0 && rest[length - 1] == '.') --length;
        // A longer word is something else.
        if (length < shape.least || length > shape.most) continue;
        if (length < rest.size() && is_word(rest[length])) continue;
        rest = rest.substr(0, length);
        const bool has_digit =
            std::any_of(rest.begin(), rest.end(), [](char c) { return c >= '0' && c <= '9'; });
        if (!has_digit || is_placeholder(rest)) return {};
        return {shape.what, shape.prefix.size(), shape.prefix.size() + length};
    }
    if (auto found = json_web_token(text); found.size > 0) return found;
    if (auto found = openai_key(text); found.size > 0) return found;
    return sendgrid_key(text);
}

// Secrets that look like any base64 or hash: only their usual name tells.
struct Named {
    std::string_view name;  // what it ends with, in small letters, without _ and -
    std::string_view what;
    Allowed allowed;
    size_t length;
    std::string_view tail = {};  // what follows
};
constexpr std::array kNamed{
    Named{"secretaccesskey", "AWS secret key", is_base64, 40},
    Named{"accountkey", "Azure storage key", is_base64, 86, "=="},
    Named{"sharedaccesskey", "Azure access key", is_base64, 43, "="},
    Named{"privatekeyid", "Google service account key's id", is_low_hex, 40},
};

Found named_secret(std::string_view word, std::string_view after) {
    if (word.size() < 10 || std::string_view("yYdD").find(word.back()) == std::string_view::npos) return {};
    std::string name;
    for (const char c : word)
        if (c != '_' && c != '-') name += static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    for (const auto& named : kNamed) {
        if (!name.ends_with(named.name)) continue;
        size_t gap = 0;
        while (gap < after.size() && gap < 16 &&
               std::string_view("\"'`:=>, \t").find(after[gap]) != std::string_view::npos)
            ++gap;
        if (gap == 0) return {};
        const auto value = after.substr(gap, length_of(after.substr(gap, named.length + 1), named.allowed));
        if (value.size() != named.length || is_placeholder(value)) return {};
        if (!after.substr(gap + value.size()).starts_with(named.tail)) return {};
        return {named.what, 0, named.length};
    }
    return {};
}

// What the word before a sign of its own gives away: a secret of Azure's "abc8Q~…", a bot of Telegram's "123456789:AA…".
Found by_its_sign(std::string_view word, std::string_view after) {
    const auto digits = [](char c) { return c >= '0' && c <= '9'; };
    constexpr size_t kBot = 34;
    constexpr size_t kMostOfAzure = 34;
    constexpr size_t kLeastOfAzure = 31;
    if (word.size() == 5 && word[4] == 'Q' && digits(word[3]) && after.starts_with('~')) {
        const auto rest = after.substr(1, kMostOfAzure + 2);
        const auto length = length_of(rest, [](char c) { return is_dotted(c) || c == '~'; });
        if (length >= kLeastOfAzure && length <= kMostOfAzure && !is_placeholder(rest.substr(0, length)))
            return {"Azure client secret", 0, length};
    }
    if (word.size() >= 8 && word.size() <= 10 && std::all_of(word.begin(), word.end(), digits) &&
        after.starts_with(":A")) {
        const auto rest = after.substr(2, kBot + 1);
        const auto length = length_of(rest, is_url_safe);
        if (length == kBot - 1 && !is_placeholder(rest.substr(0, length)))
            return {"Telegram bot token", 0, length};
    }
    return {};
}

// hooks.slack.com/services/T…/B…/…: who has the address can post.
Found slack_webhook(std::string_view word, std::string_view after) {
    constexpr std::string_view kPath = "/services/T";
    if (!word.ends_with("hooks.slack.com") || !after.starts_with(kPath)) return {};
    const auto rest = after.substr(kPath.size());
    const auto length = length_of(rest, [](char c) { return is_alnum(c) || c == '/'; });
    const auto path = rest.substr(0, length);
    if (length < 40 || std::count(path.begin(), path.end(), '/') != 2 || is_placeholder(path)) return {};
    return {"Slack webhook", 0, length};
}

// Line, column and the line's own text of a growing offset.
class Lines {
  public:
    explicit Lines(std::string_view text) : text_(text) {}

    void go_to(size_t at) {
        for (auto next = text_.find('\n', begin_); next < at; next = text_.find('\n', begin_)) {
            begin_ = next + 1;
            ++line_;
        }
    }
    [[nodiscard]] int line() const { return line_; }
    [[nodiscard]] int column(size_t at) const { return static_cast<int>(at - begin_) + 1; }
    // The marks that other tools of this kind use.
    [[nodiscard]] bool allowed() const {
        const auto line = text_.substr(begin_, text_.find('\n', begin_) - begin_).substr(0, 4096);
        return line.find("pragma: allowlist secret") != std::string_view::npos ||
               line.find("gitleaks:allow") != std::string_view::npos;
    }

  private:
    std::string_view text_;
    size_t begin_ = 0;
    int line_ = 1;
};

std::string described(const Found& found, std::string_view token) {
    std::string text = "looks like a " + std::string(found.what) + " (";
    if (std::string_view("aeiouAEIOU").find(found.what[0]) != std::string_view::npos) text.insert(10, "n");
    return text + std::string(token.substr(0, found.shown)) + "..., " + std::to_string(found.size) +
           " characters)";
}

}  // namespace

// Tokens of the usual services, by shapes that nothing else has. The secret itself is never in the message.
// A line that says "pragma: allowlist secret" (or "gitleaks:allow") is let through.
void secrets(const File& file, Problems& problems) {
    constexpr size_t kShortest = 15;  // no shape, and no name we look behind, is shorter
    const auto text = file.content;
    Lines lines(text);
    size_t count = 0;
    for (size_t at = 0; at < text.size() && count < kMostProblems;) {
        if (!kPart[static_cast<unsigned char>(text[at])]) {
            ++at;
            continue;
        }
        const auto begin = at;
        while (at < text.size() && kPart[static_cast<unsigned char>(text[at])]) ++at;
        const auto word = text.substr(begin, at - begin);
        const bool goes_on = at < text.size() && (is_base64(text[at]) || text[at] == '~' || text[at] == ':' ||
                                                  text[at] == '=' || text[at] == '"' || text[at] == ' ');
        if (word.size() < kShortest && !goes_on) continue;
        // A word may hold several, parted by dots: "config.AKIA…".
        for (size_t part = 0; part < word.size();) {
            Found found;
            if (kFirst[static_cast<unsigned char>(word[part])] && word.size() - part >= kShortest)
                found =
                    shape_at(text.substr(begin + part, std::min<size_t>(text.size() - begin - part, kAny)));
            auto where = begin + part;
            if (found.size == 0 && part == 0) {
                const auto after = text.substr(at, 256);
                const auto name = word.size() > 64 ? word.substr(word.size() - 64) : word;
                found = named_secret(name, after);
                if (found.size == 0) found = slack_webhook(name, after);
                if (found.size == 0) found = by_its_sign(name, after);
                if (found.size > 0) where = at;
            }
            if (found.size > 0) {
                lines.go_to(where);
                if (!lines.allowed() &&
                    !matches_any(file.options->known_tokens, text.substr(where, found.size))) {
                    problems.push_back({std::string(file.path), lines.line(), lines.column(where),
                                        described(found, text.substr(where))});
                    ++count;
                }
                part += std::max<size_t>(where == at ? word.size() : found.size, 1);
            }
            const auto dot = word.find('.', part);
            part = dot == std::string_view::npos ? word.size() : dot + 1;
        }
    }
}

}  // namespace tidegate::hooks::builtin
