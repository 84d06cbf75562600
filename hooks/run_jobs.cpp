#include "hooks/command.hpp"
#include "hooks/missing_hint.hpp"
#include "hooks/runner.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

Result<void> Runner::start(size_t index) {
    const auto& planned = plan_.gates[index];
    const auto& gate = *planned.gate;
    auto job = std::make_unique<Job>();
    job->gate = index;
    if (gate.workspace == Workspace::Snapshot) {
        TRY(ensure_snapshot());
        job->directory = snapshot_->path();
        in_snapshot_.push_back(index);
    } else {
        job->directory = repo_.work_tree.empty() ? repo_.git_dir : repo_.work_tree;
    }
    if (!gate.folder.empty()) job->directory += "/" + gate.folder;
    job->env = gate_environment(gate.pass_env, gate.env, target_);
    Placeholders values;
    if (planned.definition.empty()) {  // not remembered: what git gave the hook may count
        values.arguments = target_.arguments;
        for (const auto& [name, value] : target_.arguments) job->env.set(variable_of(name), value);
        job->input = target_.input;
    }
    for (const auto& entry : planned.files)
        values.files.push_back(entry.path.substr(gate.files.folder.size()));
    if (gate.run.mentions("{reports}") || !gate.report.empty()) {
        TRY(ensure_logs());
        values.reports = job->reports = logs_->reports_of(gate.name);
        TRY(make_dirs(values.reports, 0755));
    }
    job->lines = TRY(command_lines(gate.run, values, argument_limit(job->env)));
    job->output.keep_in([this, index]() -> Result<Fd> {
        TRY(ensure_logs());
        auto& run = report_.gates[index];
        auto log = TRY(logs_->open(run.gate->name));
        run.log = logs_->path_of(run.gate->name);
        return log;
    });
    job->started = job->attempt_started = std::chrono::steady_clock::now();
    job->attempts = 1;
    watcher_.gate_started(index);
    jobs_.push_back(std::move(job));
    return start_line(*jobs_.back());
}

Result<void> Runner::start_line(Job& job) {
    const auto& gate = *plan_.gates[job.gate].gate;
    Command command;
    command.argv = job.lines[job.line];
    command.env = job.env;
    command.input = job.input;
    command.directory = job.directory;
    command.timeout = std::max(Duration(1), gate.timeout - since(job.attempt_started));
    command.output_limit = 0;
    command.merge_streams = true;
    command.on_output = [this, &job](Stream, std::string_view bytes) {
        job.output.take(bytes);
        watcher_.gate_output(job.gate, bytes);
    };
    auto id = supervisor_.start(std::move(command));
    if (id) {
        job.id = *id;
        return {};
    }
    // A program that is not there fails its gate, as it would in a shell; the others go on.
    job.output.take(id.error().message + "\n");
    Exit exit;
    exit.code = 127;
    job.failure = exit;
    job.line = job.lines.size();
    job.attempts = gate.retries + 1;
    attempt_ended(job);
    return {};
}

Result<void> Runner::line_ended(Supervisor::Id id, const Exit& exit) {
    const auto found = std::find_if(jobs_.begin(), jobs_.end(),
                                    [&](const std::unique_ptr<Job>& job) { return job->id == id; });
    if (found == jobs_.end()) return {};
    Job& job = **found;
    if (!exit.ok() && !job.failure) job.failure = exit;
    ++job.line;
    const bool over = exit.timed_out || exit.cancelled || report_.cancelled;
    if (job.line < job.lines.size() && !over) return start_line(job);
    const auto& gate = *plan_.gates[job.gate].gate;
    if (!over) read_reports(job);
    const bool failed = job.failure || !job.found.failure.empty();
    if (failed && !over && job.attempts <= gate.retries && !stopped()) {
        ++job.attempts;
        job.line = 0;
        job.failure.reset();
        if (!gate.report.empty()) {  // what the next attempt does not write must not count for it
            TRY(remove_tree(job.reports));
            TRY(make_dirs(job.reports, 0755));
        }
        job.attempt_started = std::chrono::steady_clock::now();
        job.output.take("── again, attempt " + std::to_string(job.attempts) + "\n");
        watcher_.gate_retried(job.gate, job.attempts);
        return start_line(job);
    }
    attempt_ended(job);
    return {};
}

void Runner::read_reports(Job& job) {
    const auto& gate = *plan_.gates[job.gate].gate;
    if (gate.report.empty()) return;
    const auto before = std::move(job.found.tests);
    job.found =
        read_gate_reports(gate.report, {job.reports, job.directory}, !job.failure,
                          {gate.name, [this] { return changed_lines(repo_, target_); }, options_.baseline});
    job.found.tests.mark_flaky(before);
    job.output.take(escape_foreign_block(job.found.shown));
}

void Runner::attempt_ended(Job& job) {
    const auto index = job.gate;
    auto& run = report_.gates[index];
    run.took = since(job.started);
    run.attempts = job.attempts;
    run.tail = job.output.tail();
    const auto failure = job.failure;
    run.ended_by_itself = !failure || (failure->signal == 0 && failure->code < 126 && !failure->timed_out &&
                                       !failure->cancelled);
    const bool again = job.attempts > 1;
    auto found = std::move(job.found);
    run.tests = std::move(found.tests);
    run.findings = std::move(found.findings);
    run.coverage = found.coverage;
    run.measures = std::move(found.measures);
    std::erase_if(jobs_, [&](const std::unique_ptr<Job>& one) { return one.get() == &job; });
    if (!failure && !found.failure.empty()) return settle(index, Outcome::Failed, found.failure);
    if (!failure)
        return settle(index, again ? Outcome::Flaky : Outcome::Passed, again ? "flaky" : found.summary);
    if (failure->cancelled)
        return settle(index, report_.cancelled ? Outcome::Cancelled : Outcome::NotRun,
                      report_.cancelled ? "cancelled" : "stopped: another gate failed");
    if (plan_.gates[index].gate->workspace == Workspace::Snapshot && ensure_entries(repo_, target_))
        run.hint = missing_hint(repo_, target_, run.tail, failure->code);
    // The tool's exit code says less than its report.
    settle(index, Outcome::Failed, found.failure.empty() ? failure->describe() : found.failure);
}

}  // namespace tidegate::hooks
