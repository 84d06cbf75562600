#include "hooks/in_process.hpp"
#include "hooks/runner.hpp"
#include "hooks/wake.hpp"
#include "shared/base/process.hpp"
#include "shared/base/text.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace tidegate::hooks {

using namespace shared;

namespace {

std::vector<pid_t> children_now() {
    std::vector<pid_t> pids;
    siginfo_t any{};  // mostly there is none, and /proc is slow
    if (waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) return pids;
    std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
    for (pid_t pid = 0; children >> pid;) pids.push_back(pid);
    return pids;
}

}  // namespace

Result<RunReport> Runner::run() {
    const auto begun = std::chrono::steady_clock::now();
    become_subreaper();
    const auto others = children_now();  // of the program, a reader of objects among them
    report_.gates.resize(plan_.gates.size());
    settled_.resize(plan_.gates.size());
    watcher_.started(plan_);
    settle_what_does_not_run();
    wake_ = join_wakes(options_.cancel_fd, -1);
    while (true) {
        TRY(start_ready());
        if (jobs_.empty()) break;
        TRY(wait());
    }
    for (size_t i = 0; i < settled_.size(); ++i)
        if (!settled_[i])
            settle(i, report_.cancelled ? Outcome::Cancelled : Outcome::NotRun,
                   report_.cancelled ? "cancelled" : "not run: another gate failed");
    while (end_orphans(others) > 0) {
    }
    TRY(close_snapshot());
    remember();
    report_.took = since(begun);
    return std::move(report_);
}

void Runner::settle(size_t index, Outcome outcome, std::string detail) {
    auto& run = report_.gates[index];
    run.gate = plan_.gates[index].gate;
    run.outcome = outcome;
    run.detail = std::move(detail);
    settled_[index] = true;
    failed_ = failed_ || outcome == Outcome::Failed;
    watcher_.gate_finished(index, run);
}

void Runner::settle_what_does_not_run() {
    for (size_t i = 0; i < plan_.gates.size(); ++i) {
        const auto& planned = plan_.gates[i];
        report_.gates[i].gate = planned.gate;
        report_.gates[i].files = planned.matched;
        switch (planned.fate) {
            case Fate::Run: break;
            case Fate::Cached: settle(i, Outcome::Cached, "cached"); break;
            case Fate::Empty: settle(i, Outcome::Empty, planned.reason); break;
            case Fate::Skipped: settle(i, Outcome::Skipped, planned.reason); break;
        }
    }
}

bool Runner::may_start(size_t index) {
    for (size_t i = 0; !plan_.gates[index].first && i < plan_.gates.size(); ++i) {
        const bool to_be_fixed = plan_.gates[i].to_fix && report_.gates[i].outcome == Outcome::Failed;
        if (plan_.gates[i].first && (!settled_[i] || to_be_fixed)) return false;
    }
    for (const auto& need : plan_.gates[index].gate->needs) {
        for (size_t i = 0; i < plan_.gates.size(); ++i) {
            if (plan_.gates[i].gate->name != need) continue;
            if (!settled_[i]) return false;
            const auto outcome = report_.gates[i].outcome;
            if (is_good(outcome) || outcome == Outcome::Skipped) continue;
            settle(index, Outcome::NotRun, "not run: needs " + need);
            return false;
        }
    }
    return true;
}

// Two that write would undo each other's work, and others would judge it half done: such a gate runs alone.
bool Runner::has_room(size_t index) const {
    const auto writes = [&](const std::unique_ptr<Job>& job) {
        return plan_.gates[job->gate].gate->writes();
    };
    if (jobs_.empty()) return true;
    if (plan_.gates[index].gate->writes() || std::any_of(jobs_.begin(), jobs_.end(), writes)) return false;
    return jobs_.size() < static_cast<size_t>(plan_.stage->parallel);
}

Result<void> Runner::start_ready() {
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < plan_.gates.size(); ++i) {
            const bool running = std::any_of(jobs_.begin(), jobs_.end(),
                                             [&](const std::unique_ptr<Job>& job) { return job->gate == i; });
            if (settled_[i] || running) continue;
            if (is_readable(options_.cancel_fd)) cancel();
            if (stopped()) return {};
            if (!may_start(i)) {
                again = again || settled_[i];  // others may need it
                continue;
            }
            if (plan_.gates[i].in_process()) {
                TRY(check_in_process(i));
                again = true;
            } else if (has_room(i)) {
                TRY(start(i));
            }
        }
    }
    return {};
}

Result<void> Runner::check_in_process(size_t index) {
    const auto begun = std::chrono::steady_clock::now();
    watcher_.gate_started(index);
    const auto result = TRY(run_in_process(repo_, plan_.gates[index], target_));
    auto& run = report_.gates[index];
    run.took = since(begun);
    run.attempts = 1;
    if (result.problems == 0) {
        settle(index, Outcome::Passed, "");
        return {};
    }
    run.findings = result.findings;
    run.tail = result.output;
    TRY(ensure_logs());
    const auto log = TRY(logs_->open(run.gate->name));
    TRY(write_all(log.get(), result.output, "log"));
    run.log = logs_->path_of(run.gate->name);
    settle(index, Outcome::Failed, count_of(result.problems, "problem"));
    return {};
}

void Runner::cancel() {
    if (report_.cancelled) return;
    report_.cancelled = true;
    supervisor_.end_all();
}

Result<void> Runner::wait() {
    const auto tick = watcher_.tick();
    std::optional<MonoTime> until;
    if (tick) until = std::chrono::steady_clock::now() + *tick;
    // A signal stays readable until the program ends: once seen, it is not waited for again.
    const int wake = report_.cancelled ? -1 : wake_.get();
    for (const auto& finished : supervisor_.wait(until, wake)) TRY(line_ended(finished.id, finished.exit));
    if (snapshot_) snapshot_->read_events();
    if (is_readable(options_.cancel_fd)) cancel();
    if (failed_ && plan_.stage->fail_fast) supervisor_.end_all();
    if (tick) watcher_.ticked();
    return {};
}

void Runner::remember() {
    if (!report_.spoil.changed.empty()) return;
    for (size_t i = 0; i < plan_.gates.size(); ++i) {
        const auto& planned = plan_.gates[i];
        if (report_.gates[i].outcome != Outcome::Passed || planned.definition.empty()) continue;
        const auto kept = cache_.remember(planned.definition, planned.inputs);
        if (kept) continue;
        report_.notes.push_back(kept.error().line());
        return;  // what keeps one from being written keeps all: told once
    }
}

Result<RunReport> run_plan(const Repository& repo, const Plan& plan, Target& target, const Cache& cache,
                           Watcher& watcher, const RunOptions& options) {
    return Runner(repo, plan, target, cache, watcher, options).run();
}

}  // namespace tidegate::hooks
