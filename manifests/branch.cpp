#include "manifests/branch.hpp"

#include "manifests/read_document.hpp"
#include "manifests/read_parts.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/reader.hpp"

#include <algorithm>
#include <set>

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

template <typename Read>
void nested(MapReader& reader, const Value* value, std::string what, Read read) {
    if (value == nullptr || (reader.failed() && reader.document().errors() == nullptr)) return;
    MapReader inner(reader.document(), *value, std::move(what));
    read(inner);
    if (auto done = inner.finish(); !done) reader.reject(std::move(done.error()));
}

template <typename Read>
void each(MapReader& reader, std::string_view key, const std::string& what, Read read) {
    const Value* list = reader.list(key);
    if (list == nullptr) return;
    for (const auto& item : list->list())
        nested(reader, &item, what, [&](MapReader& inner) { read(inner, item); });
}

std::optional<int> number(std::string_view text) {
    int value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return text.empty() || text.size() > 4 ? std::nullopt : std::optional<int>(value);
}

// "09:30" → 570. "24:00" is the end of the day.
Result<int> parse_minutes(std::string_view text) {
    if (text.size() == 5 && text[2] == ':') {
        const auto hour = number(text.substr(0, 2));
        const auto minute = number(text.substr(3));
        if (hour && minute && *minute < 60 && (*hour < 24 || (*hour == 24 && *minute == 0)))
            return *hour * 60 + *minute;
    }
    return fail(ErrorKind::Invalid, "not a time of day: `" + escape_foreign(text.substr(0, 40)) + "`",
                "write it with two digits each, as \"09:30\"");
}

Result<std::chrono::year_month_day> parse_date(std::string_view text) {
    if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
        const auto year = number(text.substr(0, 4));
        const auto month = number(text.substr(5, 2));
        const auto day = number(text.substr(8));
        if (year && month && day) {
            const std::chrono::year_month_day date{std::chrono::year(*year),
                                                   std::chrono::month(static_cast<unsigned>(*month)),
                                                   std::chrono::day(static_cast<unsigned>(*day))};
            if (date.ok()) return date;
        }
    }
    return fail(ErrorKind::Invalid, "no such day: `" + escape_foreign(text.substr(0, 40)) + "`",
                "write it as \"2026-12-24\"");
}

Window read_window(MapReader& reader, const Value& value) {
    Window window;
    window.line = value.line;
    window.column = value.column;
    const auto days = reader.texts("days");
    const Value* list = reader.any("days");
    for (const auto& day : days) {
        const auto found = std::find(std::begin(kDays), std::end(kDays), day);
        if (found == std::end(kDays))
            reader.reject(*list, "no such day: `" + escape_foreign(day) + "`",
                          "days are: mon tue wed thu fri sat sun");
        else
            window.days.push_back(static_cast<int>(found - std::begin(kDays)));
    }
    if (list != nullptr && days.empty() && !reader.failed())
        reader.reject(*list, "this window never opens: it has no days", "leave `days` out for every day");
    if (list == nullptr) window.days = {0, 1, 2, 3, 4, 5, 6};
    std::sort(window.days.begin(), window.days.end());
    window.days.erase(std::unique(window.days.begin(), window.days.end()), window.days.end());
    window.from = reader.parsed<int>("from", parse_minutes, Required::Yes).value_or(0);
    window.to = reader.parsed<int>("to", parse_minutes, Required::Yes).value_or(24 * 60);
    window.timezone = reader.text("timezone", "UTC");
    if (!reader.failed() && window.from == window.to)
        reader.reject(value, "this window never opens: it ends when it begins",
                      "for whole days write from: \"00:00\", to: \"24:00\"");
    if (!reader.failed() && window.from == 24 * 60)
        reader.reject(*reader.any("from"), "a window cannot begin at the end of the day", "write \"00:00\"");
    return window;
}

Freeze read_freeze(MapReader& reader, const Value& value) {
    Freeze freeze;
    using Date = std::chrono::year_month_day;
    if (auto from = reader.parsed<Date>("from", parse_date, Required::Yes)) freeze.from = *from;
    if (auto to = reader.parsed<Date>("to", parse_date, Required::Yes)) freeze.to = *to;
    freeze.reason = reader.text("reason", "");
    if (!reader.failed() && freeze.to < freeze.from)
        reader.reject(value, "this freeze ends before it begins");
    return freeze;
}

