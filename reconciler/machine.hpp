// The life of one deployment as one table: state × event → next state and what is noted about it.
// Pure. deployment.cpp walks it; recovery enters it in the middle; the table is the specification.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace tidegate::reconciler {

// The phases, in order; the steps of undoing; the ends.
enum class State {
    Fetch,
    Verify,
    Stage,
    Build,
    Migrate,
    Switch,
    Activate,
    Health,
    Soak,
    Prune,
    // before `switch`: take back what was done beside the running release
    Unmigrate,
    Discard,
    // after it: the revert
    RevertMigration,
    RevertSwitch,
    RevertActivate,
    RevertHealth,
    // ends
    Deployed,
    Undone,    // nothing of it is left; the verdict says why
    Reverted,  // the former release runs again; the verdict says why
    Stranded,  // failed after the switch with no known-good release to go back to: left in place, held
    Stopped,   // the daemon was asked to end; recovery goes on from here
    Broken,    // undoing failed: hands off
};
inline constexpr size_t kStates = static_cast<size_t>(State::Broken) + 1;
inline constexpr size_t kFirstEnd = static_cast<size_t>(State::Deployed);

enum class Event {
    Done,
    Failed,       // for good, and there is a known-good release to go back to
    FailedAlone,  // for good, and there is none
    Transient,    // network, full disk, a lock: worth trying again by itself
    Denied,       // refused by policy
    Newer,        // another revision of the app is declared, and there is a release to go back to
    NewerAlone,   // the same, and there is none
    Stop,         // SIGTERM
    CrashOld,     // recovery found this state begun; `current` is not the new release
    CrashNew,     // recovery found this state begun; `current` is the new release
    Worn,         // as a crash, once too often: give the revision up
};
inline constexpr size_t kEvents = static_cast<size_t>(Event::Worn) + 1;

// Why a deployment is being undone. The first one stays: undoing never changes the reason.
enum class Verdict { None, Hold, Retry, Refuse, Supersede, Interrupt };

struct Transition {
    State from;
    Event event;
    std::optional<State> to;  // nullopt: impossible, with the reason in `note`
    Verdict verdict = Verdict::None;
    std::string_view note{};
};

// Every pair of a working state and an event, once. Ends take no event.
[[nodiscard]] const Transition& transition(State from, Event event);
[[nodiscard]] bool possible(State from, Event event);
[[nodiscard]] constexpr bool is_end(State state) {
    return static_cast<size_t>(state) >= kFirstEnd;
}
// The states of the revert and of the undoing before the switch.
[[nodiscard]] constexpr bool is_undoing(State state) {
    return state >= State::Unmigrate && state <= State::RevertHealth;
}

// Words of the journal, the log and the tables: "migrate", "revert-switch".
[[nodiscard]] std::string_view name_of(State state);
[[nodiscard]] std::string_view name_of(Event event);
[[nodiscard]] std::string_view name_of(Verdict verdict);
[[nodiscard]] std::optional<State> state_named(std::string_view name);
[[nodiscard]] std::optional<Verdict> verdict_named(std::string_view name);

}  // namespace tidegate::reconciler
