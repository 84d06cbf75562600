// tidegate.yaml at the root of the manifests branch: what the manifests of an environment have in common. All of
// it may be left out; a host's own configuration can ask for more, never for less.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/names.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::manifests {

enum class Strategy {
    Auto,      // deployed when it is there
    Manual,    // waits for `tidegatectl retry APP`
    Schedule,  // deployed within the windows only
};
[[nodiscard]] std::string_view name_of(Strategy strategy);

// When deployments may begin. `to` before `from` goes over midnight.
struct Window {
    std::vector<int> days;  // 0 Monday … 6 Sunday, sorted; the day on which it opens
    int from = 0;           // minutes after midnight
    int to = 24 * 60;
    std::string timezone = "UTC";  // a name of the IANA database
    int line = 0;                  // in the file
    int column = 0;
};

// When none may begin, whatever the windows say. From the beginning of `from` to the end of `to`, UTC days.
struct Freeze {
    std::chrono::year_month_day from;
    std::chrono::year_month_day to;
    std::string reason;
};

struct Promotion {
    std::string environment;          // the same release must run there …
    shared::Duration healthy_for{0};  // … and have been healthy for so long
};

struct EnvironmentRules {
    Strategy strategy = Strategy::Auto;
    std::vector<Window> windows;
    std::vector<Freeze> freezes;
    int approvals = 0;
    std::optional<Promotion> requires_first;  // key `requires`
};

struct Notification {
    enum class Kind { Webhook, Slack, Smtp };
    Kind kind = Kind::Webhook;
    std::string credential;  // webhook, slack: holds the address; a systemd credential on the host
    std::vector<std::string> recipients;    // smtp: whom to
    std::vector<std::string> environments;  // empty: all
    std::vector<std::string> events;        // empty: all
};
[[nodiscard]] const std::vector<std::string_view>& notification_events();

struct BranchRules {
    std::map<std::string, EnvironmentRules> environments;
    std::vector<Notification> notifications;

    // The defaults for an environment that is not named.
    [[nodiscard]] EnvironmentRules rules_of(const std::string& environment) const;
};

inline constexpr std::string_view kBranchFile = "tidegate.yaml";

// Invalid with file, line and column. That a window names a real time zone and real times is lint's question
// (manifests/windows.hpp).
[[nodiscard]] Result<BranchRules> parse_branch_rules(std::string file, std::string text);

}  // namespace tidegate::manifests
