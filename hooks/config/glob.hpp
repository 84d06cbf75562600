// File patterns of `files`, `exclude`, `inputs` and branch conditions.
//   *   anything but "/"        **  any number of whole folders ("src/**/x", "**/*.c", "third_party/**")
//   ?   one byte but "/"        [a-z] [!a-z]  one of a class, never "/"
//   {a,b}  either; may be nested          \x  x itself
// A pattern without "/" matches the last part of a path, as in .gitignore ("*.c" is "**/*.c"); one that ends
// in "/" matches everything beneath. Matching takes time in proportion to pattern times path: nothing
// explodes.
#pragma once

#include "shared/base/error.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks {

class FileMatch;

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

// What `files`, `exclude` and `match` choose: lies below `folder`, matches one of `include` (or it is empty) and
// none of `exclude`, and what `match` says of paths. What it says of types is asked apart: that takes a file's
// content.
struct FileFilter {
    std::string folder{};  // "services/api/", which the patterns do not see; empty: the top
    std::vector<Glob> include{};
    std::vector<Glob> exclude{};
    std::shared_ptr<const FileMatch> match{};

    [[nodiscard]] bool matches(std::string_view path) const;
    [[nodiscard]] bool everything() const { return include.empty() && exclude.empty() && match == nullptr; }
};

}  // namespace tidegate::hooks
