// Which lines tests reached, from lcov's, Cobertura's or Clover's report.
#pragma once

#include "shared/base/error.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace tidegate::hooks::reports {

struct Share {
    size_t covered = 0;
    size_t lines = 0;

    // 100 where there is nothing to cover.
    [[nodiscard]] double percent() const;
};

struct Coverage {
    using Lines = std::map<int, std::uint64_t>;       // line → hits
    std::map<std::string, Lines, std::less<>> files;  // paths as the report has them, "./" taken off

    [[nodiscard]] Share share() const;
    // Adds another's hits: shards write a file each.
    void merge(const Coverage& other);
    // Paths below `root` become relative to it: reports often have absolute ones.
    void relative_to(std::string_view root);
};

// Only lines of the change count: for `min_change`. A changed line that no report knows (a comment, a file
// without code) does not count. A report's path matches a changed one where it is equal, or ends in it after
// a "/".
using ChangedLines = std::map<std::string, std::set<int>, std::less<>>;
[[nodiscard]] Share share_of_change(const Coverage& coverage, const ChangedLines& changed);

// Of a patch without context (`git diff --unified=0`): the lines that are new, by path. Deleted files have none.
[[nodiscard]] ChangedLines parse_changed_lines(std::string_view patch);

// The format is known by the content. `file` is only shown. Invalid, with file and line, for what is none of
// them, a number that cannot be, or more than 64 MiB.
[[nodiscard]] Result<Coverage> read_coverage(const std::string& file, std::string_view text);

}  // namespace tidegate::hooks::reports
