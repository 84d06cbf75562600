#include "hooks/report/junit.hpp"

#include "hooks/report/xml_text.hpp"
#include "shared/base/text.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <map>
#include <numeric>
#include <tuple>

namespace tidegate::hooks::reports {

namespace {

constexpr int kMostDepth = 64;
constexpr size_t kMostCases = 1'000'000;

// "1.5", "1,234.5"; anything else is 0: a time is never worth a failure.
double seconds_of(std::string_view text) {
    std::string digits;
    for (const char c : text.substr(0, 64))
        if (c != ',') digits += c;
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && std::isfinite(value) && value >= 0 && value < 1e9 ? value : 0;
}

std::string first_line(std::string_view text) {
    text = shared::trim(text);
    return std::string(shared::trim(text.substr(0, text.find('\n'))).substr(0, 500));
}

std::string text_of(const pugi::xml_node& node) {
    std::string text;
    for (const auto& child : node.children()) {
        if (child.type() != pugi::node_pcdata && child.type() != pugi::node_cdata) continue;
        text += child.value();
        if (text.size() > kMostDetails) break;
    }
    return text.substr(0, kMostDetails);
}

// Without the prefix of a namespace.
std::string_view local_name(const pugi::xml_node& node) {
    const std::string_view name = node.name();
    return name.substr(name.find(':') + 1);  // npos + 1 is 0
}

bool is_failed(const TestCase& test) {
    return test.outcome == TestOutcome::Failed || test.outcome == TestOutcome::Error;
}

class Reader {
  public:
    Reader(const std::string& file, std::string_view text) : file_(file), text_(text) {}

    Result<TestReport> read() {
        pugi::xml_document document;
        TRY(parse_xml(file_, text_, document));
        const auto root = document.document_element();
        const auto name = local_name(root);
        if (name != "testsuites" && name != "testsuite")
            return fail_at(file_, line_at(text_, root.offset_debug()),
                           "no JUnit report: it begins with <" +
                               shared::escape_foreign(std::string_view(root.name()).substr(0, 64)) +
                               ">, not with <testsuites> or <testsuite>");
        TRY(suite(root, name == "testsuites" ? std::string() : std::string(root.attribute("name").value()),
                  0));
        return std::move(report_);
    }

  private:
    Result<void> suite(const pugi::xml_node& node, const std::string& path, int depth) {
        if (depth > kMostDepth)
            return fail_at(file_, line_at(text_, node.offset_debug()), "suites nested deeper than 64");
        const auto before = report_.cases.size();
        for (const auto& child : node.children()) {
            const auto name = local_name(child);
            if (name == "testsuite" || name == "testsuites") {
                const std::string_view own = child.attribute("name").value();
                const auto below = path.empty()  ? std::string(own)
                                   : own.empty() ? path
                                                 : path + "/" + std::string(own);
                TRY(suite(child, below.substr(0, 4096), depth + 1));
            } else if (name == "testcase") {
                if (report_.cases.size() >= kMostCases)
                    return fail_at(file_, line_at(text_, child.offset_debug()), "more than a million tests");
                report_.cases.push_back(test(child, path));
            } else if (name == "failure" || name == "error") {
                auto broken = suite_itself(path);
                explain(broken, child, name == "error" ? TestOutcome::Error : TestOutcome::Failed);
                report_.cases.push_back(std::move(broken));
            }
        }
        add_what_is_counted_only(node, path, before);
        return {};
    }

    static TestCase suite_itself(const std::string& path) {
        TestCase test;
        test.suite = path;
        test.name = path.empty() ? "(the suite itself)" : path;
        return test;
    }

