// Runs a plan: gates by the graph of their needs, at most `parallel` at once, each ended with its whole
// process group on time. What happens is told to a Watcher as it happens, and in whole by the RunReport.
#pragma once

#include "hooks/plan.hpp"
#include "hooks/report/junit.hpp"
#include "hooks/snapshot.hpp"

namespace tidegate::hooks {

enum class Outcome {
    Passed,
    Flaky,  // passed after a retry
    Cached,
    Empty,    // nothing for it in the change
    Skipped,  // by a person
    Failed,
    NotRun,     // a gate it needs failed, or fail_fast
    Cancelled,  // SIGINT, SIGTERM
};
[[nodiscard]] std::string_view name_of(Outcome outcome);  // "passed", "flaky", …
[[nodiscard]] bool is_good(Outcome outcome);              // Passed Flaky Cached Empty

struct GateRun {
    const Gate* gate = nullptr;
    Outcome outcome = Outcome::NotRun;
    std::string detail;  // "exit 1", "timed out after 5m", "needs unit", "no matching files", "2 problems"
    shared::Duration took{0};
    size_t files = 0;  // it was run on
    int attempts = 0;
    std::string tail;           // the end of its output, at most 64 KiB, as it came (escape when showing)
    std::string log;            // path; empty where nothing ran
    std::string hint;           // a sentence; may be empty
    reports::TestReport tests;  // out of its own reports
};

struct RunReport {
    std::vector<GateRun> gates;  // in the file's order
    Spoil spoil;                 // what gates did to the tree's files: such a stage has failed
    bool cancelled = false;
    shared::Duration took{0};
    std::string logs;                // the folder of this run's logs; empty where nothing ran
    std::vector<std::string> notes;  // one line each, for people
    std::string spoiler;             // the gate that ran alone when the spoil was done; may be empty

    [[nodiscard]] bool passed() const;   // all good (skipped ones do not fail it)
    [[nodiscard]] bool skipped() const;  // a person skipped one: not to be attested
};

// Called in the runner's thread. Gates by their index in the plan.
class Watcher {
  public:
    virtual ~Watcher() = default;
    virtual void started(const Plan&) {}
    virtual void preparing(const std::string& what) { (void)what; }  // "snapshot", "setup: npm ci"
    virtual void gate_started(size_t gate) { (void)gate; }
    virtual void gate_output(size_t gate, std::string_view bytes) { (void)gate, (void)bytes; }
    virtual void gate_retried(size_t gate, int attempt) { (void)gate, (void)attempt; }
    virtual void gate_finished(size_t gate, const GateRun& run) { (void)gate, (void)run; }
    // About every `tick` while something runs, for a face with clocks. nullopt: never.
    [[nodiscard]] virtual std::optional<shared::Duration> tick() const { return std::nullopt; }
    virtual void ticked() {}
};

struct RunOptions {
    int cancel_fd = -1;  // readable: end everything (a signalfd); not owned
};

// Errors are of our own making (no snapshot, no git); a gate that fails is in the report. What passed is
// remembered in `cache`.
[[nodiscard]] Result<RunReport> run_plan(const Repository& repo, const Plan& plan, Target& target,
                                         const Cache& cache, Watcher& watcher, const RunOptions& options);

// SIGINT, SIGTERM and SIGHUP as a descriptor, blocked otherwise. Once, at the beginning of main().
[[nodiscard]] Result<shared::Fd> watch_signals();

}  // namespace tidegate::hooks
