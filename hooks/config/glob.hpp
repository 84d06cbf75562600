// File patterns of `files`, `exclude`, `inputs` and branch conditions.
//   *   anything but "/"        **  any number of whole folders ("src/**/x", "**/*.c", "third_party/**")
//   ?   one byte but "/"        [a-z] [!a-z]  one of a class, never "/"
//   {a,b}  either; may be nested          \x  x itself
// A pattern without "/" matches the last part of a path, as in .gitignore ("*.c" is "**/*.c"); one that ends
// in "/" matches everything beneath. Matching takes time in proportion to pattern times path: nothing
// explodes.
#pragma once

#include "shared/base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks {

class Glob {
  public:
    // Invalid: empty, unclosed [ or {, over 1024 bytes, or braces that stand for more than 256 patterns.
    [[nodiscard]] static Result<Glob> parse(std::string_view pattern);
    [[nodiscard]] bool matches(std::string_view path) const;
    [[nodiscard]] const std::string& str() const { return pattern_; }

  private:
    std::string pattern_;
    std::vector<std::string> alternatives_;  // braces expanded
    bool whole_path_ = true;                 // false: only the last part is looked at
};

// What `files` and `exclude` choose: matches one of `include` (or it is empty) and none of `exclude`.
struct FileFilter {
    std::vector<Glob> include;
    std::vector<Glob> exclude;

    [[nodiscard]] bool matches(std::string_view path) const;
    [[nodiscard]] bool everything() const { return include.empty() && exclude.empty(); }
};

}  // namespace tidegate::hooks
