// The state of one run, for the files run*.cpp alone: what is started, what runs, what is settled.
#pragma once

#include "hooks/job.hpp"
#include "hooks/logs.hpp"
#include "hooks/run.hpp"

namespace tidegate::hooks {

class Runner {  // one run, then it is spent
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
    [[nodiscard]] bool has_room(size_t index) const;
    Result<void> check_in_process(size_t index);
    Result<void> start(size_t index);
    Result<void> ensure_snapshot();
    Result<void> ensure_logs();
    Result<void> run_setup(size_t index);
    Result<void> start_line(Job& job);
    Result<void> line_ended(shared::Supervisor::Id id, const shared::Exit& exit);
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
    shared::Fd wake_;
    shared::Supervisor supervisor_;  // last: its children end before what they report to
};

}  // namespace tidegate::hooks
