#include "reconciler/units.hpp"

#include "shared/base/files.hpp"
#include "shared/base/process.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr Duration kLook{10'000};

class NoUnits final : public Units {
  public:
    Result<void> act(UnitVerb verb, const std::string& unit, Duration, int) override {
        return none("cannot " + std::string(name_of(verb)) + " " + escape_foreign(unit));
    }
    Result<UnitState> state(const std::string& unit) override {
        return none("cannot see the state of " + escape_foreign(unit));
    }

  private:
    [[nodiscard]] static tl::unexpected<Error> none(const std::string& what) {
        return fail(ErrorKind::Unsupported, what + ": systemd does not run on this host",
                    "activate by `run: COMMAND`, and probe by http, tcp or run");
    }
};

std::string value_of(const std::string& text, std::string_view key) {
    for (const auto line : lines_of(text))
        if (line.starts_with(key) && line.substr(key.size()).starts_with('='))
            return std::string(line.substr(key.size() + 1));
    return {};
}

class SystemdUnits final : public Units {
  public:
    explicit SystemdUnits(std::string systemctl) : systemctl_(std::move(systemctl)) {}

    Result<void> act(UnitVerb verb, const std::string& unit, Duration timeout, int cancel_fd) override {
        TRY(check_unit_name(unit));
        const auto what = std::string(name_of(verb)) + " of " + unit;
        const auto exit = TRY(call({std::string(name_of(verb)), "--", unit}, timeout, cancel_fd));
        const auto now = state(unit);
        if (!now && now.error().kind == ErrorKind::NotFound) return fail(now.error());
        const auto is = now ? "; it is " + now->words() : std::string();
        if (exit.timed_out) return fail(ErrorKind::Timeout, what + " " + exit.describe() + is);
        if (exit.cancelled) return fail(ErrorKind::Cancelled, what + " cancelled");
        if (!exit.ok()) return refused(what, exit, is, unit);
        // The job went well, and the service may have died since.
        const bool starts = verb == UnitVerb::Start || verb == UnitVerb::Restart;
        if (starts && now && (now->active == "failed" || now->sub == "auto-restart"))
            return fail(ErrorKind::Failed, what + " did not last" + is, "journalctl -u " + unit);
        return {};
    }

    Result<UnitState> state(const std::string& unit) override {
        TRY(check_unit_name(unit));
        const auto exit =
            TRY(call({"show", "--property=LoadState,ActiveState,SubState,Result", "--", unit}, kLook, -1));
        if (!exit.ok())
            return fail(ErrorKind::Transient, "cannot see the state of " + unit + ": " + exit.describe());
        if (value_of(exit.out, "LoadState") == "not-found")
            return fail(ErrorKind::NotFound, "this host has no unit " + unit,
                        "install it below /etc/systemd/system, then: systemctl daemon-reload");
        return UnitState{value_of(exit.out, "ActiveState"), value_of(exit.out, "SubState"),
                         value_of(exit.out, "Result")};
    }

  private:
    [[nodiscard]] static tl::unexpected<Error> refused(const std::string& what, const Exit& exit,
                                                       const std::string& is, const std::string& unit) {
        const auto lines = lines_of(exit.err);
        const auto words = lines.empty() ? exit.describe() : escape_foreign(lines.front().substr(0, 300));
        const bool denied = exit.err.find("Access denied") != std::string::npos ||
                            exit.err.find("authentication required") != std::string::npos;
        if (denied)
            return fail(ErrorKind::Permission, what + ": " + words,
                        "run the daemon as root, or allow it by a polkit rule");
        return fail(ErrorKind::Failed, what + " failed: " + words + is, "journalctl -u " + unit);
    }

    [[nodiscard]] Result<Exit> call(std::vector<std::string> args, Duration timeout, int cancel_fd) const {
        Command command;
        command.argv = {systemctl_, "--no-ask-password", "--no-pager"};
        command.argv.insert(command.argv.end(), args.begin(), args.end());
        command.env = basic_environment();
        command.env.set("LC_ALL", "C");
        command.timeout = timeout;
        command.cancel_fd = cancel_fd;
        command.output_limit = 64 << 10;
        return run(command);
    }

    std::string systemctl_;
};

}  // namespace

std::string UnitState::words() const {
    const auto& more = active == "failed" ? result : sub;
    return escape_foreign(active + (more.empty() || more == active ? "" : " (" + more + ")"));
}

std::unique_ptr<Units> host_units() {
    auto systemctl = find_program("systemctl");
    if (systemctl && exists("/run/systemd/system"))
        return std::make_unique<SystemdUnits>(std::move(*systemctl));
    return std::make_unique<NoUnits>();
}

Result<void> check_unit_name(std::string_view name) {
    constexpr std::array<std::string_view, 5> kSuffixes{".service", ".socket", ".target", ".timer", ".path"};
    const bool suffixed = std::any_of(kSuffixes.begin(), kSuffixes.end(), [&](std::string_view suffix) {
        return name.size() > suffix.size() && name.ends_with(suffix);
    });
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' ||
               c == '_' || c == '.' || c == '-' || c == '@' || c == '\\';
    });
    if (suffixed && plain && name.size() < 256 && name.front() != '-' && name.front() != '.' &&
        name.front() != '@')
        return {};
    return fail(ErrorKind::Invalid, "not a unit's name: `" + escape_foreign(name.substr(0, 80)) + "`",
                "write it with its suffix: web.service");
}

std::string_view name_of(UnitVerb verb) {
    switch (verb) {
        case UnitVerb::Start: return "start";
        case UnitVerb::Stop: return "stop";
        case UnitVerb::Restart: return "restart";
        case UnitVerb::Reload: return "reload";
    }
    return "restart";
}

}  // namespace tidegate::reconciler
