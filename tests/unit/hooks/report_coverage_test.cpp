#include "hooks/report/coverage.hpp"

#include <doctest/doctest.h>

using namespace tidegate::hooks::reports;

namespace {

const std::string kLcov =
    "TN:\nSF:./src/a.c\nFN:1,main\nDA:1,5\nDA:2,0\nDA:3,1,abc=\nLF:3\nend_of_record\nSF:/work/src/"
    "b.c\r\nDA:1,0\r\nend_of_record\n";

}  // namespace

TEST_CASE("coverage: lcov") {
    auto coverage = read_coverage("lcov.info", kLcov);
    REQUIRE(coverage.has_value());
    CHECK(coverage->share().lines == 4);
    CHECK(coverage->share().covered == 2);
    CHECK(coverage->share().percent() == doctest::Approx(50));
    CHECK(coverage->files.at("src/a.c").at(1) == 5);
    coverage->relative_to("/work");
    CHECK(coverage->files.contains("src/b.c"));
    CHECK(coverage->share().lines == 4);
}

TEST_CASE("coverage: Cobertura, its methods' lines counted once") {
    const auto coverage = read_coverage("c.xml", R"(<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage line-rate="0.5"><sources><source>/x</source></sources><packages><package><classes>
 <class filename="a.py"><methods><method><lines><line number="1" hits="1"/></lines></method></methods>
  <lines><line number="1" hits="1"/><line number="2" hits="0" branch="true"/></lines></class>
 <class filename="a.py"><lines><line number="2" hits="3"/></lines></class>
</classes></package></packages></coverage>)");
    REQUIRE(coverage.has_value());
    CHECK(coverage->files.size() == 1);
    CHECK(coverage->share().lines == 2);
    CHECK(coverage->share().covered == 2);
}

TEST_CASE("coverage: Clover, methods not counted as lines") {
    const auto coverage = read_coverage("clover.xml", R"(<coverage generated="1"><project><package name="p">
 <file name="a.php" path="/w/a.php"><line num="1" type="method" count="0"/><line num="2" type="stmt" count="4"/>
 <line num="3" type="cond" count="0"/></file></package></project></coverage>)");
    REQUIRE(coverage.has_value());
    CHECK(coverage->files.contains("/w/a.php"));
    CHECK(coverage->share().lines == 2);
    CHECK(coverage->share().covered == 1);
}

TEST_CASE("coverage: only changed lines that a report knows count for a change") {
    const auto coverage = read_coverage("lcov.info", kLcov).value();
    CHECK(share_of_change(coverage, {{"src/a.c", {1, 2, 99}}}).lines == 2);
    CHECK(share_of_change(coverage, {{"src/a.c", {1, 2, 99}}}).covered == 1);
    CHECK(share_of_change(coverage, {{"src/b.c", {1}}}).lines == 1);  // the report has it absolute
    CHECK(share_of_change(coverage, {{"b.c", {1}}}).lines == 1);
    CHECK(share_of_change(coverage, {{"other.c", {1}}}).lines == 0);
    CHECK(share_of_change(coverage, {{"c", {1}}}).lines == 0);
    CHECK(share_of_change(coverage, {}).percent() == doctest::Approx(100));
}

TEST_CASE("coverage: the changed lines of a patch") {
    const auto changed = parse_changed_lines(
        "diff --git a/x.c b/x.c\nindex 1..2 100644\n--- a/x.c\n+++ b/x.c\n@@ -1,0 +2,2 @@ f\n+one\n+++ "
        "b/evil.c\n@@ -9 +11 @@\n-old\n+new\n"
        "\\ No newline at end of file\n"
        "diff --git a/gone.c b/gone.c\ndeleted file mode 100644\n--- a/gone.c\n+++ /dev/null\n@@ -1,2 +0,0 "
        "@@\n-a\n-b\n"
        "diff --git a/y.c b/y.c\nnew file mode 100644\n--- /dev/null\n+++ b/y.c\n@@ -0,0 +1 @@\n+x\n");
    CHECK(changed.size() == 2);
    CHECK(changed.at("x.c") == std::set<int>{2, 3, 11});
    CHECK(changed.at("y.c") == std::set<int>{1});
    CHECK(parse_changed_lines("").empty());
    CHECK(parse_changed_lines("@@ -1 +1 @@\n+x\n").empty());
    CHECK(parse_changed_lines("+++ b/x\n@@ -1,2000000000 +1,2000000000 @@\n").size() <= 1);
}

TEST_CASE("coverage: shards are merged by their hits") {
    auto one = read_coverage("a", "SF:x\nDA:1,0\nDA:2,18446744073709551615\nend_of_record\n").value();
    one.merge(read_coverage("b", "SF:x\nDA:1,2\nDA:2,7\nend_of_record\n").value());
    CHECK(one.files.at("x").at(1) == 2);
    CHECK(one.files.at("x").at(2) == UINT64_MAX);
}

TEST_CASE("coverage: what is none of them is refused with its place") {
    struct {
        const char* name;
        std::string text;
        int line;
    } const cases[] = {
        {"empty", "", 1},
        {"text", "coverage: 85%", 1},
        {"other XML", "\n<html/>", 2},
        {"broken XML", "<coverage>\n<packages>", 2},
        {"DA without SF", "TN:\nDA:1,1\nSF:x\n", 2},
        {"no hits", "SF:x\nDA:1\n", 2},
        {"no number", "SF:x\nDA:one,1\n", 2},
        {"negative line", "SF:x\nDA:-1,1\n", 2},
        {"huge line", "SF:x\nDA:99999999999,1\n", 2},
        {"line without a file",
         "<coverage><packages>\n<class2><lines><line number='x' hits='1'/></lines></class2><class "
         "filename='a'><lines>\n<line number='x' hits='1'/></lines></class></packages></coverage>",
         3},
    };
    for (const auto& one : cases) {
        CAPTURE(one.name);
        const auto coverage = read_coverage("c", one.text);
        REQUIRE_FALSE(coverage.has_value());
        REQUIRE(coverage.error().where.has_value());
        CHECK(coverage.error().where->line == one.line);
    }
    CHECK(read_coverage("c", "SF:x\nDA:1,-5\nDA:2,99999999999999999999999\n").value().share().covered == 1);
}

TEST_CASE("coverage: what nests deep costs no stack") {
    std::string deep = "<coverage><packages>";
    for (int i = 0; i < 200'000; ++i) deep += "<a>";
    for (int i = 0; i < 200'000; ++i) deep += "</a>";
    CHECK(read_coverage("c", deep + "</packages></coverage>").has_value());
}
