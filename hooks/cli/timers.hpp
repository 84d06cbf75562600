// Stages by the clock: systemd's user timers of a working tree.
#pragma once

#include "shared/base/error.hpp"

#include <string>
#include <vector>

namespace tidegate::hooks::cli {

struct Timer {
    std::string stage;
    std::string unit;       // "tidegate-web-1a2b3c4d-nightly.timer"
    std::string when;       // as it is in the unit
    std::string complaint;  // why it does not run; empty: systemd has it
};

// $XDG_CONFIG_HOME/systemd/user, else ~/.config/systemd/user.
[[nodiscard]] Result<std::string> user_units_dir();

// Writes timer and service for "STAGE@WHEN" and has systemd start the timer. Usage for a WHEN that systemd would not
// understand. That no user manager answers is no error: the complaint says what to run.
[[nodiscard]] Result<Timer> install_timer(const std::string& folder, const std::string& stage,
                                          const std::string& when);
// Those of `folder`, as systemd has them now.
[[nodiscard]] Result<std::vector<Timer>> list_timers(const std::string& folder);
// Takes all of `folder` out and gives their stages.
[[nodiscard]] Result<std::vector<std::string>> uninstall_timers(const std::string& folder);

}  // namespace tidegate::hooks::cli
