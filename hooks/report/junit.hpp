// JUnit XML, as the usual tools write it: <testsuites> or <testsuite> at the top, suites within suites, cases
// with <failure>, <error> or <skipped>. Surefire's <flakyFailure> and <rerunFailure> are understood.
#pragma once

#include "shared/base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks::reports {

enum class TestOutcome { Passed, Failed, Error, Skipped };

struct TestCase {
    std::string suite = {};  // names of its suites, joined by "/"
    std::string class_name = {};
    std::string name = {};
    std::string file = {};  // where the report says
    int line = 0;
    double seconds = 0;
    TestOutcome outcome = TestOutcome::Passed;
    bool flaky = false;        // failed first, then passed
    std::string message = {};  // of the failure or the skip: its attribute, or its first line
    std::string details = {};  // at most kMostDetails bytes

    // "class.name", or the name alone where the class adds nothing.
    [[nodiscard]] std::string shown() const;
};
inline constexpr size_t kMostDetails = 16 << 10;

struct TestReport {
    std::vector<TestCase> cases;  // in the file's order

    [[nodiscard]] size_t count(TestOutcome outcome) const;
    [[nodiscard]] size_t failed() const;  // failures and errors
    [[nodiscard]] size_t flaky() const;
    [[nodiscard]] double seconds() const;
    // Adds another's cases: gates, retries and shards write a file each.
    void merge(TestReport other);
    // Of a retry: what failed `before` and passes now is flaky, and stays so through later ones.
    void mark_flaky(const TestReport& before);
};

// `file` is only shown. Invalid, with file and line, for what is no JUnit report, over 64 MiB, or nested deeper
// than 64 suites.
[[nodiscard]] Result<TestReport> read_junit(const std::string& file, std::string_view text);

// One <testsuites> with a <testsuite> for each suite, in the order they come first. Characters that XML cannot
// hold become U+FFFD.
[[nodiscard]] std::string write_junit(const TestReport& report, std::string_view name);

}  // namespace tidegate::hooks::reports