    // A suite that could not even be loaded has no test that failed, in some tools' reports only a number.
    void add_what_is_counted_only(const pugi::xml_node& node, const std::string& path, size_t before) {
        const auto count =
            std::max(0, node.attribute("failures").as_int()) + std::max(0, node.attribute("errors").as_int());
        const auto first = report_.cases.begin() + static_cast<std::ptrdiff_t>(before);
        const bool named = std::any_of(first, report_.cases.end(), [](const TestCase& test) {
            return is_failed(test) || test.flaky;  // tools count what passed on a retry in either way
        });
        if (count == 0 || named) return;
        auto broken = suite_itself(path);
        broken.outcome = TestOutcome::Error;
        broken.message = "its report counts " + shared::count_of(static_cast<size_t>(count), "failure") +
                         ", and no test of it failed";
        report_.cases.push_back(std::move(broken));
    }

    static TestCase test(const pugi::xml_node& node, const std::string& suite) {
        TestCase test;
        test.suite = suite;
        test.class_name = node.attribute("classname").value();
        test.name = node.attribute("name").value();
        test.file = node.attribute("file").value();
        test.line = std::max(0, node.attribute("line").as_int());
        test.seconds = seconds_of(node.attribute("time").value());
        // ctest writes status="fail", "disabled" and "notrun".
        const std::string_view status = node.attribute("status").value();
        if (status == "notrun" || status == "disabled") test.outcome = TestOutcome::Skipped;
        if (status == "fail") test.outcome = TestOutcome::Failed;
        for (const auto& child : node.children()) {
            const auto name = local_name(child);
            if (name == "failure") explain(test, child, TestOutcome::Failed);
            if (name == "error") explain(test, child, TestOutcome::Error);
            if (name == "skipped") explain(test, child, TestOutcome::Skipped);
            if (name == "flakyFailure" || name == "flakyError") test.flaky = true;
        }
        if (test.outcome == TestOutcome::Failed && test.details.empty())
            test.details = text_of(node.child("system-out"));
        return test;
    }

    // The first reason stands; a failure stands before a skip.
    static void explain(TestCase& test, const pugi::xml_node& node, TestOutcome outcome) {
        if (is_failed(test) && (outcome == TestOutcome::Skipped || !test.message.empty())) return;
        test.outcome = outcome;
        test.details = text_of(node);
        test.message = first_line(node.attribute("message").value());
        if (test.message.empty()) test.message = first_line(test.details);
        if (test.message.empty()) test.message = first_line(node.attribute("type").value());
    }

    const std::string& file_;
    std::string_view text_;
    TestReport report_;
};

void append_escaped(std::string& into, std::string_view text, bool attribute) {
    const bool sound = shared::is_utf8(text);
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool blank = c == '\n' || c == '\t' || c == '\r';
        if (c == '&')
            into += "&amp;";
        else if (c == '<')
            into += "&lt;";
        else if (c == '>')
            into += "&gt;";
        else if (c == '"')
            into += "&quot;";
        else if (blank && (attribute || c == '\r'))
            into += "&#" + std::to_string(byte) + ";";
        else if ((byte < 0x20 && !blank) || (byte >= 0x80 && !sound))
            into += "\xEF\xBF\xBD";
        else
            into += c;
    }
}

void append_attribute(std::string& into, std::string_view name, std::string_view value) {
    into.append(" ").append(name).append("=\"");
    append_escaped(into, value, true);
    into += '"';
}

std::string seconds_text(double seconds) {
    std::array<char, 64> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.3f", seconds);
    return {text.data(), static_cast<size_t>(size)};
}

void append_sums(std::string& into, const std::vector<const TestCase*>& cases) {
    const auto count = [&](TestOutcome outcome) {
        return std::to_string(std::count_if(cases.begin(), cases.end(),
                                            [&](const TestCase* test) { return test->outcome == outcome; }));
    };
    double seconds = 0;
    for (const auto* test : cases) seconds += test->seconds;
    append_attribute(into, "tests", std::to_string(cases.size()));
    append_attribute(into, "failures", count(TestOutcome::Failed));
    append_attribute(into, "errors", count(TestOutcome::Error));
    append_attribute(into, "skipped", count(TestOutcome::Skipped));
    append_attribute(into, "time", seconds_text(seconds));
}

void append_case(std::string& into, const TestCase& test) {
    into += "    <testcase";
    append_attribute(into, "name", test.name);
    if (!test.class_name.empty()) append_attribute(into, "classname", test.class_name);
    if (!test.file.empty()) append_attribute(into, "file", test.file);
    if (test.line > 0) append_attribute(into, "line", std::to_string(test.line));
    append_attribute(into, "time", seconds_text(test.seconds));
    if (test.outcome == TestOutcome::Passed && !test.flaky) {
        into += "/>\n";
        return;
    }
    const std::string_view element = test.outcome == TestOutcome::Failed    ? "failure"
                                     : test.outcome == TestOutcome::Error   ? "error"
                                     : test.outcome == TestOutcome::Skipped ? "skipped"
                                                                            : "flakyFailure";
    into.append(">\n      <").append(element);
    append_attribute(into, "message", test.message);
    if (test.details.empty()) {
        into += "/>\n";
    } else {
        into += '>';
        append_escaped(into, test.details, false);
        into.append("</").append(element).append(">\n");
    }
    into += "    </testcase>\n";
}

}  // namespace

