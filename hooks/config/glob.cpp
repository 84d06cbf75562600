#include "hooks/config/glob.hpp"

#include "hooks/config/match.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLongest = 1024;
constexpr size_t kMostAlternatives = 256;

tl::unexpected<Error> wrong(std::string_view pattern, std::string_view what) {
    return fail(ErrorKind::Invalid,
                "not a file pattern: `" + escape_foreign(pattern) + "`: " + std::string(what));
}

// Where the class that begins at `open` ends, or npos. A "]" right after "[" or "[!" is one of the class.
size_t class_end(std::string_view text, size_t open) {
    size_t at = open + 1;
    if (at < text.size() && (text[at] == '!' || text[at] == '^')) ++at;
    if (at < text.size() && text[at] == ']') ++at;
    for (; at < text.size() && text[at] != ']'; ++at)
        if (text[at] == '\\') ++at;
    return at < text.size() ? at : std::string_view::npos;
}

// The parts of the first {…} of `text`: before, alternatives, after.
struct Braces {
    size_t open = 0;
    size_t close = 0;
    std::vector<std::string_view> parts;
};

// Nothing where there are none; `unclosed` is set where they do not end.
bool first_braces(std::string_view text, Braces& braces, bool& unclosed) {
    int depth = 0;
    size_t part = 0;
    for (size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\\') {
            ++at;
        } else if (c == '[') {
            const auto end = class_end(text, at);
            if (end == std::string_view::npos) {
                unclosed = true;
                return false;
            }
            at = end;
        } else if (c == '{') {
            if (depth++ == 0) {
                braces.open = at;
                part = at + 1;
            }
        } else if (c == ',' && depth == 1) {
            braces.parts.push_back(text.substr(part, at - part));
            part = at + 1;
        } else if (c == '}' && depth > 0 && --depth == 0) {
            braces.parts.push_back(text.substr(part, at - part));
            braces.close = at;
            return true;
        }
    }
    unclosed = depth > 0;
    return false;
}

// One character of a class or a plain one against `c`; moves `at` past it.
bool one_matches(std::string_view pattern, size_t& at, char c) {
    if (pattern[at] == '?') {
        ++at;
        return true;
    }
    if (pattern[at] == '[') {
        const auto end = class_end(pattern, at);
        size_t i = at + 1;
        const bool negated = pattern[i] == '!' || pattern[i] == '^';
        if (negated) ++i;
        bool found = false;
        const auto byte = static_cast<unsigned char>(c);
        while (i < end) {
            if (pattern[i] == '\\' && i + 1 < end) ++i;
            const auto low = static_cast<unsigned char>(pattern[i]);
            auto high = low;
            if (i + 2 < end && pattern[i + 1] == '-') {
                high = static_cast<unsigned char>(pattern[i + 2]);
                i += 2;
            }
            ++i;
            found = found || (low <= byte && byte <= high);
        }
        at = end + 1;
        return found != negated;
    }
    if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
    return pattern[at++] == c;
}

