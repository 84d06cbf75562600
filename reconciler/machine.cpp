#include "reconciler/machine.hpp"

namespace tidegate::reconciler {

namespace {

// clang-format off
constexpr std::array<Transition, kFirstEnd * kEvents> kTable{{
//   in                       what happened        goes to                  because of           note
    {State::Fetch,            Event::Done,         State::Verify,           Verdict::None,       ""},
    {State::Fetch,            Event::Failed,       State::Discard,          Verdict::Hold,       ""},
    {State::Fetch,            Event::FailedAlone,  State::Discard,          Verdict::Hold,       ""},
    {State::Fetch,            Event::Transient,    State::Discard,          Verdict::Retry,      ""},
    {State::Fetch,            Event::Denied,       State::Discard,          Verdict::Refuse,     ""},
    {State::Fetch,            Event::Newer,        State::Discard,          Verdict::Supersede,  ""},
    {State::Fetch,            Event::NewerAlone,   State::Discard,          Verdict::Supersede,  ""},
    {State::Fetch,            Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::Fetch,            Event::CrashOld,     State::Discard,          Verdict::Interrupt,  ""},
    {State::Fetch,            Event::CrashNew,     State::Discard,          Verdict::Interrupt,  ""},
    {State::Fetch,            Event::Worn,         State::Discard,          Verdict::Hold,       ""},

    {State::Verify,           Event::Done,         State::Stage,            Verdict::None,       ""},
    {State::Verify,           Event::Failed,       State::Discard,          Verdict::Hold,       ""},
    {State::Verify,           Event::FailedAlone,  State::Discard,          Verdict::Hold,       ""},
    {State::Verify,           Event::Transient,    State::Discard,          Verdict::Retry,      ""},
    {State::Verify,           Event::Denied,       State::Discard,          Verdict::Refuse,     ""},
    {State::Verify,           Event::Newer,        State::Discard,          Verdict::Supersede,  ""},
    {State::Verify,           Event::NewerAlone,   State::Discard,          Verdict::Supersede,  ""},
    {State::Verify,           Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::Verify,           Event::CrashOld,     State::Discard,          Verdict::Interrupt,  ""},
    {State::Verify,           Event::CrashNew,     State::Discard,          Verdict::Interrupt,  ""},
    {State::Verify,           Event::Worn,         State::Discard,          Verdict::Hold,       ""},

    {State::Stage,            Event::Done,         State::Build,            Verdict::None,       ""},
    {State::Stage,            Event::Failed,       State::Discard,          Verdict::Hold,       ""},
    {State::Stage,            Event::FailedAlone,  State::Discard,          Verdict::Hold,       ""},
    {State::Stage,            Event::Transient,    State::Discard,          Verdict::Retry,      ""},
    {State::Stage,            Event::Denied,       State::Discard,          Verdict::Refuse,     ""},
    {State::Stage,            Event::Newer,        State::Discard,          Verdict::Supersede,  ""},
    {State::Stage,            Event::NewerAlone,   State::Discard,          Verdict::Supersede,  ""},
    {State::Stage,            Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::Stage,            Event::CrashOld,     State::Discard,          Verdict::Interrupt,  ""},
    {State::Stage,            Event::CrashNew,     State::Discard,          Verdict::Interrupt,  ""},
    {State::Stage,            Event::Worn,         State::Discard,          Verdict::Hold,       ""},

    {State::Build,            Event::Done,         State::Migrate,          Verdict::None,       ""},
    {State::Build,            Event::Failed,       State::Discard,          Verdict::Hold,       ""},
    {State::Build,            Event::FailedAlone,  State::Discard,          Verdict::Hold,       ""},
    {State::Build,            Event::Transient,    State::Discard,          Verdict::Retry,      ""},
    {State::Build,            Event::Denied,       State::Discard,          Verdict::Refuse,     ""},
    {State::Build,            Event::Newer,        State::Discard,          Verdict::Supersede,  ""},
    {State::Build,            Event::NewerAlone,   State::Discard,          Verdict::Supersede,  ""},
    {State::Build,            Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::Build,            Event::CrashOld,     State::Discard,          Verdict::Interrupt,  ""},
    {State::Build,            Event::CrashNew,     State::Discard,          Verdict::Interrupt,  ""},
    {State::Build,            Event::Worn,         State::Discard,          Verdict::Hold,       ""},

    {State::Migrate,          Event::Done,         State::Switch,           Verdict::None,       ""},
    {State::Migrate,          Event::Failed,       State::Unmigrate,        Verdict::Hold,       ""},
    {State::Migrate,          Event::FailedAlone,  State::Unmigrate,        Verdict::Hold,       ""},
    {State::Migrate,          Event::Transient,    State::Unmigrate,        Verdict::Retry,      ""},
    {State::Migrate,          Event::Denied,       State::Unmigrate,        Verdict::Refuse,     ""},
    {State::Migrate,          Event::Newer,        std::nullopt,            Verdict::None,       "a migration is not cut short; asked again before switch"},
    {State::Migrate,          Event::NewerAlone,   std::nullopt,            Verdict::None,       "a migration is not cut short; asked again before switch"},
    {State::Migrate,          Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::Migrate,          Event::CrashOld,     State::Unmigrate,        Verdict::Interrupt,  ""},
    {State::Migrate,          Event::CrashNew,     State::Unmigrate,        Verdict::Interrupt,  ""},
    {State::Migrate,          Event::Worn,         State::Unmigrate,        Verdict::Hold,       ""},

    {State::Switch,           Event::Done,         State::Activate,         Verdict::None,       ""},
    {State::Switch,           Event::Failed,       State::Unmigrate,        Verdict::Hold,       ""},
    {State::Switch,           Event::FailedAlone,  State::Unmigrate,        Verdict::Hold,       ""},
    {State::Switch,           Event::Transient,    State::Unmigrate,        Verdict::Retry,      ""},
    {State::Switch,           Event::Denied,       State::Unmigrate,        Verdict::Refuse,     ""},
    {State::Switch,           Event::Newer,        State::Unmigrate,        Verdict::Supersede,  ""},
    {State::Switch,           Event::NewerAlone,   State::Unmigrate,        Verdict::Supersede,  ""},
    {State::Switch,           Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::Switch,           Event::CrashOld,     State::Unmigrate,        Verdict::Interrupt,  ""},
    {State::Switch,           Event::CrashNew,     State::Activate,         Verdict::None,       ""},
    {State::Switch,           Event::Worn,         State::Unmigrate,        Verdict::Hold,       ""},

    {State::Activate,         Event::Done,         State::Health,           Verdict::None,       ""},
    {State::Activate,         Event::Failed,       State::RevertMigration,  Verdict::Hold,       ""},
    {State::Activate,         Event::FailedAlone,  State::Stranded,         Verdict::Hold,       ""},
    {State::Activate,         Event::Transient,    State::RevertMigration,  Verdict::Hold,       "after the switch nothing waits for luck"},
    {State::Activate,         Event::Denied,       State::RevertMigration,  Verdict::Hold,       ""},
    {State::Activate,         Event::Newer,        std::nullopt,            Verdict::None,       "asked again at health, a moment later"},
    {State::Activate,         Event::NewerAlone,   std::nullopt,            Verdict::None,       "asked again at health, a moment later"},
    {State::Activate,         Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::Activate,         Event::CrashOld,     State::RevertMigration,  Verdict::Interrupt,  "somebody moved `current` meanwhile"},
    {State::Activate,         Event::CrashNew,     State::Activate,         Verdict::None,       ""},
    {State::Activate,         Event::Worn,         State::RevertMigration,  Verdict::Hold,       ""},

    {State::Health,           Event::Done,         State::Soak,             Verdict::None,       ""},
    {State::Health,           Event::Failed,       State::RevertMigration,  Verdict::Hold,       ""},
    {State::Health,           Event::FailedAlone,  State::Stranded,         Verdict::Hold,       ""},
    {State::Health,           Event::Transient,    State::RevertMigration,  Verdict::Hold,       "after the switch nothing waits for luck"},
    {State::Health,           Event::Denied,       State::RevertMigration,  Verdict::Hold,       ""},
    {State::Health,           Event::Newer,        State::RevertMigration,  Verdict::Supersede,  ""},
    {State::Health,           Event::NewerAlone,   State::Stranded,         Verdict::Supersede,  ""},
    {State::Health,           Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::Health,           Event::CrashOld,     State::RevertMigration,  Verdict::Interrupt,  "somebody moved `current` meanwhile"},
    {State::Health,           Event::CrashNew,     State::Activate,         Verdict::None,       ""},
    {State::Health,           Event::Worn,         State::RevertMigration,  Verdict::Hold,       ""},

    {State::Soak,             Event::Done,         State::Prune,            Verdict::None,       ""},
    {State::Soak,             Event::Failed,       State::RevertMigration,  Verdict::Hold,       ""},
    {State::Soak,             Event::FailedAlone,  State::Stranded,         Verdict::Hold,       ""},
    {State::Soak,             Event::Transient,    State::RevertMigration,  Verdict::Hold,       "after the switch nothing waits for luck"},
    {State::Soak,             Event::Denied,       State::RevertMigration,  Verdict::Hold,       ""},
    {State::Soak,             Event::Newer,        State::RevertMigration,  Verdict::Supersede,  ""},
    {State::Soak,             Event::NewerAlone,   State::Stranded,         Verdict::Supersede,  ""},
    {State::Soak,             Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::Soak,             Event::CrashOld,     State::RevertMigration,  Verdict::Interrupt,  "somebody moved `current` meanwhile"},
    {State::Soak,             Event::CrashNew,     State::Activate,         Verdict::None,       ""},
    {State::Soak,             Event::Worn,         State::RevertMigration,  Verdict::Hold,       ""},

    {State::Prune,            Event::Done,         State::Deployed,         Verdict::None,       ""},
    {State::Prune,            Event::Failed,       State::Deployed,         Verdict::None,       "a warning; what is left goes next time"},
    {State::Prune,            Event::FailedAlone,  State::Deployed,         Verdict::None,       "a warning; what is left goes next time"},
    {State::Prune,            Event::Transient,    State::Deployed,         Verdict::None,       "a warning; what is left goes next time"},
    {State::Prune,            Event::Denied,       State::Deployed,         Verdict::None,       "a warning; what is left goes next time"},
    {State::Prune,            Event::Newer,        std::nullopt,            Verdict::None,       "a moment's work, always finished"},
    {State::Prune,            Event::NewerAlone,   std::nullopt,            Verdict::None,       "a moment's work, always finished"},
    {State::Prune,            Event::Stop,         std::nullopt,            Verdict::None,       "a moment's work, always finished"},
    {State::Prune,            Event::CrashOld,     State::Prune,            Verdict::None,       ""},
    {State::Prune,            Event::CrashNew,     State::Prune,            Verdict::None,       ""},
    {State::Prune,            Event::Worn,         State::Deployed,         Verdict::None,       ""},

    {State::Unmigrate,        Event::Done,         State::Discard,          Verdict::None,       ""},
    {State::Unmigrate,        Event::Failed,       State::Broken,           Verdict::None,       ""},
    {State::Unmigrate,        Event::FailedAlone,  State::Broken,           Verdict::None,       ""},
    {State::Unmigrate,        Event::Transient,    State::Broken,           Verdict::None,       ""},
    {State::Unmigrate,        Event::Denied,       State::Broken,           Verdict::None,       ""},
    {State::Unmigrate,        Event::Newer,        std::nullopt,            Verdict::None,       "undoing is always finished"},
    {State::Unmigrate,        Event::NewerAlone,   std::nullopt,            Verdict::None,       "undoing is always finished"},
    {State::Unmigrate,        Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::Unmigrate,        Event::CrashOld,     State::Unmigrate,        Verdict::None,       ""},
    {State::Unmigrate,        Event::CrashNew,     State::Unmigrate,        Verdict::None,       ""},
    {State::Unmigrate,        Event::Worn,         State::Broken,           Verdict::None,       ""},

    {State::Discard,          Event::Done,         State::Undone,           Verdict::None,       ""},
    {State::Discard,          Event::Failed,       State::Undone,           Verdict::None,       "a warning; the leftover is removed by the next attempt"},
    {State::Discard,          Event::FailedAlone,  State::Undone,           Verdict::None,       "a warning; the leftover is removed by the next attempt"},
    {State::Discard,          Event::Transient,    State::Undone,           Verdict::None,       "a warning; the leftover is removed by the next attempt"},
    {State::Discard,          Event::Denied,       State::Undone,           Verdict::None,       "a warning; the leftover is removed by the next attempt"},
    {State::Discard,          Event::Newer,        std::nullopt,            Verdict::None,       "undoing is always finished"},
    {State::Discard,          Event::NewerAlone,   std::nullopt,            Verdict::None,       "undoing is always finished"},
    {State::Discard,          Event::Stop,         std::nullopt,            Verdict::None,       "a moment's work, always finished"},
    {State::Discard,          Event::CrashOld,     State::Discard,          Verdict::None,       ""},
    {State::Discard,          Event::CrashNew,     State::Discard,          Verdict::None,       ""},
    {State::Discard,          Event::Worn,         State::Undone,           Verdict::None,       ""},

    {State::RevertMigration,  Event::Done,         State::RevertSwitch,     Verdict::None,       ""},
    {State::RevertMigration,  Event::Failed,       State::Broken,           Verdict::None,       ""},
    {State::RevertMigration,  Event::FailedAlone,  State::Broken,           Verdict::None,       ""},
    {State::RevertMigration,  Event::Transient,    State::Broken,           Verdict::None,       ""},
    {State::RevertMigration,  Event::Denied,       State::Broken,           Verdict::None,       ""},
    {State::RevertMigration,  Event::Newer,        std::nullopt,            Verdict::None,       "undoing is always finished"},
    {State::RevertMigration,  Event::NewerAlone,   std::nullopt,            Verdict::None,       "undoing is always finished"},
    {State::RevertMigration,  Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::RevertMigration,  Event::CrashOld,     State::RevertMigration,  Verdict::None,       ""},
    {State::RevertMigration,  Event::CrashNew,     State::RevertMigration,  Verdict::None,       ""},
    {State::RevertMigration,  Event::Worn,         State::Broken,           Verdict::None,       ""},

    {State::RevertSwitch,     Event::Done,         State::RevertActivate,   Verdict::None,       ""},
    {State::RevertSwitch,     Event::Failed,       State::Broken,           Verdict::None,       ""},
    {State::RevertSwitch,     Event::FailedAlone,  State::Broken,           Verdict::None,       ""},
    {State::RevertSwitch,     Event::Transient,    State::Broken,           Verdict::None,       ""},
    {State::RevertSwitch,     Event::Denied,       State::Broken,           Verdict::None,       ""},
    {State::RevertSwitch,     Event::Newer,        std::nullopt,            Verdict::None,       "undoing is always finished"},
    {State::RevertSwitch,     Event::NewerAlone,   std::nullopt,            Verdict::None,       "undoing is always finished"},
    {State::RevertSwitch,     Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::RevertSwitch,     Event::CrashOld,     State::RevertSwitch,     Verdict::None,       ""},
    {State::RevertSwitch,     Event::CrashNew,     State::RevertSwitch,     Verdict::None,       ""},
    {State::RevertSwitch,     Event::Worn,         State::Broken,           Verdict::None,       ""},

    {State::RevertActivate,   Event::Done,         State::RevertHealth,     Verdict::None,       ""},
    {State::RevertActivate,   Event::Failed,       State::Broken,           Verdict::None,       ""},
    {State::RevertActivate,   Event::FailedAlone,  State::Broken,           Verdict::None,       ""},
    {State::RevertActivate,   Event::Transient,    State::Broken,           Verdict::None,       ""},
    {State::RevertActivate,   Event::Denied,       State::Broken,           Verdict::None,       ""},
    {State::RevertActivate,   Event::Newer,        std::nullopt,            Verdict::None,       "undoing is always finished"},
    {State::RevertActivate,   Event::NewerAlone,   std::nullopt,            Verdict::None,       "undoing is always finished"},
    {State::RevertActivate,   Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::RevertActivate,   Event::CrashOld,     State::RevertActivate,   Verdict::None,       ""},
    {State::RevertActivate,   Event::CrashNew,     State::RevertSwitch,     Verdict::None,       ""},
    {State::RevertActivate,   Event::Worn,         State::Broken,           Verdict::None,       ""},

    {State::RevertHealth,     Event::Done,         State::Reverted,         Verdict::None,       ""},
    {State::RevertHealth,     Event::Failed,       State::Broken,           Verdict::None,       ""},
    {State::RevertHealth,     Event::FailedAlone,  State::Broken,           Verdict::None,       ""},
    {State::RevertHealth,     Event::Transient,    State::Broken,           Verdict::None,       ""},
    {State::RevertHealth,     Event::Denied,       State::Broken,           Verdict::None,       ""},
    {State::RevertHealth,     Event::Newer,        std::nullopt,            Verdict::None,       "undoing is always finished"},
    {State::RevertHealth,     Event::NewerAlone,   std::nullopt,            Verdict::None,       "undoing is always finished"},
    {State::RevertHealth,     Event::Stop,         State::Stopped,          Verdict::None,       ""},
    {State::RevertHealth,     Event::CrashOld,     State::RevertActivate,   Verdict::None,       ""},
    {State::RevertHealth,     Event::CrashNew,     State::RevertSwitch,     Verdict::None,       ""},
    {State::RevertHealth,     Event::Worn,         State::Broken,           Verdict::None,       ""},
}};
// clang-format on

constexpr bool in_order() {
    for (size_t index = 0; index < kTable.size(); ++index)
        if (static_cast<size_t>(kTable[index].from) != index / kEvents ||
            static_cast<size_t>(kTable[index].event) != index % kEvents)
            return false;
    return true;
}
static_assert(in_order(), "every pair once, in the order of the enums: transition() indexes the table");

constexpr std::array<std::string_view, kStates> kStateNames{"fetch",
                                                            "verify",
                                                            "stage",
                                                            "build",
                                                            "migrate",
                                                            "switch",
                                                            "activate",
                                                            "health",
                                                            "soak",
                                                            "prune",
                                                            "unmigrate",
                                                            "discard",
                                                            "revert-migration",
                                                            "revert-switch",
                                                            "revert-activate",
                                                            "revert-health",
                                                            "deployed",
                                                            "undone",
                                                            "reverted",
                                                            "stranded",
                                                            "stopped",
                                                            "broken"};
constexpr std::array<std::string_view, kEvents> kEventNames{
    "done",        "failed", "failed-alone", "transient", "denied", "newer",
    "newer-alone", "stop",   "crash-old",    "crash-new", "worn"};
constexpr std::array<std::string_view, 6> kVerdictNames{"none",   "hold",      "retry",
                                                        "refuse", "supersede", "interrupt"};

template <typename Enum, size_t N>
std::optional<Enum> named(const std::array<std::string_view, N>& names, std::string_view name) {
    for (size_t index = 0; index < N; ++index)
        if (names[index] == name) return static_cast<Enum>(index);
    return std::nullopt;
}

}  // namespace

const Transition& transition(State from, Event event) {
    static constexpr Transition kAtEnd{State::Broken, Event::Done, std::nullopt, Verdict::None,
                                       "a deployment that ended takes no event"};
    if (is_end(from)) return kAtEnd;
    return kTable[static_cast<size_t>(from) * kEvents + static_cast<size_t>(event)];
}

bool possible(State from, Event event) {
    return transition(from, event).to.has_value();
}

std::string_view name_of(State state) {
    return kStateNames[static_cast<size_t>(state)];
}
std::string_view name_of(Event event) {
    return kEventNames[static_cast<size_t>(event)];
}
std::string_view name_of(Verdict verdict) {
    return kVerdictNames[static_cast<size_t>(verdict)];
}
std::optional<State> state_named(std::string_view name) {
    return named<State>(kStateNames, name);
}
std::optional<Verdict> verdict_named(std::string_view name) {
    return named<Verdict>(kVerdictNames, name);
}

}  // namespace tidegate::reconciler