std::string TestCase::shown() const {
    if (class_name.empty() || name.starts_with(class_name)) return name;
    return class_name + "." + name;
}

size_t TestReport::count(TestOutcome outcome) const {
    return static_cast<size_t>(std::count_if(cases.begin(), cases.end(),
                                             [&](const TestCase& test) { return test.outcome == outcome; }));
}
size_t TestReport::failed() const {
    return count(TestOutcome::Failed) + count(TestOutcome::Error);
}
size_t TestReport::flaky() const {
    return static_cast<size_t>(
        std::count_if(cases.begin(), cases.end(), [](const TestCase& test) { return test.flaky; }));
}
double TestReport::seconds() const {
    return std::accumulate(cases.begin(), cases.end(), 0.0,
                           [](double sum, const TestCase& test) { return sum + test.seconds; });
}
void TestReport::merge(TestReport other) {
    std::move(other.cases.begin(), other.cases.end(), std::back_inserter(cases));
}

void TestReport::mark_flaky(const TestReport& before) {
    const auto key = [](const TestCase& test) { return std::tie(test.suite, test.class_name, test.name); };
    std::map<decltype(key(cases.front())), const TestCase*> failed;
    for (const auto& test : before.cases)
        if (test.flaky || is_failed(test)) failed.emplace(key(test), &test);
    for (auto& test : cases) {
        const auto found = failed.find(key(test));
        if (test.outcome != TestOutcome::Passed || found == failed.end()) continue;
        test.flaky = true;
        if (test.message.empty()) test.message = found->second->message;
        if (test.details.empty()) test.details = found->second->details;
    }
}

Result<TestReport> read_junit(const std::string& file, std::string_view text) {
    return Reader(file, text).read();
}

std::string write_junit(const TestReport& report, std::string_view name) {
    std::vector<std::string_view> order;
    std::map<std::string_view, std::vector<const TestCase*>> suites;
    std::vector<const TestCase*> all;
    for (const auto& test : report.cases) {
        auto& suite = suites[test.suite];
        if (suite.empty()) order.push_back(test.suite);
        suite.push_back(&test);
        all.push_back(&test);
    }
    std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites";
    append_attribute(text, "name", name);
    append_sums(text, all);
    text += ">\n";
    for (const auto suite : order) {
        text += "  <testsuite";
        append_attribute(text, "name", suite);
        append_sums(text, suites[suite]);
        text += ">\n";
        for (const auto* test : suites[suite]) append_case(text, *test);
        text += "  </testsuite>\n";
    }
    return text + "</testsuites>\n";
}

}  // namespace tidegate::hooks::reports
