// Units by systemd's D-Bus interface, and what they wrote by its journal.
#include "reconciler/manager_bus.hpp"
#include "reconciler/units.hpp"
#include "shared/base/text.hpp"

#include <systemd/sd-journal.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
constexpr const char* kService = "org.freedesktop.systemd1.Service";
constexpr size_t kQuotedLines = 3;
constexpr size_t kLongestLine = 300;
constexpr std::chrono::seconds kJournalPatience{1};  // what a dying service said is on its way

const char* method_of(UnitVerb verb) {
    switch (verb) {
        case UnitVerb::Start: return "StartUnit";
        case UnitVerb::Stop: return "StopUnit";
        case UnitVerb::Restart: return "RestartUnit";
        case UnitVerb::Reload: return "ReloadUnit";
        default: return "ReloadOrRestartUnit";
    }
}

MonoTime from_now(Duration length) {
    return std::chrono::steady_clock::now() + length;
}

class SystemdUnits final : public Units {
  public:
    explicit SystemdUnits(std::string address) : address_(std::move(address)) {}

    Result<void> act(UnitVerb verb, const std::string& unit, const UnitPatience& patience) override {
        TRY(check_unit_name(unit));
        const auto what = std::string(name_of(verb)) + " of " + unit;
        auto bus = TRY(ManagerBus::connect(address_));
        if (verb == UnitVerb::Enable) return enable(bus, unit, what);
        const auto object = TRY(loaded(bus, unit));
        const auto since = SystemClock().now();
        TRY(bus.watch_jobs());
        TRY(bus.watch_unit(object));
        auto asked = bus.path_of(method_of(verb), {unit, "replace"}, what);
        if (!asked) return fail(explained(std::move(asked.error()), unit, since));
        const auto result = bus.wait_job(*asked, from_now(patience.job), patience.cancel_fd);
        if (!result && result.error().kind == ErrorKind::Timeout) {
            const auto now = state_of(bus, object, unit);
            return fail(explained({ErrorKind::Timeout,
                                   what + " timed out after " + human_duration(patience.job) +
                                       (now ? "; it is " + now->words() : ""),
                                   "",
                                   {},
                                   {}},
                                  unit, since));
        }
        if (!result) return fail(Error(result.error()).during(what));
        const auto now = TRY(state_of(bus, object, unit));
        if (*result != "done" && *result != "skipped")
            return fail(explained({ErrorKind::Failed,
                                   what + " failed (" + escape_foreign(*result) + "); it is " + now.words(),
                                   "",
                                   {},
                                   {}},
                                  unit, since));
        if (verb == UnitVerb::Stop) return {};
        return settle(bus, object, unit, now, {patience, since, what});
    }

    Result<void> signal(const std::string& unit, int number) override {
        TRY(check_unit_name(unit));
        auto bus = TRY(ManagerBus::connect(address_));
        (void)TRY(loaded(bus, unit));
        const auto request = TRY(bus.request("KillUnit"));
        if (sd_bus_message_append(request.get(), "ssi", unit.c_str(), "main", number) < 0)
            return fail(ErrorKind::Broken, "cannot name the signal for " + unit);
        (void)TRY(bus.call(request.get(), "signal to " + unit));
        return {};
    }

    Result<UnitState> state(const std::string& unit) override {
        TRY(check_unit_name(unit));
        auto bus = TRY(ManagerBus::connect(address_));
        const auto object = TRY(loaded(bus, unit));
        return state_of(bus, object, unit);
    }

  private:
    struct Settling {
        const UnitPatience& patience;
        WallTime since;
        const std::string& what;
    };

    [[nodiscard]] static Result<std::string> loaded(ManagerBus& bus, const std::string& unit) {
        auto object = TRY(bus.path_of("LoadUnit", {unit}, "cannot see " + unit));
        const auto load = TRY(bus.text(object, kUnit, "LoadState"));
        if (load == "not-found")
            return fail(ErrorKind::NotFound, "this host has no unit " + unit,
                        "install it below /etc/systemd/system, then: systemctl daemon-reload");
        if (load == "masked")
            return fail(ErrorKind::Failed, unit + " is masked on this host", "systemctl unmask " + unit);
        if (load == "error" || load == "bad-setting")
            return fail(ErrorKind::Failed, "the file of " + unit + " is wrong",
                        "systemd-analyze verify " + unit);
        return object;
    }

    [[nodiscard]] static Result<UnitState> state_of(ManagerBus& bus, const std::string& object,
                                                    const std::string& unit) {
        UnitState state;
        state.active = TRY(bus.text(object, kUnit, "ActiveState"));
        state.sub = TRY(bus.text(object, kUnit, "SubState"));
        if (!unit.ends_with(".service")) return state;
        state.result = TRY(bus.text(object, kService, "Result"));
        state.type = TRY(bus.text(object, kService, "Type"));
        state.restarts = TRY(bus.number(object, kService, "NRestarts"));
        return state;
    }

