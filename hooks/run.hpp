// Runs a plan: gates by the graph of their needs, at most `parallel` at once, each ended with its whole
// process group on time. What happens is told to a Watcher as it happens, and in whole by the RunReport.
#pragma once

#include "hooks/gate_reports.hpp"
#include "hooks/plan.hpp"
#include "hooks/run_report.hpp"

#include <functional>

namespace tidegate::hooks {

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
    BaselineOf baseline;  // asked where a gate has a benchmark with a limit; empty: nothing is known
    int cancel_fd = -1;   // readable: end everything (a signalfd); not owned
    // Called when all gates have ended, with the snapshot's checkout and what was done to it; may be empty.
    std::function<Result<void>(const std::string& checkout, const Spoil& spoil)> on_changes = nullptr;
};

// Errors are of our own making (no snapshot, no git); a gate that fails is in the report. What passed is
// remembered in `cache`.
[[nodiscard]] Result<RunReport> run_plan(const Repository& repo, const Plan& plan, Target& target,
                                         const Cache& cache, Watcher& watcher, const RunOptions& options);

}  // namespace tidegate::hooks
