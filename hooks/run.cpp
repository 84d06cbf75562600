#include "hooks/run.hpp"

#include "hooks/command.hpp"
#include "hooks/gate_reports.hpp"
#include "hooks/in_process.hpp"
#include "hooks/logs.hpp"
#include "hooks/missing_hint.hpp"
#include "shared/base/files.hpp"
#include "shared/base/process.hpp"
#include "shared/base/text.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kTail = 64 << 10;
constexpr size_t kLongestLog = 16 << 20;

Duration since(MonoTime start) {
    return std::chrono::duration_cast<Duration>(SteadyClock::now() - start);
}

bool is_readable(int fd) {
    pollfd polled{fd, POLLIN, 0};
    return fd >= 0 && poll(&polled, 1, 0) > 0;
}

// Two descriptors to wait for as one.
Fd join_wakes(int a, int b) {
    Fd both(epoll_create1(EPOLL_CLOEXEC));
    for (const int fd : {a, b}) {
        if (fd < 0 || !both) continue;
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        (void)epoll_ctl(both.get(), EPOLL_CTL_ADD, fd, &event);
    }
    return both;
}

// The end of an output, and the whole of it in a file, up to a bound.
class Output {
  public:
    void open(Fd log) { log_ = std::move(log); }
    void take(std::string_view bytes) {
        tail_ += bytes;
        if (tail_.size() > 2 * kTail) tail_.erase(0, tail_.size() - kTail);
        if (!log_) return;
        const auto room = kLongestLog - std::min(kLongestLog, logged_);
        const auto part = bytes.substr(0, room);
        (void)write_all(log_.get(), part, "log");  // a full disk must not fail a gate that passes
        logged_ += part.size();
        if (part.size() == bytes.size() || cut_) return;
        cut_ = true;
        (void)write_all(log_.get(), "\n… cut here: more than 16 MiB\n", "log");
    }
    [[nodiscard]] std::string tail() const {
        return tail_.size() > kTail ? tail_.substr(tail_.size() - kTail) : tail_;
    }

  private:
    Fd log_;
    std::string tail_;
    size_t logged_ = 0;
    bool cut_ = false;
};

// A gate that runs. Its command lines one after the other, all of them even when one fails: people want to see it all.
struct Job {
    size_t gate = 0;
    std::vector<std::vector<std::string>> lines;
    size_t line = 0;
    Environment env;
    std::string directory;
    std::string reports;  // the folder that {reports} stands for
    GateReports found;    // of the last attempt
    Output output;
    MonoTime started;  // of the gate
    MonoTime attempt_started;
    int attempts = 0;
    std::optional<Exit> failure;  // the first of this attempt
    Supervisor::Id id = 0;
};

class Runner {
  public:
    Runner(const Repository& repo, const Plan& plan, Target& target, const Cache& cache, Watcher& watcher,
           const RunOptions& options)
        : repo_(repo), plan_(plan), target_(target), cache_(cache), watcher_(watcher), options_(options) {}

    Result<RunReport> run();

  private:
    void settle_what_does_not_run();
    void settle(size_t index, Outcome outcome, std::string detail);
    Result<void> start_ready();
    [[nodiscard]] bool stopped() const { return report_.cancelled || (failed_ && plan_.stage->fail_fast); }
    [[nodiscard]] bool may_start(size_t index);
    Result<void> check_in_process(size_t index);
    Result<void> start(size_t index);
    Result<void> ensure_snapshot();
    Result<void> ensure_logs();
    Result<void> run_setup(size_t index);
    Result<void> start_line(Job& job);
    Result<void> line_ended(Supervisor::Id id, const Exit& exit);
    void read_reports(Job& job);
    void attempt_ended(Job& job);
    void cancel();
    Result<void> wait();
    Result<void> close_snapshot();
    void remember();

    const Repository& repo_;
    const Plan& plan_;
    Target& target_;
    const Cache& cache_;
    Watcher& watcher_;
    const RunOptions& options_;

    RunReport report_;
    std::vector<bool> settled_;
    std::vector<std::unique_ptr<Job>> jobs_;
    std::optional<Snapshot> snapshot_;
    std::optional<RunLogs> logs_;
    std::vector<size_t> in_snapshot_;  // gates that ran there
    bool failed_ = false;
    Fd wake_;
    Supervisor supervisor_;  // last: its children end before what they report to
};

Result<RunReport> Runner::run() {
    const auto begun = SteadyClock::now();
    become_subreaper();
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
    while (end_orphans({}) > 0) {
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

// Whether all it needs is done; a gate whose need failed is settled here.
bool Runner::may_start(size_t index) {
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
            } else if (jobs_.size() < static_cast<size_t>(plan_.stage->parallel)) {
                TRY(start(i));
            }
        }
    }
    return {};
}

