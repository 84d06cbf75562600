#include "hooks/report/junit.hpp"

#include <doctest/doctest.h>

using namespace tidegate::hooks::reports;

TEST_CASE("junit: suites, cases, failures and skips are read") {
    const auto report = read_junit("r.xml", R"(<?xml version="1.0"?>
<testsuites name="all">
  <testsuite name="outer" time="3">
    <testsuite name="inner">
      <testcase classname="a.B" name="adds" time="0.5" file="a.py" line="7"/>
      <testcase classname="a.B" name="fails" time="1,000.25"><failure message="1 &lt; 2" type="X">line 1
line 2</failure></testcase>
    </testsuite>
    <testcase name="crashes"><error type="Boom"/></testcase>
    <testcase name="later"><skipped message="not today"/></testcase>
    <testcase name="shaky"><flakyFailure message="once"/></testcase>
    <testcase name="told"><failure><![CDATA[

  expected <a>
]]></failure></testcase>
  </testsuite>
</testsuites>)");
    REQUIRE(report.has_value());
    REQUIRE(report->cases.size() == 6);
    const auto& cases = report->cases;
    CHECK(cases[0].suite == "outer/inner");
    CHECK(cases[0].shown() == "a.B.adds");
    CHECK(cases[0].file == "a.py");
    CHECK(cases[0].line == 7);
    CHECK(cases[1].outcome == TestOutcome::Failed);
    CHECK(cases[1].message == "1 < 2");
    CHECK(cases[1].details == "line 1\nline 2");
    CHECK(cases[1].seconds == doctest::Approx(1000.25));
    CHECK(cases[2].outcome == TestOutcome::Error);
    CHECK(cases[2].message == "Boom");
    CHECK(cases[3].outcome == TestOutcome::Skipped);
    CHECK(cases[4].outcome == TestOutcome::Passed);
    CHECK(cases[4].flaky);
    CHECK(cases[5].message == "expected <a>");
    CHECK(report->failed() == 3);
    CHECK(report->count(TestOutcome::Skipped) == 1);
    CHECK(report->flaky() == 1);
    CHECK(report->seconds() == doctest::Approx(1000.75));
}

TEST_CASE("junit: what ctest and lone suites write") {
    const auto report = read_junit("r.xml", R"(<testsuite name="ctest" tests="3">
  <testcase name="unit" classname="unit" time="0.1" status="fail"><failure message=""/><system-out>it broke</system-out></testcase>
  <testcase name="off" classname="off" status="disabled"/>
  <testcase name="on" classname="on" status="run"/>
</testsuite>)");
    REQUIRE(report.has_value());
    CHECK(report->cases[0].shown() == "unit");
    CHECK(report->cases[0].details == "it broke");
    CHECK(report->failed() == 1);
    CHECK(report->cases[1].outcome == TestOutcome::Skipped);
    CHECK(report->cases[2].outcome == TestOutcome::Passed);
}

TEST_CASE("junit: a suite that failed by itself, or by its numbers only, is a failed test") {
    struct Case {
        std::string text;
        size_t failed;
        std::string message;
    };
    for (const Case& one :
         {Case{
              R"(<testsuites><testsuite name="load"><error message="no module x"/></testsuite></testsuites>)",
              1, "no module x"},
          Case{R"(<testsuites><testsuite name="load" tests="0" errors="2"/></testsuites>)", 1,
               "its report counts 2 failures, and no test of it failed"},
          Case{
              R"(<testsuites failures="1"><testsuite name="a"><testcase name="b"/></testsuite></testsuites>)",
              1, "its report counts 1 failure, and no test of it failed"},
          Case{R"(<testsuites failures="1"><testsuite failures="1"><testcase name="b"><failure message="m"/>)"
               R"(</testcase></testsuite></testsuites>)",
               1, "m"},
          Case{R"(<t:testsuite xmlns:t="urn:x"><t:testcase name="b"><t:failure message="m"/></t:testcase>)"
               R"(</t:testsuite>)",
               1, "m"}}) {
        CAPTURE(one.text);
        const auto report = read_junit("r.xml", one.text);
        REQUIRE(report.has_value());
        CHECK(report->failed() == one.failed);
        CHECK(report->cases.back().message == one.message);
    }
    // What passed on a retry is counted by some.
    const auto flaky = read_junit(
        "r.xml",
        R"(<testsuite failures="1"><testcase name="a"><flakyFailure message="m"/></testcase></testsuite>)");
    REQUIRE(flaky.has_value());
    CHECK(flaky->failed() == 0);
    CHECK(flaky->flaky() == 1);
}

