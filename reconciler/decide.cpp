#include "reconciler/decide.hpp"

#include <algorithm>
#include <array>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr std::array<std::string_view, 8> kAppStates{"converged", "converging", "waiting", "held",
                                                     "drifted",   "paused",     "broken",  "unknown"};
constexpr std::array<std::string_view, 7> kVerbs{"nothing", "recover", "deploy", "adopt",
                                                 "mend",    "wait",    "hold"};
constexpr std::string_view kOnlyReported = " (self_heal is false: only reported)";
constexpr Duration kFirstBackoff{2000};
constexpr Duration kLastBackoff{300'000};
constexpr Duration kSeldom{3'600'000};
constexpr Duration kLongestDelay = kLastBackoff + kLastBackoff / 4;

Decision make(Verb verb, AppState state, std::string reason, std::optional<WallTime> again = {},
              Bar bar = Bar::None) {
    return {verb, state, std::move(reason), again, bar};
}

Decision without_manifest(const Observed& observed, const AppRow& remembered) {
    if (!observed.current && !remembered.running)
        return make(Verb::Nothing, AppState::Unknown, "no manifest asks for it and nothing of it is here");
    return make(Verb::Nothing, AppState::Unknown,
                "orphaned: no manifest asks for it any more; it is left running until a person removes it");
}

std::string words_of(const PauseRow& pause) {
    auto words = (pause.whole_host ? "this host is paused: " : "") + pause.reason;
    if (pause.until) words += ", until " + format_utc(*pause.until);
    return words;
}

// `current` names the declared release.
Decision in_place(const Declared& declared, const Observed& observed, const AppRow& remembered) {
    const auto& running = remembered.running;
    if (!running)
        return make(Verb::Adopt, AppState::Converged,
                    "the declared release is there already; taken over as it is");
    if (running->release != declared.release)
        return make(Verb::Deploy, AppState::Converging,
                    "`current` names the declared release, but it is not known to be good");
    if (running->digest != declared.digest && !declared.same_runtime)
        return make(Verb::Deploy, AppState::Converging,
                    "the manifest's settings changed; the release is the same");
    if (observed.drift && !declared.self_heal)
        return make(Verb::Nothing, AppState::Drifted, *observed.drift + std::string(kOnlyReported));
    if (observed.drift)
        return make(observed.mendable ? Verb::Mend : Verb::Nothing, AppState::Drifted, *observed.drift);
    if (running->digest != declared.digest || running->revision != declared.revision)
        return make(Verb::Adopt, AppState::Converged, "the manifest changed in nothing that runs");
    return make(Verb::Nothing, AppState::Converged, "the declared release runs");
}

Decision elsewhere(const Declared& declared, const Observed& observed, const AppRow& remembered) {
    const auto& running = remembered.running;
    if (running && running->release == declared.release)
        return declared.self_heal
                   ? make(Verb::Deploy, AppState::Drifted, "`current` was moved; it is put back")
                   : make(Verb::Nothing, AppState::Drifted,
                          "`current` was moved by somebody" + std::string(kOnlyReported));
    if (!observed.current) return make(Verb::Deploy, AppState::Converging, "nothing is deployed yet");
    return make(
        Verb::Deploy, AppState::Converging,
        declared.back ? "the manifest asks for an older release" : "the manifest asks for another release");
}

// Policy on when a deployment may begin. What only puts the running release back is none.
std::optional<Decision> kept_back(const Declared& declared, const AppRow& remembered,
                                  const Standing& standing, WallTime now) {
    if (!standing.schedule) return std::nullopt;
    if (standing.schedule->rules.strategy == manifests::Strategy::Manual &&
        remembered.let_go != declared.digest)
        return make(Verb::Wait, AppState::Waiting,
                    "strategy manual: tidegatectl retry " + declared.app + " deploys it", {}, Bar::Person);
    if (declared.back) return std::nullopt;  // the way back out of trouble is never shut
    if (auto shut = closed(*standing.schedule, now))
        return make(Verb::Wait, AppState::Waiting, std::move(shut->reason), shut->opens, Bar::Schedule);
    return std::nullopt;
}

}  // namespace

