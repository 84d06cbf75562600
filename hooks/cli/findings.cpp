#include "hooks/cli/findings.hpp"

#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/hash/sha256.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace tidegate::hooks::cli {

using namespace shared;
using reports::Finding;
using reports::FindingLevel;

namespace {

bool failed(const reports::TestCase& test) {
    return test.outcome == reports::TestOutcome::Failed || test.outcome == reports::TestOutcome::Error;
}

Finding as_finding(const GateRun& run, const reports::TestCase& test) {
    Finding finding;
    finding.rule = run.gate->name + "/test";
    finding.level = FindingLevel::Error;
    finding.message = test.shown() + (test.message.empty() ? " failed" : ": " + test.message);
    finding.file = test.file;
    finding.line = test.line;
    return finding;
}

Finding as_finding(const GateRun& run) {
    Finding finding;
    finding.rule = run.gate->name;
    finding.level = FindingLevel::Error;
    finding.message = "gate " + run.gate->name + " failed" + (run.detail.empty() ? "" : ": " + run.detail);
    finding.file = kConfigFile;
    finding.line = std::max(run.gate->line, 1);
    return finding;
}

// "%" and two digits in capitals, as RFC 3986 and workflow commands have it.
void add_percent(std::string& text, unsigned char byte) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    text += '%';
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
}

// RFC 3986: a path's bytes that stand for themselves.
std::string as_uri(std::string_view path) {
    std::string uri;
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain =
            byte < 0x80 && (std::isalnum(byte) != 0 ||
                            std::string_view("-._~/!$&'()*+,;=@").find(c) != std::string_view::npos);
        if (plain)
            uri += c;
        else
            add_percent(uri, byte);
    }
    return uri;
}

Value place_of(const Finding& finding) {
    Value artifact;
    artifact.set("uri", as_uri(finding.file)).set("uriBaseId", "%SRCROOT%");
    Value physical;
    physical.set("artifactLocation", std::move(artifact));
    if (finding.line > 0) {
        Value region;
        region.set("startLine", finding.line);
        if (finding.column > 0) region.set("startColumn", finding.column);
        physical.set("region", std::move(region));
    }
    Value location;
    return location.set("physicalLocation", std::move(physical));
}

Value as_result(const Finding& finding) {
    Value result;
    Value message;
    result.set("ruleId", finding.rule).set("level", reports::name_of(finding.level));
    result.set("message", message.set("text", finding.message.empty() ? finding.rule : finding.message));
    Value locations{Value::List{}};
    if (!finding.file.empty()) locations.push(place_of(finding));
    return result.set("locations", std::move(locations));
}

// For a workflow command: a line break would end it, and in a property ":" and "," would.
std::string command_text(std::string_view text, std::string_view more) {
    std::string result;
    for (const char c : escape_foreign_block(text)) {
        if (c == '%' || c == '\r' || c == '\n' || more.find(c) != std::string_view::npos)
            add_percent(result, static_cast<unsigned char>(c));
        else
            result += c;
    }
    return result;
}
std::string property(std::string_view name, std::string_view value) {
    return std::string(name) + "=" + command_text(value, ":,");
}

std::string annotation(const Finding& finding) {
    std::string text = finding.level == FindingLevel::Error     ? "::error "
                       : finding.level == FindingLevel::Warning ? "::warning "
                                                                : "::notice ";
    if (!finding.file.empty()) text += property("file", finding.file) + ",";
    if (finding.line > 0) text += property("line", std::to_string(finding.line)) + ",";
    if (finding.column > 0) text += property("col", std::to_string(finding.column)) + ",";
    return text + property("title", finding.rule) + "::" + command_text(finding.message, "") + "\n";
}

// A cell of a Markdown table: nothing in it is markup.
std::string cell(std::string_view text) {
    std::string result;
    for (const char c : escape_foreign(text)) {
        if (std::string_view("\\`*_{}[]<>|#!~&").find(c) != std::string_view::npos) result += '\\';
        result += c;
    }
    return result;
}

}  // namespace

