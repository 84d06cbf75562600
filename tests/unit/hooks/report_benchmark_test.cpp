#include "hooks/report/benchmark.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::hooks::reports;

namespace {

std::string read(std::string_view text, std::string_view metric = "real_time") {
    const auto measures = read_benchmarks("b", text, metric);
    if (!measures) return measures.error().line();
    std::string all;
    for (const auto& one : *measures) all += one.name + "=" + shown(one) + ";";
    return all;
}

}  // namespace

TEST_CASE("benchmark: Google's JSON is read, medians before repetitions") {
    CHECK(read(R"({"benchmarks": [
        {"name": "a/repeats:3", "run_name": "a", "run_type": "iteration", "real_time": 3, "time_unit": "us"},
        {"name": "a/repeats:3", "run_name": "a", "run_type": "iteration", "real_time": 9, "time_unit": "us"},
        {"name": "a/repeats:3", "run_name": "a", "run_type": "iteration", "real_time": 4, "time_unit": "us"},
        {"name": "b_mean", "run_name": "b", "run_type": "aggregate", "aggregate_name": "mean", "real_time": 7, "time_unit": "ns"},
        {"name": "b_median", "run_name": "b", "run_type": "aggregate", "aggregate_name": "median", "real_time": 8, "time_unit": "ns"}]})") ==
          "a=4 us;b=8 ns;");
    CHECK(read(R"({"benchmarks": [{"name": "a", "real_time": 1, "items_per_second": 3.5e6}]})",
               "items_per_second") == "a=3.5e+06/s;");
}

TEST_CASE("benchmark: lines of name, value and unit are read") {
    CHECK(read("# a comment\nparse 1500 ns\n\nload\t2.5 MB/s\nparse 500 ns\ncount 3\n") ==
          "parse=1 us;load=2.5 MB/s;count=3;");
}

TEST_CASE("benchmark: what is neither, or cannot be, is refused with its place") {
    CHECK(read("") == "no benchmark in it: b:1");
    CHECK(read("a 1 ns\nb much ns\n").find("b:2") != std::string::npos);
    CHECK(read("a -1 ns\n").find("b:1") != std::string::npos);
    CHECK(read("a nan ns\n").find("b:1") != std::string::npos);
    CHECK(read("a inf\n").find("b:1") != std::string::npos);
    CHECK(read("a 1 ns\na 1 ms\n").find("two units") != std::string::npos);
    CHECK(read("{\"a\": 1}").find("no list `benchmarks`") != std::string::npos);
    CHECK(read("{\"benchmarks\": [\n{\"name\": \"a\", \"error_occurred\": true, \"error_message\": "
               "\"no\\u001b\"}]}") == "benchmark a failed: no\\x1b: b:2");
    CHECK(read(R"({"benchmarks": [{"name": "a", "real_time": "1"}]})").find("no real_time") !=
          std::string::npos);
    CHECK(
        read(R"({"benchmarks": [{"name": "a", "real_time": 1, "time_unit": "weeks"}]})").find("time_unit") !=
        std::string::npos);
    std::string many;
    for (int i = 0; i <= 500; ++i) many += "n" + std::to_string(i) + " 1\n";
    CHECK(read(many).find("more than 500") != std::string::npos);
    CHECK(read(std::string(300, 'n') + " 1\n").find("too long") != std::string::npos);
}

TEST_CASE("benchmark: worse is slower, or a lower rate, or as the gate says") {
    const std::vector<Measure> before{
        {"t", 100, "ns"}, {"r", 100, "MB/s"}, {"zero", 0, "ns"}, {"u", 1, "ms"}};
    const std::vector<Measure> now{
        {"t", 110, "ns"}, {"r", 90, "MB/s"}, {"zero", 5, "ns"}, {"u", 9, "us"}, {"new", 1, ""}};
    CHECK(regressions(now, before, 5, Better::ByUnit).size() == 2);
    CHECK(regressions(now, before, 10, Better::ByUnit).empty());
    CHECK(regressions(now, before, 5, Better::Higher).size() == 1);
    CHECK(regressions(now, before, 5, Better::Lower).size() == 1);
}
