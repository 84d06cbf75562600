// Tables of named cases for checks of one file.
#pragma once

#include "hooks/builtin/fixes.hpp"

#include <doctest/doctest.h>

namespace tidegate::hooks::builtin {

struct Case {
    const char* name;
    std::string path = "file.txt";
    std::string content = {};
    // Expected: nothing where `line` is -1.
    int line = -1;
    int column = 0;
    std::string what = {};  // a part of the message
};

inline Problems problems_of(void (*check)(const File&, Problems&), const std::string& path,
                            const std::string& content) {
    File file;
    file.path = path;
    file.content = content;
    file.size = content.size();
    Problems problems;
    check(file, problems);
    return problems;
}

inline void run_cases(void (*check)(const File&, Problems&), const std::vector<Case>& cases) {
    for (const auto& one : cases) {
        CAPTURE(one.name);
        const auto problems = problems_of(check, one.path, one.content);
        if (one.line < 0) {
            CHECK_MESSAGE(problems.empty(), (problems.empty() ? "" : problems[0].what));
            continue;
        }
        REQUIRE_FALSE(problems.empty());
        CHECK(problems[0].path == one.path);
        CHECK(problems[0].line == one.line);
        CHECK(problems[0].column == one.column);
        CHECK_MESSAGE(problems[0].what.find(one.what) != std::string::npos, problems[0].what);
    }
}

inline std::optional<std::string> fixed(std::optional<std::string> (*fix)(const File&),
                                        const std::string& content) {
    File file;
    file.path = "file.txt";
    file.content = content;
    file.size = content.size();
    return fix(file);
}

}  // namespace tidegate::hooks::builtin
