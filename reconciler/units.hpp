// The host's service manager, behind a seam.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tidegate::reconciler {

enum class UnitVerb { Start, Stop, Restart, Reload, ReloadOrRestart, Enable };

struct UnitState {
    std::string active;          // active reloading inactive failed activating deactivating
    std::string sub;             // running, dead, exited, auto-restart …
    std::string result;          // of a service: success, exit-code, timeout …
    std::string type;            // of a service: simple, notify, oneshot …
    std::uint32_t restarts = 0;  // of a service: by systemd itself, since somebody started it
    [[nodiscard]] bool up() const { return active == "active" || active == "reloading"; }
    // Up, or a service whose work is done when it has run to its end (Type=oneshot).
    [[nodiscard]] bool well() const {
        return up() || (active == "inactive" && type == "oneshot" && result == "success");
    }
    // "active (running)", "failed (exit-code)"
    [[nodiscard]] std::string words() const;
};

struct UnitPatience {
    shared::Duration job{90'000};  // for systemd to say that it is done
    shared::Duration settle{0};    // and for so long after it the unit must stay up, without being restarted
    int cancel_fd = -1;
};

class Units {
  public:
    virtual ~Units() = default;
    // Does it, waits for the job's end and for the unit to settle (but for stop and enable). Failed with the job's
    // result, the unit's state and the last lines that it wrote into the journal; NotFound for a unit that does not
    // exist; Timeout; Cancelled; Permission; Unsupported where there is no service manager.
    [[nodiscard]] virtual Result<void> act(UnitVerb verb, const std::string& unit,
                                           const UnitPatience& patience) = 0;
    // To the unit's main process. Failed where it has none.
    [[nodiscard]] virtual Result<void> signal(const std::string& unit, int number) = 0;
    [[nodiscard]] virtual Result<UnitState> state(const std::string& unit) = 0;
};

// systemd, over D-Bus, where it runs (/run/systemd/system exists); otherwise one that says Unsupported to everything.
[[nodiscard]] std::unique_ptr<Units> host_units();
// The manager or message bus at this D-Bus address.
[[nodiscard]] std::unique_ptr<Units> systemd_units(std::string address);

// A unit's name by systemd's grammar, with one of the suffixes .service .socket .target .timer .path; Invalid
// for anything else ("../x.service", newlines, options).
[[nodiscard]] Result<void> check_unit_name(std::string_view name);

[[nodiscard]] std::string_view name_of(UnitVerb verb);

// The last lines that a unit itself wrote into the journal since `since`, escaped, oldest first; none where the journal
// cannot be read. Waits a moment for lines that are on their way.
[[nodiscard]] std::string last_journal_lines(const std::string& unit, shared::WallTime since, size_t lines);

}  // namespace tidegate::reconciler