    [[nodiscard]] static Result<void> enable(ManagerBus& bus, const std::string& unit,
                                             const std::string& what) {
        const auto request = TRY(bus.request("EnableUnitFiles"));
        if (sd_bus_message_append(request.get(), "asbb", 1, unit.c_str(), 0, 0) < 0)
            return fail(ErrorKind::Broken, "cannot name " + unit);
        (void)TRY(bus.call(request.get(), what));
        const auto reload = TRY(bus.request("Reload"));  // the new links are seen
        (void)TRY(bus.call(reload.get(), what));
        return {};
    }

    // A job that is done says that the process was started, or its own readiness; a service can die, or go round in
    // a circle of restarts, a moment later.
    [[nodiscard]] static Result<void> settle(ManagerBus& bus, const std::string& object,
                                             const std::string& unit, const UnitState& first,
                                             const Settling& how) {
        Result<UnitState> now = first;
        const auto bad = [&] { return !now || !now->well() || now->restarts != first.restarts; };
        // A job of a oneshot that ended well is over; systemd may have forgotten the unit already.
        if (!bad() && !first.up()) return {};
        auto seen = bus.changed();
        const auto changed_for_the_worse = [&] {
            if (bus.changed() == seen) return false;
            seen = bus.changed();
            now = state_of(bus, object, unit);
            return bad();
        };
        const auto done =
            bad() ? Result<bool>(true)
                  : bus.wait(changed_for_the_worse, from_now(how.patience.settle), how.patience.cancel_fd);
        if (!done) return fail(Error(done.error()).during(how.what));
        if (!*done) now = state_of(bus, object, unit);
        if (!now) return fail(now.error());
        if (!bad()) return {};
        const auto words =
            now->well() || now->sub == "auto-restart"
                ? "systemd keeps starting it again (" + std::to_string(now->restarts) + " times)"
                : "it is " + now->words();
        return fail(explained({ErrorKind::Failed, how.what + " did not last: " + words, "", {}, {}}, unit,
                              how.since));
    }

    [[nodiscard]] static Error explained(Error error, const std::string& unit, WallTime since) {
        if (error.kind == ErrorKind::Permission || error.kind == ErrorKind::NotFound) return error;
        const auto lines = last_journal_lines(unit, since, kQuotedLines);
        if (!lines.empty()) error.message += "; it said: " + lines;
        if (error.hint.empty()) error.hint = "journalctl -u " + unit;
        return error;
    }

    std::string address_;
};

std::string message_of(sd_journal* journal) {
    const void* data = nullptr;
    size_t length = 0;
    if (sd_journal_get_data(journal, "MESSAGE", &data, &length) < 0) return {};
    const std::string_view field(static_cast<const char*>(data), length);
    return std::string(trim(field.substr(std::min(field.size(), std::string_view("MESSAGE=").size()))));
}

// The newest first, back to `since` (microseconds).
std::vector<std::string> newest(sd_journal* journal, std::uint64_t since, size_t lines) {
    std::vector<std::string> found;
    if (sd_journal_seek_tail(journal) < 0) return found;
    while (found.size() < lines && sd_journal_previous(journal) > 0) {
        std::uint64_t at = 0;
        if (sd_journal_get_realtime_usec(journal, &at) < 0 || at < since) break;
        auto text = message_of(journal);
        if (!text.empty()) found.push_back(escape_foreign(text.substr(0, kLongestLine)));
    }
    return found;
}

}  // namespace

std::unique_ptr<Units> systemd_units(std::string address) {
    return std::make_unique<SystemdUnits>(std::move(address));
}

std::string last_journal_lines(const std::string& unit, WallTime since, size_t lines) {
    sd_journal* opened = nullptr;
    if (sd_journal_open(&opened, SD_JOURNAL_LOCAL_ONLY) < 0) return {};
    const Handle<sd_journal, sd_journal_close> journal(opened);
    const auto match = "_SYSTEMD_UNIT=" + unit;
    if (sd_journal_add_match(opened, match.data(), match.size()) < 0) return {};
    const auto from =
        static_cast<std::uint64_t>(std::max<Duration::rep>(since.time_since_epoch().count(), 0)) * 1000;
    auto found = newest(opened, from, lines);
    const auto until = std::chrono::steady_clock::now() + kJournalPatience;
    while (found.empty() && std::chrono::steady_clock::now() < until) {
        if (sd_journal_wait(opened, 100'000) < 0) break;
        found = newest(opened, from, lines);
    }
    std::reverse(found.begin(), found.end());
    return join(found, " | ");
}

}  // namespace tidegate::reconciler
