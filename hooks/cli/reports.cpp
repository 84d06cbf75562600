#include "hooks/cli/reports.hpp"

#include "shared/base/text.hpp"

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

Value tests_value(const reports::TestReport& tests) {
    Value failed{Value::List{}};
    for (const auto& test : tests.cases)
        if (test.outcome == reports::TestOutcome::Failed || test.outcome == reports::TestOutcome::Error)
            failed.push(test.shown());
    Value all;
    all.set("count", static_cast<std::uint64_t>(tests.cases.size()));
    all.set("skipped", static_cast<std::uint64_t>(tests.count(reports::TestOutcome::Skipped)));
    all.set("flaky", static_cast<std::uint64_t>(tests.flaky())).set("failed", std::move(failed));
    return all;
}

Value findings_value(const std::vector<reports::Finding>& findings) {
    Value all{Value::List{}};
    for (const auto& finding : findings) {
        Value one;
        one.set("rule", finding.rule)
            .set("level", reports::name_of(finding.level))
            .set("message", finding.message);
        one.set("file", finding.file).set("line", finding.line).set("column", finding.column);
        all.push(std::move(one));
    }
    return all;
}

Value share_value(const reports::Share& share) {
    Value one;
    one.set("covered", static_cast<std::uint64_t>(share.covered));
    return one.set("lines", static_cast<std::uint64_t>(share.lines)).set("percent", share.percent());
}

Value measures_value(const std::vector<Measure>& measures) {
    Value all{Value::List{}};
    for (const auto& measure : measures) {
        Value one;
        all.push(one.set("name", measure.name).set("value", measure.value).set("unit", measure.unit));
    }
    return all;
}

// A gate as a test case. Control characters are made visible: XML has no way to write them.
reports::TestCase as_case(const GateRun& run, const std::string& stage) {
    reports::TestCase test;
    test.suite = stage;
    test.class_name = stage;
    test.name = escape_foreign(run.gate->name);
    test.seconds = static_cast<double>(run.took.count()) / 1000;
    test.flaky = run.outcome == Outcome::Flaky;
    if (run.outcome == Outcome::Failed) {
        test.outcome = reports::TestOutcome::Failed;
        test.details = escape_foreign_block(run.tail);
    } else if (!is_good(run.outcome) || run.outcome == Outcome::Empty) {
        test.outcome = reports::TestOutcome::Skipped;
    }
    test.message = escape_foreign(run.detail.empty() ? name_of(run.outcome) : run.detail);
    return test;
}

}  // namespace

Value run_value(const StageRun& run) {
    const auto& target = run.prepared->target;
    Value gates{Value::List{}};
    for (const auto& gate : run.report.gates) {
        Value one;
        one.set("name", gate.gate->name).set("outcome", name_of(gate.outcome)).set("detail", gate.detail);
        one.set("took_ms", milliseconds(gate.took)).set("files", static_cast<std::uint64_t>(gate.files));
        if (!gate.tests.cases.empty()) one.set("tests", tests_value(gate.tests));
        if (!gate.findings.empty()) one.set("findings", findings_value(gate.findings));
        if (gate.coverage) one.set("coverage", share_value(*gate.coverage));
        if (!gate.measures.empty()) one.set("measures", measures_value(gate.measures));
        one.set("attempts", gate.attempts).set("log", gate.log.empty() ? Value() : Value(gate.log));
        gates.push(std::move(one));
    }
    Value notes{Value::List{}};
    for (const auto& note : run.report.notes) notes.push(note);
    Value fixed{Value::List{}};
    for (const auto& path : run.fixed) fixed.push(path);
    Value all;
    all.set("stage", target.stage).set("tree", target.tree.str()).set("commit", id_or_null(target.commit));
    all.set("fixed", std::move(fixed));
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
    const auto& stage = run.prepared->target.stage;
    reports::TestReport all;
    for (const auto& gate : run.report.gates) all.cases.push_back(as_case(gate, stage));
    for (const auto& gate : run.report.gates) {
        for (auto test : gate.tests.cases) {
            test.suite = gate.gate->name + (test.suite.empty() ? "" : "/" + test.suite);
            all.cases.push_back(std::move(test));
        }
    }
    return reports::write_junit(all, "tidegate");
}

}  // namespace tidegate::hooks::cli
