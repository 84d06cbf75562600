#include "hooks/cli/timers.hpp"

#include "hooks/timer_units.hpp"
#include "shared/base/fd.hpp"
#include "shared/base/files.hpp"
#include "shared/base/process.hpp"
#include "shared/base/text.hpp"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>

namespace tidegate::hooks::cli {

using namespace shared;

namespace {

constexpr Duration kPatience{20'000};

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

// nullopt where the program is not there or cannot be started.
std::optional<Exit> ask(const std::string& program, std::vector<std::string> arguments) {
    const auto path = find_program(program);
    if (!path) return std::nullopt;
    Command command;
    command.argv = {*path};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.env = basic_environment();
    command.env.pass({"XDG_*", "DBUS_SESSION_BUS_ADDRESS", "SYSTEMD_*"});
    command.timeout = kPatience;
    auto exit = run(command);
    return exit ? std::optional(std::move(*exit)) : std::nullopt;
}

bool systemctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--user");
    const auto exit = ask("systemctl", std::move(arguments));
    return exit && exit->ok();
}

Result<void> check_time(const std::string& when) {
    const bool odd = when.empty() || when.find_first_of("%\\\n\r") != std::string::npos;
    const auto exit = odd ? std::nullopt : ask("systemd-analyze", {"calendar", "--", when});
    const bool good = exit ? exit->ok() : !odd && is_plain_time(when);
    if (good) return {};
    return fail(ErrorKind::Usage, "not a time for a timer: `" + escape_foreign(when) + "`",
                "for example 02:00, Mon 02:00, Mon..Fri 22:30 or hourly; systemd.time(7) knows more");
}

Result<std::string> own_program() {
    char self[PATH_MAX];
    const auto length = readlink("/proc/self/exe", self, sizeof self);
    if (length <= 0) return fail_errno("cannot tell where tidegate lies");
    return std::string(self, static_cast<size_t>(length));
}

std::string when_in(const std::string& unit) {
    constexpr std::string_view kKey = "OnCalendar=";
    for (const auto line : lines_of(unit))
        if (line.starts_with(kKey)) return std::string(line.substr(kKey.size()));
    return {};
}

std::string how_to_enable(const std::string& unit) {
    return "systemctl --user daemon-reload && systemctl --user enable --now " + shell_quote(unit);
}

}  // namespace

Result<std::string> user_units_dir() {
    const auto configured = environment("XDG_CONFIG_HOME");
    if (configured.starts_with('/')) return configured + "/systemd/user";
    const auto home = environment("HOME");
    if (!home.starts_with('/'))
        return fail(ErrorKind::NotFound, "neither HOME nor XDG_CONFIG_HOME says where units are kept");
    return home + "/.config/systemd/user";
}

Result<Timer> install_timer(const std::string& folder, const std::string& stage, const std::string& when) {
    TRY(check_time(when));
    const auto units = TRY(user_units_dir());
    const TimerJob job{stage, when, folder, TRY(own_program()), environment("PATH")};
    const auto name = timer_name(folder, stage);
    TRY(make_dirs(units, 0755));
    TRY(write_file_atomic(units + "/" + name + ".service", service_unit(job), 0644));
    TRY(write_file_atomic(units + "/" + name + ".timer", timer_unit(job), 0644));
    Timer timer{stage, name + ".timer", when, {}};
    const bool started = systemctl({"daemon-reload"}) && systemctl({"enable", "--now", "--", timer.unit}) &&
                         systemctl({"restart", "--", timer.unit});
    if (!started)
        timer.complaint = "no systemd of yours has taken it; where one runs: " + how_to_enable(timer.unit);
    return timer;
}

Result<std::vector<Timer>> list_timers(const std::string& folder) {
    std::vector<Timer> timers;
    const auto units = TRY(user_units_dir());
    const auto prefix = timer_prefix(folder);
    const auto dir = open_dir(units);
    if (!dir) return timers;
    auto names = TRY(list_dir(dir->get()));
    std::sort(names.begin(), names.end());
    for (const auto& name : names) {
        if (!name.starts_with(prefix) || !name.ends_with(".timer")) continue;
        const auto text = read_file(units + "/" + name, 1 << 20);
        if (!text || !text->starts_with(kTimerMark)) continue;
        Timer timer{stage_of_timer(std::string_view(name).substr(0, name.size() - 6), prefix),
                    name,
                    when_in(*text),
                    {}};
        if (!systemctl({"is-active", "--quiet", "--", name}))
            timer.complaint = "systemd does not run it: " + how_to_enable(name);
        timers.push_back(std::move(timer));
    }
    return timers;
}

Result<std::vector<std::string>> uninstall_timers(const std::string& folder) {
    std::vector<std::string> stages;
    const auto units = TRY(user_units_dir());
    for (const auto& timer : TRY(list_timers(folder))) {
        (void)systemctl({"disable", "--now", "--", timer.unit});
        const auto name = units + "/" + timer.unit.substr(0, timer.unit.size() - 6);
        unlink((units + "/timers.target.wants/" + timer.unit).c_str());
        for (const auto* ending : {".timer", ".service"})
            if (unlink((name + ending).c_str()) != 0 && errno != ENOENT)
                return fail_errno("cannot remove " + escape_foreign(name) + ending);
        stages.push_back(timer.stage);
    }
    if (!stages.empty()) (void)systemctl({"daemon-reload"});
    return stages;
}

}  // namespace tidegate::hooks::cli