std::vector<RunFinding> findings_of(const StageRun& run) {
    std::vector<RunFinding> all;
    for (const auto& gate : run.report.gates) {
        const auto& name = gate.gate->name;
        for (auto finding : gate.findings) {
            finding.rule = name + (finding.rule.empty() ? "" : "/" + finding.rule);
            all.push_back({name, std::move(finding)});
        }
        for (const auto& test : gate.tests.cases)
            if (failed(test)) all.push_back({name, as_finding(gate, test)});
        if (gate.outcome == Outcome::Failed) all.push_back({name, as_finding(gate)});
    }
    return all;
}

std::string sarif_report(const StageRun& run) {
    Value results{Value::List{}};
    Value rules{Value::List{}};
    std::set<std::string> known;
    for (const auto& [gate, finding] : findings_of(run)) {
        if (known.insert(finding.rule).second) {
            Value rule;
            rules.push(rule.set("id", finding.rule));
        }
        results.push(as_result(finding));
    }
    Value driver;
    driver.set("name", "tidegate").set("version", TIDEGATE_VERSION).set("rules", std::move(rules));
    Value tool;
    tool.set("driver", std::move(driver));
    Value invocation;
    invocation.set("executionSuccessful", !run.report.cancelled);
    Value invocations{Value::List{}};
    invocations.push(std::move(invocation));
    Value details;
    details.set("id", "tidegate/" + run.prepared->target.stage);
    Value one;
    one.set("tool", std::move(tool)).set("automationDetails", std::move(details));
    one.set("invocations", std::move(invocations)).set("results", std::move(results));
    Value runs{Value::List{}};
    runs.push(std::move(one));
    Value all;
    all.set("$schema", "https://json.schemastore.org/sarif-2.1.0.json").set("version", "2.1.0");
    return to_pretty_json(all.set("runs", std::move(runs)));
}

std::string code_quality_report(const StageRun& run) {
    Value issues{Value::List{}};
    std::map<std::string, int> seen;
    for (const auto& [gate, finding] : findings_of(run)) {
        if (finding.file.empty()) continue;
        const auto same = finding.rule + '\0' + finding.file + '\0' + finding.message;
        const auto fingerprint = sha256_hex(same + '\0' + std::to_string(++seen[same]));
        Value lines;
        lines.set("begin", std::max(finding.line, 1));
        Value location;
        location.set("path", finding.file).set("lines", std::move(lines));
        Value issue;
        issue.set("description", finding.message.empty() ? finding.rule : finding.message);
        issue.set("check_name", finding.rule).set("fingerprint", fingerprint);
        issue.set("severity", finding.level == FindingLevel::Error     ? "major"
                              : finding.level == FindingLevel::Warning ? "minor"
                                                                       : "info");
        issues.push(issue.set("location", std::move(location)));
    }
    return to_pretty_json(issues);
}

std::string github_annotations(const StageRun& run) {
    constexpr size_t kMost = 50;
    auto all = findings_of(run);
    std::stable_sort(all.begin(), all.end(),
                     [](const RunFinding& a, const RunFinding& b) { return a.what.level > b.what.level; });
    std::string text;
    for (size_t i = 0; i < std::min(all.size(), kMost); ++i) text += annotation(all[i].what);
    if (all.size() > kMost)
        text += "::notice title=tidegate::and " + count_of(all.size() - kMost, "further finding") + "\n";
    return text;
}

std::string github_summary(const StageRun& run) {
    const auto& target = run.prepared->target;
    std::string text =
        "### tidegate " + cell(target.stage) + ": " + (run.report.passed() ? "passed" : "failed") + " in " +
        human_duration(run.report.took) + "\n\n| gate | | | time |\n| --- | --- | --- | ---: |\n";
    for (const auto& gate : run.report.gates) {
        const auto outcome = std::string(name_of(gate.outcome));
        const bool repeats = gate.detail.starts_with(outcome);
        text += "| " + cell(gate.gate->name) + " | " + outcome + " | " + cell(repeats ? "" : gate.detail) +
                " | " + (gate.took.count() > 0 ? human_duration(gate.took) : "") + " |\n";
    }
    return text + "\ntree " + target.tree.short_str() + "\n";
}

}  // namespace tidegate::hooks::cli