TEST_CASE("junit: what is no report is refused with its place") {
    struct {
        const char* name;
        std::string text;
        int line;
    } const cases[] = {
        {"empty", "", 1},
        {"text", "no report", 1},
        {"cut", "<testsuites>\n<testsuite>\n<testcase", 3},
        {"wrong end", "<testsuites>\n</testsuite>", 2},
        {"something else", "\n<html/>", 2},
        {"a bomb", "<!DOCTYPE x [<!ENTITY a \"b\">]>\n<x>&a;</x>", 2},
    };
    for (const auto& one : cases) {
        CAPTURE(one.name);
        const auto report = read_junit("dir/r.xml", one.text);
        REQUIRE_FALSE(report.has_value());
        CHECK(report.error().kind == tidegate::ErrorKind::Invalid);
        REQUIRE(report.error().where.has_value());
        CHECK(report.error().where->file == "dir/r.xml");
        CHECK(report.error().where->line == one.line);
    }
}

TEST_CASE("junit: hostile reports are bounded") {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "<testsuite>";
    for (int i = 0; i < 100'000; ++i) deep += "</testsuite>";
    CHECK_FALSE(read_junit("r.xml", deep).has_value());
    std::string below = "<testsuite><testcase name='x'><failure>";
    for (int i = 0; i < 100'000; ++i) below += "<a>";
    for (int i = 0; i < 100'000; ++i) below += "</a>";
    CHECK(read_junit("r.xml", below + "</failure></testcase></testsuite>").has_value());
    const auto large =
        read_junit("r.xml", "<testsuite><testcase name='x'><failure>" + std::string(1 << 20, 'x') +
                                "</failure></testcase></testsuite>");
    REQUIRE(large.has_value());
    CHECK(large->cases[0].details.size() == kMostDetails);
    for (const char* time : {"-1", "nan", "inf", "1e400", "x", ""}) {
        CAPTURE(time);
        const auto report = read_junit("r.xml", "<testsuite><testcase name='x' line='-5' time='" +
                                                    std::string(time) + "'/></testsuite>");
        REQUIRE(report.has_value());
        CHECK(report->seconds() == 0);
        CHECK(report->cases[0].line == 0);
    }
}

TEST_CASE("junit: what is written is read again the same") {
    TestReport report;
    report.cases = {
        {.suite = "a", .class_name = "C", .name = "x <&> \"y\"", .file = "f", .line = 3, .seconds = 0.25},
        {.suite = "b",
         .name = "fails",
         .outcome = TestOutcome::Failed,
         .message = "no\nway",
         .details = "a\n]]>&\tb"},
        {.suite = "a", .name = "skips", .outcome = TestOutcome::Skipped, .message = "later"},
        {.suite = "b", .name = "breaks", .outcome = TestOutcome::Error, .message = "boom"},
        {.suite = "b", .name = "shaky", .flaky = true, .message = "once"}};
    TestReport other;
    other.cases = {{.suite = "c", .name = "more"}};
    report.merge(other);
    const auto text = write_junit(report, "all");
    const auto again = read_junit("again.xml", text);
    REQUIRE(again.has_value());
    REQUIRE(again->cases.size() == 6);
    CHECK(again->cases[0].name == "x <&> \"y\"");
    CHECK(again->cases[1].name == "skips");
    CHECK(again->cases[2].details == "a\n]]>&\tb");
    CHECK(again->failed() == 2);
    CHECK(again->flaky() == 1);
    CHECK(text.find("tests=\"6\" failures=\"1\" errors=\"1\" skipped=\"1\" time=\"0.250\"") !=
          std::string::npos);
}

TEST_CASE("junit: what XML cannot hold is replaced when written") {
    TestReport report;
    report.cases = {
        {.name = "x\x1b[31m", .outcome = TestOutcome::Failed, .details = std::string("a\0b\xff", 4)}};
    const auto text = write_junit(report, "all");
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\0') == std::string::npos);
    CHECK(text.find('\xff') == std::string::npos);
    CHECK(read_junit("r.xml", text).has_value());
}