EnvironmentRules read_environment(MapReader& reader, const Value& value) {
    EnvironmentRules rules;
    rules.strategy = static_cast<Strategy>(reader.choice("strategy", {"auto", "manual", "schedule"}, 0));
    each(reader, "windows", "windows",
         [&](MapReader& inner, const Value& item) { rules.windows.push_back(read_window(inner, item)); });
    each(reader, "freezes", "freezes",
         [&](MapReader& inner, const Value& item) { rules.freezes.push_back(read_freeze(inner, item)); });
    rules.approvals = static_cast<int>(reader.integer("approvals", 0, 0, 20));
    if (const Value* first = reader.map("requires")) {
        rules.requires_first.emplace();
        nested(reader, first, "requires", [&](MapReader& inner) {
            rules.requires_first->environment = inner.text("environment", Required::Yes);
            rules.requires_first->healthy_for = inner.duration("healthy_for", 0s, 0s, 24h * 365);
        });
    }
    if (!reader.failed() && rules.strategy == Strategy::Schedule && rules.windows.empty())
        reader.reject(value, "strategy `schedule` without `windows` never deploys", "add `windows`");
    return rules;
}

Notification read_notification(MapReader& reader, const Value& value) {
    Notification notification;
    constexpr std::string_view kKinds[] = {"webhook", "slack", "smtp"};
    int found = 0;
    for (size_t i = 0; i < std::size(kKinds); ++i) {
        const Value* target = reader.map(kKinds[i]);
        if (target == nullptr) continue;
        ++found;
        notification.kind = static_cast<Notification::Kind>(i);
        nested(reader, target, std::string(kKinds[i]), [&](MapReader& inner) {
            if (notification.kind == Notification::Kind::Smtp) {
                notification.recipients = inner.texts("to");
                static_cast<void>(inner.any("to", Required::Yes));
                return;
            }
            notification.credential = inner.text("credential", Required::Yes);
            if (!inner.failed() && !is_plain_name(notification.credential))
                inner.reject(*inner.any("credential"), "`credential` is a plain name");
        });
    }
    if (found != 1) reader.reject(value, "a notification takes one of: webhook slack smtp");
    notification.environments = reader.texts("environments");
    notification.events = reader.texts("on");
    const auto& known = notification_events();
    for (const auto& event : notification.events)
        if (std::find(known.begin(), known.end(), event) == known.end()) {
            std::string names;
            for (const auto name : known) names += " " + std::string(name);
            reader.reject(*reader.any("on"), "no such event: `" + escape_foreign(event) + "`",
                          "events are:" + names);
        }
    return notification;
}

// `requires` and notifications name environments of this file; requirements do not go round in a circle.
void check_references(MapReader& top, const BranchRules& rules) {
    const Value* environments = top.map("environments");
    if (environments == nullptr || top.failed()) return;
    for (const auto& entry : environments->map()) {
        std::set<std::string> seen;
        auto at = rules.environments.find(entry.key);
        while (at != rules.environments.end() && at->second.requires_first) {
            if (!seen.insert(at->first).second)
                return top.reject(entry.value,
                                  "`requires` goes round in a circle: nothing could ever be promoted");
            const auto& wanted = at->second.requires_first->environment;
            at = rules.environments.find(wanted);
            if (at == rules.environments.end())
                return top.reject(entry.value, "`requires` names an environment that is not in this file: `" +
                                                   escape_foreign(wanted) + "`");
        }
    }
}

}  // namespace

std::string_view name_of(Strategy strategy) {
    switch (strategy) {
        case Strategy::Auto: return "auto";
        case Strategy::Manual: return "manual";
        case Strategy::Schedule: return "schedule";
    }
    return "auto";
}

const std::vector<std::string_view>& notification_events() {
    static const std::vector<std::string_view> kEvents{"started", "deployed", "reverted", "held",
                                                       "waiting", "drifted",  "broken",   "stale"};
    return kEvents;
}

EnvironmentRules BranchRules::rules_of(const std::string& environment) const {
    const auto found = environments.find(environment);
    return found == environments.end() ? EnvironmentRules{} : found->second;
}

Result<BranchRules> parse_branch_rules(std::string file, std::string text) {
    return read_branch_rules(TRY(parse_yaml(std::move(file), std::move(text), {.bytes = kLongestManifest})));
}

Result<BranchRules> read_branch_rules(const Document& document) {
    MapReader top(document, document.root(), "tidegate.yaml");
    BranchRules rules;
    read_version(top);
    if (const Value* environments = top.map("environments")) {
        for (const auto& entry : environments->map()) {
            if (auto good = check_name("environment", entry.key); !good)
                top.reject(entry.value, std::move(good.error()));
            auto& environment = rules.environments[entry.key];
            if (entry.value.is(Value::Kind::Null)) continue;
            nested(top, &entry.value, "environments",
                   [&](MapReader& reader) { environment = read_environment(reader, entry.value); });
        }
    }
    each(top, "notifications", "notifications", [&](MapReader& reader, const Value& item) {
        rules.notifications.push_back(read_notification(reader, item));
    });
    check_references(top, rules);
    TRY(top.finish());
    return rules;
}

}  // namespace tidegate::manifests