Result<void> Runner::check_in_process(size_t index) {
    const auto begun = SteadyClock::now();
    watcher_.gate_started(index);
    const auto result = TRY(run_in_process(repo_, plan_.gates[index], target_));
    auto& run = report_.gates[index];
    run.took = since(begun);
    run.attempts = 1;
    if (result.problems == 0) {
        settle(index, Outcome::Passed, "");
        return {};
    }
    run.tail = result.output;
    TRY(ensure_logs());
    const auto log = TRY(logs_->open(run.gate->name));
    TRY(write_all(log.get(), result.output, "log"));
    run.log = logs_->path_of(run.gate->name);
    settle(index, Outcome::Failed, count_of(result.problems, "problem"));
    return {};
}

Result<void> Runner::ensure_logs() {
    if (logs_) return {};
    logs_ = TRY(RunLogs::begin(repo_, plan_.stage->name));
    report_.logs = logs_->path();
    return {};
}

Result<void> Runner::ensure_snapshot() {
    if (snapshot_) return {};
    watcher_.preparing("snapshot");
    snapshot_ = TRY(Snapshot::prepare(repo_, *plan_.stage, target_));
    wake_ = join_wakes(options_.cancel_fd, snapshot_->watch_fd());
    for (const auto& link : snapshot_->missing_links())
        report_.notes.push_back("`link`: the working tree has no " + escape_foreign(link));
    const auto pending = snapshot_->pending_setup();
    for (const auto index : pending) TRY(run_setup(index));
    return {};
}

Result<void> Runner::run_setup(size_t index) {
    const auto& setup = plan_.stage->setup[index];
    const auto shown = escape_foreign(setup.run.shown());
    watcher_.preparing("setup: " + shown);
    Output output;
    const auto name = "setup-" + std::to_string(index + 1);
    output.open(TRY(logs_->open(name)));
    Command command;
    command.argv = TRY(command_lines(setup.run, {{}, logs_->path()}, 65536)).front();
    command.env = gate_environment(plan_.stage->setup_pass_env, {}, target_);
    command.directory = snapshot_->path();
    command.timeout = setup.timeout;
    command.output_limit = 0;
    command.merge_streams = true;
    command.cancel_fd = options_.cancel_fd;
    command.on_output = [&](Stream, std::string_view bytes) { output.take(bytes); };
    const auto exit = TRY(shared::run(command));
    if (exit.cancelled) return fail(ErrorKind::Cancelled, "cancelled during setup: " + shown);
    if (exit.ok()) return snapshot_->setup_done(index);
    auto tail = output.tail();
    if (tail.size() > 2000) tail.erase(0, tail.size() - 2000);
    return fail(ErrorKind::Failed, "`setup` failed: " + shown + ": " + exit.describe(),
                escape_foreign_block(std::string(trim(tail))) + "\nfull log: " + logs_->path_of(name));
}

Result<void> Runner::start(size_t index) {
    const auto& planned = plan_.gates[index];
    const auto& gate = *planned.gate;
    TRY(ensure_logs());
    auto job = std::make_unique<Job>();
    job->gate = index;
    if (gate.workspace == Workspace::Snapshot) {
        TRY(ensure_snapshot());
        job->directory = snapshot_->path();
        in_snapshot_.push_back(index);
    } else {
        job->directory = repo_.work_tree.empty() ? repo_.git_dir : repo_.work_tree;
    }
    job->env = gate_environment(gate.pass_env, gate.env, target_);
    Placeholders values;
    for (const auto& entry : planned.files) values.files.push_back(entry.path);
    values.reports = logs_->path() + "/" + gate.name + ".reports";
    job->reports = values.reports;
    if (gate.run.mentions("{reports}") || !gate.report.empty()) TRY(make_dirs(values.reports, 0755));
    job->lines = TRY(command_lines(gate.run, values, argument_limit(job->env)));
    job->output.open(TRY(logs_->open(gate.name)));
    report_.gates[index].log = logs_->path_of(gate.name);
    job->started = job->attempt_started = SteadyClock::now();
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
        job.attempt_started = SteadyClock::now();
        job.output.take("── again, attempt " + std::to_string(job.attempts) + "\n");
        watcher_.gate_retried(job.gate, job.attempts);
        return start_line(job);
    }
    attempt_ended(job);
    return {};
}

void Runner::read_reports(Job& job) {
    const auto& rules = plan_.gates[job.gate].gate->report;
    if (rules.empty()) return;
    job.found = read_gate_reports(rules, {job.reports, job.directory}, !job.failure,
                                  [this] { return changed_lines(repo_, target_); });
    job.output.take(escape_foreign_block(job.found.shown));
}