// One part of a path. Only the last "*" is ever gone back to: what an earlier one took does not matter then.
bool part_matches(std::string_view pattern, std::string_view part) {
    size_t p = 0;
    size_t t = 0;
    size_t star = std::string_view::npos;
    size_t resume = 0;
    while (t < part.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            while (p < pattern.size() && pattern[p] == '*') ++p;
            star = p;
            resume = t;
            continue;
        }
        size_t next = p;
        if (p < pattern.size() && one_matches(pattern, next, part[t])) {
            p = next;
            ++t;
            continue;
        }
        if (star == std::string_view::npos) return false;
        p = star;
        t = ++resume;
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

// The next part of `text` from `at` (past the end: size() + 1), and where the one after it begins.
std::string_view part_at(std::string_view text, size_t at, size_t& next) {
    const auto slash = text.find('/', at);
    next = slash == std::string_view::npos ? text.size() + 1 : slash + 1;
    return text.substr(at, slash == std::string_view::npos ? slash : slash - at);
}

// The same algorithm one level up: "**" is to parts what "*" is to bytes. A class never holds a "/" (parse sees to it).
bool path_matches(std::string_view pattern, std::string_view path) {
    size_t p = 0;
    size_t t = 0;
    size_t star = std::string_view::npos;
    size_t resume = 0;
    while (t <= path.size()) {
        size_t p_next = 0;
        size_t t_next = 0;
        if (p <= pattern.size()) {
            const auto part = part_at(pattern, p, p_next);
            if (part == "**") {
                if (p_next > pattern.size()) return true;  // the rest, one part at least
                star = p = p_next;
                resume = t;
                continue;
            }
            if (part_matches(part, part_at(path, t, t_next))) {
                p = p_next;
                t = t_next;
                continue;
            }
        }
        if (star == std::string_view::npos) return false;
        p = star;
        (void)part_at(path, resume, resume);
        t = resume;
    }
    return p > pattern.size();
}

}  // namespace

Result<Glob> Glob::parse(std::string_view pattern) {
    if (pattern.empty()) return wrong(pattern, "it is empty");
    if (pattern.size() > kLongest) return wrong(pattern.substr(0, 40), "longer than 1024 bytes");
    if (pattern.find('\0') != std::string_view::npos) return wrong(pattern, "it holds a NUL");
    Glob glob;
    glob.pattern_ = pattern;
    std::string text(pattern);
    if (text.starts_with("./")) text.erase(0, 2);
    const bool anchored = text.starts_with('/');
    if (anchored) text.erase(0, 1);
    if (text.ends_with('/')) text += "**";
    if (text.empty()) return wrong(pattern, "it names nothing");
    glob.whole_path_ = anchored || text.find('/') != std::string::npos;

    std::vector<std::string> open{text};
    while (!open.empty()) {
        const auto current = std::move(open.back());
        open.pop_back();
        Braces braces;
        bool unclosed = false;
        if (first_braces(current, braces, unclosed)) {
            for (auto it = braces.parts.rbegin(); it != braces.parts.rend(); ++it)
                open.push_back(current.substr(0, braces.open) + std::string(*it) +
                               current.substr(braces.close + 1));
            if (open.size() + glob.alternatives_.size() > kMostAlternatives)
                return wrong(pattern, "its braces stand for more than 256 patterns");
            continue;
        }
        if (unclosed) return wrong(pattern, "a [ or { is not closed");
        if (current.ends_with('\\') && !current.ends_with("\\\\"))
            return wrong(pattern, "it ends in a backslash");
        for (size_t at = 0; at < current.size(); ++at) {
            if (current[at] == '\\') ++at;
            if (current[at] != '[') continue;
            const auto end = class_end(current, at);
            if (current.substr(at, end - at).find('/') != std::string::npos)
                return wrong(pattern, "a class cannot hold /");
            at = end;
        }
        glob.alternatives_.push_back(current);
    }
    return glob;
}

bool Glob::matches(std::string_view path) const {
    if (!whole_path_) {
        const auto slash = path.rfind('/');
        if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
        return std::any_of(alternatives_.begin(), alternatives_.end(),
                           [&](const std::string& one) { return part_matches(one, path); });
    }
    return std::any_of(alternatives_.begin(), alternatives_.end(),
                       [&](const std::string& one) { return path_matches(one, path); });
}

bool FileFilter::matches(std::string_view path) const {
    const auto any = [&](const std::vector<Glob>& globs) {
        return std::any_of(globs.begin(), globs.end(), [&](const Glob& glob) { return glob.matches(path); });
    };
    if (!path.starts_with(folder)) return false;
    path.remove_prefix(folder.size());
    return (include.empty() || any(include)) && !any(exclude) && (match == nullptr || match->path(path));
}

}  // namespace tidegate::hooks
