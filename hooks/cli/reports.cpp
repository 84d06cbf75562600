#include "hooks/cli/reports.hpp"

#include "shared/base/text.hpp"

#include <algorithm>
#include <cstdio>

namespace tidegate::hooks::cli {

using namespace shared;

namespace {

Value id_or_null(const std::optional<Oid>& oid) {
    return oid ? Value(oid->str()) : Value();
}

std::int64_t milliseconds(Duration duration) {
    return static_cast<std::int64_t>(duration.count());
}

std::string_view fate_name(Fate fate) {
    switch (fate) {
        case Fate::Run: return "run";
        case Fate::Cached: return "cached";
        case Fate::Empty: return "empty";
        case Fate::Skipped: return "skipped";
    }
    return "run";
}

std::string seconds(Duration duration) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", static_cast<double>(duration.count()) / 1000);
    return text;
}

// XML 1.0 has no way to write most control characters, escaped or not: escape_foreign_block has made them
// visible.
std::string xml(std::string_view raw) {
    std::string result;
    for (const char c : escape_foreign_block(raw)) {
        switch (c) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '>': result += "&gt;"; break;
            case '"': result += "&quot;"; break;
            case '\n': result += "&#10;"; break;
            default: result += c;
        }
    }
    return result;
}

std::string junit_case(const GateRun& run, const std::string& stage) {
    std::string text = "    <testcase classname=\"" + xml(stage) + "\" name=\"" + xml(run.gate->name) +
                       "\" time=\"" + seconds(run.took) + "\"";
    if (run.outcome == Outcome::Failed)
        return text + ">\n      <failure message=\"" + xml(run.detail) + "\">" + xml(run.tail) +
               "</failure>\n    </testcase>\n";
    if (run.outcome == Outcome::Passed || run.outcome == Outcome::Flaky || run.outcome == Outcome::Cached)
        return text + "/>\n";
    return text + ">\n      <skipped message=\"" +
           xml(run.detail.empty() ? name_of(run.outcome) : run.detail) + "\"/>\n    </testcase>\n";
}

}  // namespace

Value run_value(const StageRun& run) {
    const auto& target = run.prepared->target;
    Value gates{Value::List{}};
    for (const auto& gate : run.report.gates) {
        Value one;
        one.set("name", gate.gate->name).set("outcome", name_of(gate.outcome)).set("detail", gate.detail);
        one.set("took_ms", milliseconds(gate.took)).set("files", static_cast<std::uint64_t>(gate.files));
        one.set("attempts", gate.attempts).set("log", gate.log.empty() ? Value() : Value(gate.log));
        gates.push(std::move(one));
    }
    Value notes{Value::List{}};
    for (const auto& note : run.report.notes) notes.push(note);
    Value all;
    all.set("stage", target.stage).set("tree", target.tree.str()).set("commit", id_or_null(target.commit));
    all.set("passed", run.report.passed() && !run.report.cancelled);
    all.set("skipped", run.report.skipped()).set("cancelled", run.report.cancelled);
    all.set("took_ms", milliseconds(run.report.took)).set("logs", run.report.logs);
    all.set("gates", std::move(gates)).set("notes", std::move(notes));
    return all;
}

Value plan_value(const Plan& plan, const Target& target) {
    Value gates{Value::List{}};
    for (const auto& gate : plan.gates) {
        Value files{Value::List{}};
        for (const auto& file : gate.files) files.push(file.path);
        Value needs{Value::List{}};
        for (const auto& need : gate.gate->needs) needs.push(need);
        Value one;
        one.set("name", gate.gate->name).set("fate", fate_name(gate.fate)).set("reason", gate.reason);
        one.set("files", std::move(files)).set("needs", std::move(needs));
        gates.push(std::move(one));
    }
    Value all;
    all.set("stage", target.stage).set("tree", target.tree.str()).set("commit", id_or_null(target.commit));
    all.set("changed_files", static_cast<std::uint64_t>(plan.changed_files)).set("gates", std::move(gates));
    return all;
}

std::string junit_report(const StageRun& run) {
    const auto& report = run.report;
    const auto count = [&](auto&& wanted) {
        return std::to_string(std::count_if(report.gates.begin(), report.gates.end(), wanted));
    };
    const auto failed = count([](const GateRun& gate) { return gate.outcome == Outcome::Failed; });
    const auto skipped = count([](const GateRun& gate) {
        return gate.outcome != Outcome::Failed && gate.outcome != Outcome::Passed &&
               gate.outcome != Outcome::Flaky && gate.outcome != Outcome::Cached;
    });
    const auto& stage = run.prepared->target.stage;
    const auto counts = " tests=\"" + std::to_string(report.gates.size()) + "\" failures=\"" + failed +
                        "\" errors=\"0\" skipped=\"" + skipped + "\" time=\"" + seconds(report.took) + "\"";
    std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tidegate\"" + counts +
                       ">\n  <testsuite name=\"" + xml(stage) + "\"" + counts + ">\n";
    for (const auto& gate : report.gates) text += junit_case(gate, stage);
    return text + "  </testsuite>\n</testsuites>\n";
}

}  // namespace tidegate::hooks::cli