// The gate is done: its outcome is told, and the job is gone.
void Runner::attempt_ended(Job& job) {
    const auto index = job.gate;
    auto& run = report_.gates[index];
    run.took = since(job.started);
    run.attempts = job.attempts;
    run.tail = job.output.tail();
    const auto failure = job.failure;
    const bool again = job.attempts > 1;
    const auto found = std::move(job.found);
    run.tests = found.tests;
    std::erase_if(jobs_, [&](const std::unique_ptr<Job>& one) { return one.get() == &job; });
    if (!failure && !found.failure.empty()) return settle(index, Outcome::Failed, found.failure);
    if (!failure)
        return settle(index, again ? Outcome::Flaky : Outcome::Passed, again ? "flaky" : found.summary);
    if (failure->cancelled)
        return settle(index, report_.cancelled ? Outcome::Cancelled : Outcome::NotRun,
                      report_.cancelled ? "cancelled" : "stopped: another gate failed");
    if (plan_.gates[index].gate->workspace == Workspace::Snapshot)
        run.hint = missing_hint(repo_, target_, run.tail, failure->code);
    // The tool's exit code says less than its report.
    settle(index, Outcome::Failed, found.failure.empty() ? failure->describe() : found.failure);
}

void Runner::cancel() {
    if (report_.cancelled) return;
    report_.cancelled = true;
    supervisor_.end_all();
}

Result<void> Runner::wait() {
    const auto tick = watcher_.tick();
    std::optional<MonoTime> until;
    if (tick) until = SteadyClock::now() + *tick;
    // A signal stays readable until the program ends: once seen, it is not waited for again.
    const int wake = report_.cancelled ? -1 : wake_.get();
    for (const auto& finished : supervisor_.wait(until, wake)) TRY(line_ended(finished.id, finished.exit));
    if (snapshot_) snapshot_->read_events();
    if (is_readable(options_.cancel_fd)) cancel();
    if (failed_ && plan_.stage->fail_fast) supervisor_.end_all();
    if (tick) watcher_.ticked();
    return {};
}

Result<void> Runner::close_snapshot() {
    if (!snapshot_) return {};
    report_.spoil = TRY(snapshot_->spoil());
    if (!report_.spoil.changed.empty() && in_snapshot_.size() == 1)
        report_.spoiler = report_.gates[in_snapshot_.front()].gate->name;
    if (!report_.spoil.added.empty())
        report_.notes.push_back(count_of(report_.spoil.added.size(), "new file") +
                                " left in the snapshot that no .gitignore names, removed by the next run: " +
                                escape_foreign(report_.spoil.added.front()));
    return snapshot_->release(report_.spoil);
}

// Nothing of a run in which the tree's files were changed: whatever ran meanwhile saw another tree.
void Runner::remember() {
    if (!report_.spoil.changed.empty()) return;
    for (size_t i = 0; i < plan_.gates.size(); ++i) {
        const auto& planned = plan_.gates[i];
        if (report_.gates[i].outcome != Outcome::Passed || planned.definition.empty()) continue;
        const auto kept = cache_.remember(planned.definition, planned.inputs);
        if (!kept) report_.notes.push_back(kept.error().line());
    }
}

}  // namespace

std::string_view name_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Passed: return "passed";
        case Outcome::Flaky: return "flaky";
        case Outcome::Cached: return "cached";
        case Outcome::Empty: return "empty";
        case Outcome::Skipped: return "skipped";
        case Outcome::Failed: return "failed";
        case Outcome::NotRun: return "not run";
        case Outcome::Cancelled: return "cancelled";
    }
    return "unknown";
}

bool is_good(Outcome outcome) {
    return outcome == Outcome::Passed || outcome == Outcome::Flaky || outcome == Outcome::Cached ||
           outcome == Outcome::Empty;
}

bool RunReport::passed() const {
    return !cancelled && spoil.changed.empty() &&
           std::all_of(gates.begin(), gates.end(), [](const GateRun& run) {
               return is_good(run.outcome) || run.outcome == Outcome::Skipped;
           });
}

bool RunReport::skipped() const {
    return std::any_of(gates.begin(), gates.end(),
                       [](const GateRun& run) { return run.outcome == Outcome::Skipped; });
}

Result<RunReport> run_plan(const Repository& repo, const Plan& plan, Target& target, const Cache& cache,
                           Watcher& watcher, const RunOptions& options) {
    return Runner(repo, plan, target, cache, watcher, options).run();
}

Result<Fd> watch_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
    if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return fail_errno("cannot block signals");
    Fd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) return fail_errno("cannot watch signals");
    return fd;
}

}  // namespace tidegate::hooks