std::string_view name_of(AppState state) {
    return kAppStates[static_cast<size_t>(state)];
}
std::string_view name_of(Verb verb) {
    return kVerbs[static_cast<size_t>(verb)];
}

Duration backoff(int failures, double jitter) {
    const int doublings = std::clamp(failures - 1, 0, 16);
    const auto base = std::min(kLastBackoff, kFirstBackoff * (1 << doublings));
    const auto extra = static_cast<double>(base.count()) * 0.25 * std::clamp(jitter, 0.0, 1.0);
    return base + Duration(static_cast<Duration::rep>(extra));
}

Duration mend_delay(int mends) {
    return mends > kMostMends ? kSeldom : backoff(mends, 0.5);
}

Decision decide(const std::optional<Declared>& declared, const Observed& observed, const AppRow& remembered,
                bool unfinished, const Standing& standing, WallTime now) {
    // The disk first: a deployment that a crash left is brought to an end whatever else is the matter.
    if (unfinished)
        return make(Verb::Recover, AppState::Converging,
                    "a deployment was interrupted; it is brought to an end");
    if (remembered.broken) return make(Verb::Nothing, AppState::Broken, *remembered.broken);
    if (observed.trouble) return make(Verb::Nothing, AppState::Broken, *observed.trouble);
    if (const auto& pause = remembered.paused; pause && (!pause->until || *pause->until > now))
        return make(Verb::Nothing, AppState::Paused, words_of(*pause), pause->until);
    if (!declared) return without_manifest(observed, remembered);
    if (declared->refused) return make(Verb::Hold, AppState::Held, *declared->refused);

    // What somebody else deployed is not replaced unasked: there would be no known way back to it.
    if (observed.current && observed.foreign && !remembered.running)
        return make(Verb::Hold, AppState::Held,
                    "releases/" + *observed.current +
                        " runs here and was not deployed by Tidegate: tidegatectl adopt " + declared->app);

    const auto& hold = remembered.hold;
    const bool held = hold && hold->digest == declared->digest;
    if (held && !hold->refused) return make(Verb::Hold, AppState::Held, hold->reason);
    if (held && hold->one_way && remembered.irreversible != declared->digest)
        return make(
            Verb::Wait, AppState::Waiting,
            hold->reason + "; it goes on with: tidegatectl retry " + declared->app + " --irreversible");

    const bool here = observed.current == declared->release;
    auto decision =
        here ? in_place(*declared, observed, remembered) : elsewhere(*declared, observed, remembered);
    if (decision.verb == Verb::Deploy && declared->migrates && !declared->revertible &&
        remembered.irreversible != declared->digest)
        return make(Verb::Wait, AppState::Waiting,
                    "its migration cannot be taken back (no `down`, not `compatible`); it goes on with: "
                    "tidegatectl retry " +
                        declared->app + " --irreversible");
    if (decision.verb == Verb::Deploy && decision.state != AppState::Drifted && !declared->waits_for.empty())
        return make(Verb::Wait, AppState::Waiting, "waits for " + declared->waits_for);
    if (decision.verb == Verb::Deploy && decision.state != AppState::Drifted)
        if (auto back = kept_back(*declared, remembered, standing, now)) return *std::move(back);
    const auto& delay = remembered.delay;
    // A time further away than any delay is long was written by a clock that has been put right since.
    const bool drifted = decision.state == AppState::Drifted;
    bool delayed = delay && delay->digest == declared->digest && delay->until > now &&
                   delay->until <= now + (drifted ? kSeldom : kLongestDelay);
    if (held) {  // refused for want of a proof, which a newer revision may have brought
        delayed = delayed && hold->revision == declared->revision;
        if (delayed && decision.verb == Verb::Deploy)
            return make(Verb::Wait, AppState::Waiting, hold->reason, delay->until, Bar::Proof);
    }
    if (delayed && (decision.verb == Verb::Deploy || decision.verb == Verb::Mend))
        return make(Verb::Wait, drifted ? AppState::Drifted : AppState::Waiting, delay->reason, delay->until);
    if (standing.tip_refused && decision.state == AppState::Converged)
        return make(decision.verb, AppState::Waiting, *standing.tip_refused);
    return decision;
}

}  // namespace tidegate::reconciler
