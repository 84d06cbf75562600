#include "hooks/config/match.hpp"

#include "hooks/config/look_around.hpp"
#include "shared/base/text.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <optional>

namespace tidegate::hooks {

using namespace shared;

namespace {

// Python's verbose form as the plain one: blanks and comments out, but in classes and behind a backslash.
std::string without_blanks(std::string_view text) {
    std::string plain;
    bool in_class = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && i + 1 < text.size()) {
            plain += c;
            plain += text[++i];
        } else if (in_class) {
            in_class = c != ']';
            plain += c;
        } else if (c == '#') {
            while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
        } else if (std::string_view(" \t\r\n\f\v").find(c) == std::string_view::npos) {
            in_class = c == '[';
            plain += c;
        }
    }
    return plain;
}

std::unique_ptr<re2::RE2> compiled(const std::string& pattern) {
    re2::RE2::Options options(re2::RE2::Latin1);  // paths are bytes
    options.set_log_errors(false);
    return std::make_unique<re2::RE2>(pattern, options);
}

}  // namespace

struct FileMatch::Expression {
    std::unique_ptr<re2::RE2> wanted;
    std::vector<std::unique_ptr<re2::RE2>> unwanted;  // what looking around forbids, which RE2 cannot say

    static Result<Expression> make(const std::string& source) {
        std::string pattern(source);
        std::string_view rest = pattern;
        while (!rest.empty() && (rest.front() == '\n' || rest.front() == ' ')) rest.remove_prefix(1);
        if (rest.starts_with("(?x)")) pattern = without_blanks(rest.substr(4));
        for (auto at = pattern.find("\\Z"); at != std::string::npos; at = pattern.find("\\Z", at + 2))
            pattern[at + 1] = 'z';
        const auto plain = without_looking_around(std::move(pattern));
        Expression expression;
        expression.wanted = compiled(plain.wanted);
        for (const auto& part : plain.unwanted) expression.unwanted.push_back(compiled(part));
        const auto broken = std::find_if(expression.unwanted.begin(), expression.unwanted.end(),
                                         [](const auto& part) { return !part->ok(); });
        const auto* wrong = !expression.wanted->ok()              ? expression.wanted.get()
                            : broken != expression.unwanted.end() ? broken->get()
                                                                  : nullptr;
        if (wrong != nullptr)
            return fail(
                ErrorKind::Unsupported,
                "not a regular expression that can be used here: `" + escape_foreign(source) +
                    "`: " + escape_foreign(wrong->error()),
                "RE2 has no back references, and looks around only next to plain text at the beginning or "
                "end; say it by `files` and `exclude`");
        return expression;
    }

    [[nodiscard]] bool found_in(std::string_view path) const {
        const re2::StringPiece text(path.data(), path.size());
        return re2::RE2::PartialMatch(text, *wanted) &&
               std::none_of(unwanted.begin(), unwanted.end(),
                            [&](const auto& part) { return re2::RE2::PartialMatch(text, *part); });
    }
};

FileMatch::FileMatch(MatchRules rules) : rules_(std::move(rules)) {}
FileMatch::~FileMatch() = default;

Result<std::shared_ptr<const FileMatch>> FileMatch::make(MatchRules rules) {
    for (const auto* names : {&rules.types, &rules.types_or, &rules.exclude_types})
        for (const auto& name : *names)
            if (!is_type(name))
                return fail(ErrorKind::Unsupported,
                            "no type of files is called `" + escape_foreign(name) + "` here",
                            "choose the files by `files` and `exclude`");
    std::shared_ptr<FileMatch> match(new FileMatch(std::move(rules)));
    for (const auto& text : match->rules_.files) match->files_.push_back(TRY(Expression::make(text)));
    for (const auto& text : match->rules_.exclude) match->exclude_.push_back(TRY(Expression::make(text)));
    return std::shared_ptr<const FileMatch>(std::move(match));
}

bool FileMatch::path(std::string_view path) const {
    const auto found = [&](const Expression& expression) { return expression.found_in(path); };
    return std::all_of(files_.begin(), files_.end(), found) &&
           std::none_of(exclude_.begin(), exclude_.end(), found);
}

bool FileMatch::asks_types() const {
    return !rules_.types.empty() || !rules_.types_or.empty() || !rules_.exclude_types.empty();
}

bool FileMatch::known_by_name(std::string_view path) {
    return !types_by_name(path).empty();
}

bool FileMatch::types(std::string_view path, bool executable, std::string_view content) const {
    auto tags = types_by_name(path);
    if (tags.empty()) tags = types_by_content(executable, content);
    tags.push_back("file");
    tags.push_back(executable ? "executable" : "non-executable");
    const auto has = [&](const std::string& name) {
        return std::find(tags.begin(), tags.end(), name) != tags.end();
    };
    return std::all_of(rules_.types.begin(), rules_.types.end(), has) &&
           (rules_.types_or.empty() || std::any_of(rules_.types_or.begin(), rules_.types_or.end(), has)) &&
           std::none_of(rules_.exclude_types.begin(), rules_.exclude_types.end(), has);
}

}  // namespace tidegate::hooks
