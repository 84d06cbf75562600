#include "hooks/builtin/message.hpp"

#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks::builtin {

namespace {

// Characters of UTF-8; a byte that belongs to none counts as one.
size_t characters(std::string_view text) {
    return static_cast<size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// The byte at which character `count` begins.
size_t byte_of(std::string_view text, size_t count) {
    for (size_t i = 0; i < text.size(); ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 && count-- == 0) return i;
    return text.size();
}

// Subjects that git or a forge writes by itself.
bool is_gits_own(std::string_view subject) {
    for (const std::string_view begin :
         {"fixup! ", "squash! ", "amend! ", "Merge branch ", "Merge branches ",
          "Merge remote-tracking branch", "Merge tag '", "Merge tags '", "Merge commit '", "Merge commits '",
          "Merge pull request ", "Merged PR ", "Merged in ", "Automatic merge", "Revert \"", "Reapply \""})
        if (subject.starts_with(begin)) return true;
    // "Merge ID into BRANCH", of forges that try a merge.
    return (subject.starts_with("Merge ") || subject.starts_with("Auto-merged ")) &&
           subject.find(" into ") != std::string_view::npos;
}

class Checker {
  public:
    Checker(const CleanMessage& message, const std::string& name, const MessageRules& rules,
            Problems& problems)
        : message_(message), name_(name), rules_(rules), problems_(problems) {}

    void check() {
        const auto subject = message_.lines.front();
        if (matches_any(rules_.forbidden, subject))
            add(0, 0, "such a subject is not wanted: " + shared::join(rules_.forbidden, ", "));
        if (is_gits_own(subject)) return;
        length(0, rules_.subject_most, "the subject");
        if (characters(subject) < rules_.subject_least)
            add(0, 0, "the subject has fewer than " + shared::count_of(rules_.subject_least, "character"));
        if (rules_.blank_second_line && message_.lines.size() > 1 && !message_.lines[1].empty())
            add(1, 0, "the second line is not blank");
        for (size_t i = 1; i < message_.lines.size(); ++i) body_line(i);
        if (!rules_.pattern.empty() && !matches_any(rules_.pattern, subject))
            add(0, 0, "the subject matches none of: " + shared::join(rules_.pattern, ", "));
        if (rules_.signed_off && !signed_off())
            add(0, 0, "no line `Signed-off-by: NAME <ADDRESS>` (git commit -s)");
        if (rules_.conventional) conventional(subject);
    }

  private:
    [[nodiscard]] bool signed_off() const {
        return std::any_of(message_.lines.begin() + 1, message_.lines.end(), [](std::string_view line) {
            return line.starts_with("Signed-off-by: ") && line.find('<') != std::string_view::npos;
        });
    }

    void add(size_t line, size_t column, std::string what) {
        problems_.push_back({name_, message_.numbers[line], static_cast<int>(column) + 1, std::move(what)});
    }

    void length(size_t line, size_t most, const std::string& what) {
        const auto count = characters(message_.lines[line]);
        if (most == 0 || count <= most) return;
        add(line, byte_of(message_.lines[line], most),
            what + " has " + std::to_string(count) + " characters; at most " + std::to_string(most));
    }

    void body_line(size_t line) {
        const auto text = message_.lines[line];
        // What cannot be broken: addresses, quoted code, trailers.
        if (text.find(' ') == std::string_view::npos || text.find("://") != std::string_view::npos ||
            text.starts_with("    ") || text.starts_with('\t') || text.starts_with("Signed-off-by: ") ||
            text.starts_with("Co-authored-by: "))
            return;
        length(line, rules_.body_most, "the line");
    }

    [[nodiscard]] std::vector<std::string> types() const {
        if (!rules_.types.empty()) return rules_.types;
        std::vector<std::string> types;
        for (const auto type : shared::split(kUsualTypes, ' ')) types.emplace_back(type);
        return types;
    }

    // type [ "(" scope ")" ] [ "!" ] ": " description
    void conventional(std::string_view subject) {
        constexpr std::string_view kForm = "the subject is not of the form `type(scope): description`";
        const auto end = subject.find_first_of("(!:");
        if (end == std::string_view::npos || end == 0) return add(0, 0, std::string(kForm));
        const auto type = subject.substr(0, end);
        const auto known = types();
        if (std::find(known.begin(), known.end(), type) == known.end()) {
            const std::vector<std::string_view> names(known.begin(), known.end());
            const auto near = shared::nearest(type, names);
            add(0, 0,
                "no commit type is called " + shared::escape_foreign(type) +
                    (near.empty() ? "; known: " + shared::join(known, " ")
                                  : "; did you mean " + std::string(near) + "?"));
        }
        auto at = end;
        if (subject[at] == '(') {
            const auto close = subject.find(')', at);
            if (close == std::string_view::npos) return add(0, at, "the scope is not closed");
            const auto scope = shared::trim(subject.substr(at + 1, close - at - 1));
            if (scope.empty()) add(0, at, "the scope is empty");
            const auto& scopes = rules_.scopes;
            if (!scopes.empty() && std::find(scopes.begin(), scopes.end(), scope) == scopes.end())
                add(0, at + 1, "no such scope; there are: " + shared::join(scopes, " "));
            at = close + 1;
        } else if (rules_.scope_wanted) {
            add(0, at, "no scope: `" + std::string(type) + "(scope): …`");
        }
        if (at < subject.size() && subject[at] == '!') ++at;
        if (at >= subject.size() || subject[at] != ':') return add(0, at, std::string(kForm));
        if (at + 1 >= subject.size() || subject[at + 1] != ' ')
            return add(0, at + 1, "a blank comes after the colon");
        if (shared::trim(subject.substr(at + 1)).empty()) add(0, at + 1, "no description after the colon");
    }

    const CleanMessage& message_;
    const std::string& name_;
    const MessageRules& rules_;
    Problems& problems_;
};

}  // namespace

CleanMessage clean_message(const Message& message) {
    constexpr std::string_view kScissors = "------------------------ >8 ------------------------";
    CleanMessage clean;
    int number = 0;
    for (auto line : shared::lines_of(message.text)) {
        ++number;
        if (!message.comment.empty() && line.starts_with(message.comment)) {
            if (line.find(kScissors) != std::string_view::npos) break;
            if (!message.cut_only) continue;
        }
        const auto last = line.find_last_not_of(" \t\r");
        line = line.substr(0, last == std::string_view::npos ? 0 : last + 1);
        if (line.empty() && clean.lines.empty()) continue;
        clean.lines.push_back(line);
        clean.numbers.push_back(number);
    }
    while (!clean.lines.empty() && clean.lines.back().empty()) {
        clean.lines.pop_back();
        clean.numbers.pop_back();
    }
    return clean;
}

Problems check_message(const Message& message, const MessageRules& rules) {
    Problems problems;
    const auto clean = clean_message(message);
    if (!clean.lines.empty()) Checker(clean, message.name, rules, problems).check();
    return problems;
}

void commit_message(const Message& message, const Options& options, Problems& problems) {
    auto found = check_message(message, options.message);
    std::move(found.begin(), found.end(), std::back_inserter(problems));
}

}  // namespace tidegate::hooks::builtin
