// `match`: files chosen as pre-commit chooses them, by regular expressions and by type. A file's types come from
// its name, or where that says nothing, from its first line, as the `identify` library has it (the common ones).
#pragma once

#include "shared/base/error.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks {

struct MatchRules {
    std::vector<std::string> files;    // each must be found in the path
    std::vector<std::string> exclude;  // none may be
    std::vector<std::string> types;    // the file has each of these
    std::vector<std::string> types_or;
    std::vector<std::string> exclude_types;
};

class FileMatch {
  public:
    // Unsupported: an expression that RE2 cannot do (looking around, back references), or a type not known here.
    [[nodiscard]] static Result<std::shared_ptr<const FileMatch>> make(MatchRules rules);
    ~FileMatch();

    [[nodiscard]] bool path(std::string_view path) const;
    [[nodiscard]] bool asks_types() const;
    // Whether the name alone says which types a file has.
    [[nodiscard]] static bool known_by_name(std::string_view path);
    // `content`: its beginning, at least a line; not looked at where the name says it all.
    [[nodiscard]] bool types(std::string_view path, bool executable, std::string_view content) const;
    [[nodiscard]] const MatchRules& rules() const { return rules_; }

  private:
    struct Expression;
    explicit FileMatch(MatchRules rules);
    MatchRules rules_;
    std::vector<Expression> files_;
    std::vector<Expression> exclude_;
};

// types.cpp: "python", "text", …; `text` and `binary` only from the name, where it tells.
[[nodiscard]] std::vector<std::string_view> types_by_name(std::string_view path);
[[nodiscard]] std::vector<std::string_view> types_by_content(bool executable, std::string_view content);
[[nodiscard]] bool is_type(std::string_view name);

}  // namespace tidegate::hooks
