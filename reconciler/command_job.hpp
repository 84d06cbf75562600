// One command of a release that is run, and the two ways to run it. Inside of commands.cpp's part only: others ask
// run_script().
#pragma once

#include "reconciler/sandbox.hpp"
#include "shared/base/process.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::reconciler {

struct CommandJob {
    std::string what;  // "migrate.up"
    std::string unit;  // the same as part of a unit's name: "build.2"
    std::string app;
    std::string directory;  // the release's
    std::vector<std::string> argv;
    shared::Environment env;
    std::optional<shared::RunAs> user;
    shared::Duration timeout{0};
    shared::Duration grace{5000};
    int cancel_fd = -1;
    bool stays_behind = false;
    bool builds = false;  // may write in the release
    bool probes = false;  // comes often, in parallel, and is not worth a line in the journal
    std::string input;
    std::function<void(pid_t)> on_start;              // not for a unit
    std::function<void(const std::string&)> on_unit;  // its name, before it is started
    std::function<void(std::string_view)> on_output;
    const Sandbox* sandbox = nullptr;
};

struct CommandEnd {
    shared::Exit exit;
    std::string why;  // what the exit does not tell: "it used more memory than its limit of 64MiB"
};

// Fail only where the command did not begin: NotFound, Permission, Transient.
[[nodiscard]] Result<CommandEnd> run_as_process(const CommandJob& job);
[[nodiscard]] Result<CommandEnd> run_as_unit(const CommandJob& job);

// The command on its way to tidegate-command: see command_frame.hpp.
class Handover {
  public:
    // `watch`: tidegate-command stays, and ends what the command leaves.
    [[nodiscard]] static Result<Handover> make(const CommandJob& job, bool watch);
    // To be tidegate-command's standard input; closed by began() once it has it.
    [[nodiscard]] int far_end() const { return far_.get(); }
    void began() { far_.reset(); }
    // At the end: nothing where the command began; false where tidegate-command itself did not; else why it did not.
    [[nodiscard]] Result<bool> begun(const CommandJob& job) const;

  private:
    shared::Fd near_;
    shared::Fd far_;
};

// The absolute path of tidegate-command: beside our own program, or in ../libexec/tidegate.
[[nodiscard]] Result<std::string> command_program();

}  // namespace tidegate::reconciler
