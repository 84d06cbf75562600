// The host's service manager, behind a seam.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/error.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace tidegate::reconciler {

enum class UnitVerb { Start, Stop, Restart, Reload };

struct UnitState {
    std::string active;  // active reloading inactive failed activating deactivating
    std::string sub;     // running, dead, auto-restart …
    std::string result;  // success, exit-code, timeout …
    [[nodiscard]] bool up() const { return active == "active" || active == "reloading"; }
    // "active (running)", "failed (exit-code)"
    [[nodiscard]] std::string words() const;
};

class Units {
  public:
    virtual ~Units() = default;
    // Does it and waits for the job's end. Failed with what the manager said and the unit's state; NotFound for
    // a unit that does not exist; Timeout; Cancelled; Unsupported where there is no service manager.
    [[nodiscard]] virtual Result<void> act(UnitVerb verb, const std::string& unit, shared::Duration timeout,
                                           int cancel_fd) = 0;
    [[nodiscard]] virtual Result<UnitState> state(const std::string& unit) = 0;
};

// systemd where it runs (/run/systemd/system exists), by systemctl; otherwise one that says Unsupported to
// everything.
[[nodiscard]] std::unique_ptr<Units> host_units();

// A unit's name by systemd's grammar, with one of the suffixes .service .socket .target .timer .path; Invalid
// for anything else ("../x.service", newlines, options).
[[nodiscard]] Result<void> check_unit_name(std::string_view name);

[[nodiscard]] std::string_view name_of(UnitVerb verb);

}  // namespace tidegate::reconciler
