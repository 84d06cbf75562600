#include "hooks/report/sarif.hpp"

#include <doctest/doctest.h>

using namespace tidegate::hooks::reports;

TEST_CASE("sarif: findings with level, place and rule") {
    const auto findings = read_sarif("s.json", R"({"version": "2.1.0", "runs": [{
      "tool": {"driver": {"name": "scan", "rules": [
        {"id": "R1", "defaultConfiguration": {"level": "error"}, "properties": {"security-severity": "8.1"}},
        {"id": "R2"}]}},
      "results": [
        {"ruleId": "R1", "message": {"text": "bad"}, "locations": [{"physicalLocation": {
          "artifactLocation": {"uri": "src/a.c"}, "region": {"startLine": 3, "startColumn": 7}}}]},
        {"ruleIndex": 1, "message": {"text": "default"}},
        {"ruleId": "R1/sub", "level": "note", "message": {"text": "own level"}},
        {"ruleId": "R1", "kind": "pass", "message": {"text": "passes"}},
        {"ruleId": "R1", "suppressions": [{"kind": "inSource"}], "message": {"text": "suppressed"}},
        {"ruleId": "R1", "suppressions": [{"kind": "external", "status": "rejected"}], "message": {"text": "not"}}
      ]}]})");
    REQUIRE(findings.has_value());
    REQUIRE(findings->size() == 4);
    const auto& first = findings->front();
    CHECK(first.rule == "R1");
    CHECK(first.level == FindingLevel::Error);
    CHECK(first.file == "src/a.c");
    CHECK(first.line == 3);
    CHECK(first.column == 7);
    CHECK(first.severity == doctest::Approx(8.1));
    CHECK((*findings)[1].rule == "R2");
    CHECK((*findings)[1].level == FindingLevel::Warning);
    CHECK((*findings)[2].level == FindingLevel::Note);
    CHECK((*findings)[2].severity == doctest::Approx(8.1));
    CHECK(at_least(*findings, FindingLevel::Warning).size() == 3);
    CHECK(at_least(*findings, FindingLevel::Error).size() == 2);
    CHECK(at_least(*findings, FindingLevel::None).size() == 4);
}

TEST_CASE("sarif: rules of extensions, messages by name, and a byte-order mark") {
    const auto findings = read_sarif("s.json",
                                     "\xEF\xBB\xBF"
                                     R"({"version": "2.1.0", "runs": [{
      "tool": {"driver": {"name": "CodeQL", "rules": [{"id": "own", "defaultConfiguration": {"level": "note"}}]},
               "extensions": [{"name": "empty"}, {"name": "queries", "rules": [
                 {"id": "js/xss", "defaultConfiguration": {"level": "error"}}]}]},
      "results": [
        {"ruleId": "js/xss", "rule": {"id": "js/xss", "index": 0, "toolComponent": {"index": 1}}, "message": {"id": "m"}},
        {"rule": {"id": "js/xss", "toolComponent": {"name": "queries"}}, "message": {"markdown": "*x*"}},
        {"ruleIndex": 0, "message": {"text": "note"}},
        {"ruleIndex": 0, "rule": {"toolComponent": {"index": 7}}, "message": {"text": "unknown"}}
      ]}]})");
    REQUIRE(findings.has_value());
    REQUIRE(findings->size() == 4);
    CHECK((*findings)[0].level == FindingLevel::Error);
    CHECK((*findings)[0].message == "m");
    CHECK((*findings)[1].level == FindingLevel::Error);
    CHECK((*findings)[1].rule == "js/xss");
    CHECK((*findings)[1].message == "*x*");
    CHECK((*findings)[2].level == FindingLevel::Note);
    CHECK((*findings)[3].level == FindingLevel::Warning);
}

TEST_CASE("sarif: what is none, or has odd kinds in it") {
    for (const std::string text :
         {"", "[]", "{}", "{\"runs\": 1}", "{\"runs\": [}", "<x/>", "{\"runs\": [], \"runs\": []}"}) {
        CAPTURE(text);
        CHECK_FALSE(read_sarif("s.json", text).has_value());
    }
    for (const std::string text : {R"({"runs": []})", R"({"runs": [1, null, "x", []]})",
                                   R"({"runs": [{"results": [1, {}, {"locations": [1]}]}]})",
                                   R"({"runs": [{"tool": [], "results": {"a": 1}}]})",
                                   R"({"runs": [{"results": [{"ruleIndex": -1}, {"ruleIndex": 99}]}]})"}) {
        CAPTURE(text);
        CHECK(read_sarif("s.json", text).has_value());
    }
    std::string deep = "{\"runs\": ";
    for (int i = 0; i < 100'000; ++i) deep += "[";
    CHECK_FALSE(read_sarif("s.json", deep).has_value());
}

TEST_CASE("sarif: levels by name") {
    for (const auto level :
         {FindingLevel::None, FindingLevel::Note, FindingLevel::Warning, FindingLevel::Error})
        CHECK(parse_level(name_of(level)).value() == level);
    CHECK_FALSE(parse_level("high").has_value());
}
