// What to do about an app, now: a pure function of what is declared, what is there and what is remembered.
// Every decision carries the reason that a person reads in the log, in `status` and in `why`.
#pragma once

#include "reconciler/journal.hpp"
#include "reconciler/schedule.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::reconciler {

enum class AppState { Converged, Converging, Waiting, Held, Drifted, Paused, Broken, Unknown };
[[nodiscard]] std::string_view name_of(AppState state);

// An app's manifest at the accepted revision, reduced to what deciding needs.
struct Declared {
    std::string app;
    std::string root;
    std::string release;  // folder name
    std::string commit;
    std::string label;     // "v1.4.2", or the short commit
    std::string manifest;  // text
    std::string digest;    // SHA-256 of the text
    std::string revision;  // the accepted revision
    std::string signer;    // who signed it; empty: nobody
    // Against the manifest that the running release was deployed with (true without one):
    bool same_runtime = true;  // env, secrets, shared, user, activate are the same
    bool migrates = false;     // going there would run a migration …
    bool revertible = true;    // … that can be taken back, or need not be
    bool back = false;         // going there is going to an older release
    bool self_heal = true;
    std::string waits_for =
        {};  // an app that must be at what is declared first, and why it is not; empty: none
    std::optional<std::string>
        refused;  // cannot be deployed as it is: the reason (wrong manifest, root, user)
};

struct Observed {
    std::optional<std::string> current;  // the release behind `current`
    std::optional<std::string> trouble;  // `current` is no link, dangles, leads outside …
    std::optional<std::string> drift;    // changed files, a stopped unit, failing probes; in words
    bool mendable = true;
    bool good_there = false;  // the release that is known to run well lies on the disk
    bool foreign = false;     // what `current` names is not of our making, by its name
};

// What host-wide matters add: the branch's tip is refused; when deployments may begin.
struct Standing {
    std::optional<std::string>
        tip_refused;  // the newest revision changes this app and is refused: the reason
    std::shared_ptr<const Schedule> schedule;  // none: nothing keeps a deployment back
};

enum class Verb {
    Nothing,
    Recover,  // finish or undo the deployment that was found unfinished
    Deploy,
    Adopt,  // what is there is what is declared: remember it, touch nothing
    Mend,   // drift
    Wait,
    Hold,
};
[[nodiscard]] std::string_view name_of(Verb verb);

// What of policy stands in a deployment's way; a run with --once then ends with 4.
enum class Bar {
    None,
    Proof,  // an approval, an attestation: judged again with the next revision, at `sync`, and from time to time
    Schedule,  // a freeze, or no window is open
    Person,    // strategy manual: until somebody says `retry` on the host
};

struct Decision {
    Verb verb = Verb::Nothing;
    AppState state = AppState::Unknown;
    std::string reason;
    std::optional<shared::WallTime> again;  // look again then, if nothing comes before
    Bar bar = Bar::None;
    bool operator==(const Decision&) const = default;
};

// `declared`: nullopt where the accepted revision has no manifest of the app for this host.
[[nodiscard]] Decision decide(const std::optional<Declared>& declared, const Observed& observed,
                              const AppRow& remembered, bool unfinished, const Standing& standing,
                              shared::WallTime now);

// Waiting time after the n-th failure in a row (from 1): 2 s doubling to 5 minutes, plus up to a quarter.
// `jitter` is 0 … 1.
[[nodiscard]] shared::Duration backoff(int failures, double jitter);

// What is mended again and again is left longer each time, and after kMostMends only looked after once an hour.
inline constexpr int kMostMends = 8;
[[nodiscard]] shared::Duration mend_delay(int mends);

}  // namespace tidegate::reconciler
