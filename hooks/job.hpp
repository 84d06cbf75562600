// A gate that runs, and what it writes.
#pragma once

#include "hooks/gate_reports.hpp"
#include "shared/base/process.hpp"

#include <chrono>
#include <functional>

namespace tidegate::hooks {

[[nodiscard]] inline shared::Duration since(shared::MonoTime start) {
    return std::chrono::duration_cast<shared::Duration>(std::chrono::steady_clock::now() - start);
}

// The end of an output, and the whole of it in a file, up to a bound.
class JobOutput {
  public:
    using Open = std::function<Result<shared::Fd>()>;
    // Where it goes to; asked for with the first byte, so that what says nothing costs nothing.
    void keep_in(Open open) { open_ = std::move(open); }
    void take(std::string_view bytes);
    [[nodiscard]] std::string tail() const;  // at most 64 KiB

  private:
    Open open_;
    shared::Fd log_;
    std::string tail_;
    size_t logged_ = 0;
    bool cut_ = false;
};

// A gate that runs. Its command lines one after the other, all of them even when one fails: people want to see it all.
struct Job {
    size_t gate = 0;
    std::vector<std::vector<std::string>> lines;
    size_t line = 0;
    shared::Environment env;
    std::string input;  // standard input, of each line
    std::string directory;
    std::string reports;  // the folder that {reports} stands for
    GateReports found;    // of the last attempt
    JobOutput output;
    shared::MonoTime started;  // of the gate
    shared::MonoTime attempt_started;
    int attempts = 0;
    std::optional<shared::Exit> failure;  // the first of this attempt
    shared::Supervisor::Id id = 0;
};

}  // namespace tidegate::hooks
