#include "reconciler/schedule.hpp"

#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;
using manifests::Freeze;
using manifests::Window;

namespace {

constexpr Duration kMinute{60'000};
constexpr int kMinutesAhead = 15 * 24 * 60;  // a weekly window that daylight saving swallows once is found
constexpr int kTurns = 50;                   // freezes and windows take turns in keeping shut

WallTime end_of(const Freeze& freeze) {
    return std::chrono::sys_days(freeze.to) + std::chrono::days(1);
}

const Freeze* freeze_at(const Schedule& schedule, WallTime time) {
    for (const auto& freeze : schedule.rules.freezes)
        if (time >= WallTime(std::chrono::sys_days(freeze.from)) && time < end_of(freeze)) return &freeze;
    return nullptr;
}

bool opens_on(const Window& window, std::int64_t day) {
    const auto weekday = static_cast<int>(((day + 3) % 7 + 7) % 7);  // the epoch began on a Thursday
    return std::find(window.days.begin(), window.days.end(), weekday) != window.days.end();
}

// By the clock on the wall there, which daylight saving moves.
bool is_open(const Window& window, const Schedule& schedule, WallTime time) {
    const auto seconds =
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count() +
        (schedule.zones.count(window.timezone) != 0
             ? manifests::offset_at(schedule.zones.at(window.timezone),
                                    std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count())
             : 0);
    const auto day = seconds / 86'400;
    const auto minute = static_cast<int>(seconds % 86'400 / 60);
    if (window.from < window.to) return opens_on(window, day) && minute >= window.from && minute < window.to;
    return (opens_on(window, day) && minute >= window.from) ||
           (opens_on(window, day - 1) && minute < window.to);
}

bool any_open(const Schedule& schedule, WallTime time) {
    const auto& windows = schedule.rules.windows;
    return windows.empty() || std::any_of(windows.begin(), windows.end(), [&](const Window& window) {
               return is_open(window, schedule, time);
           });
}

std::optional<WallTime> next_opening(const Schedule& schedule, WallTime from) {
    if (any_open(schedule, from)) return from;
    WallTime time = std::chrono::floor<std::chrono::minutes>(from);
    for (int minute = 0; minute < kMinutesAhead; ++minute) {
        time += kMinute;
        if (any_open(schedule, time)) return time;
    }
    return std::nullopt;
}

}  // namespace

Result<Schedule> schedule_of(const manifests::BranchRules& rules, const std::string& environment,
                             WallTime now, const std::string& zones) {
    Schedule out;
    out.rules = rules.rules_of(environment);
    for (const auto& window : out.rules.windows) {
        if (window.timezone == "UTC" || out.zones.count(window.timezone) != 0) continue;
        auto steps = manifests::read_zone(window.timezone, now, zones);
        if (!steps) {
            auto error = std::move(steps.error());
            error.where = Where{std::string(manifests::kBranchFile), window.line, window.column, {}};
            return fail(std::move(error));
        }
        out.zones.emplace(window.timezone, std::move(*steps));
    }
    if (out.rules.requires_first)
        out.not_honoured.push_back("promotion (`requires` " + out.rules.requires_first->environment + ")");
    const auto& notes = rules.notifications;
    if (std::any_of(notes.begin(), notes.end(), [&](const manifests::Notification& note) {
            const auto& of = note.environments;
            return of.empty() || std::find(of.begin(), of.end(), environment) != of.end();
        }))
        out.not_honoured.emplace_back("`notifications`");
    return out;
}

std::optional<Closed> closed(const Schedule& schedule, WallTime now) {
    const Freeze* first = freeze_at(schedule, now);
    if (first == nullptr && any_open(schedule, now)) return std::nullopt;
    std::optional<WallTime> opens = now;
    for (int turn = 0; turn < kTurns && opens; ++turn) {
        if (const auto* freeze = freeze_at(schedule, *opens)) {
            opens = end_of(*freeze);
            continue;
        }
        const auto next = next_opening(schedule, *opens);
        if (next == opens) break;
        opens = next;
    }
    if (opens && freeze_at(schedule, *opens) != nullptr) opens.reset();
    std::string reason = "outside the windows for deployments";
    if (first != nullptr) {
        reason = "a freeze keeps deployments back";
        if (!first->reason.empty()) reason += " (" + escape_foreign(first->reason) + ")";
    }
    reason += opens ? "; it opens at " + format_utc(*opens) : "; it does not open in the next days";
    return Closed{std::move(reason), opens};
}

bool begins_by_itself(const Schedule& schedule, WallTime now) {
    return schedule.rules.strategy != manifests::Strategy::Manual && !closed(schedule, now);
}

}  // namespace tidegate::reconciler
