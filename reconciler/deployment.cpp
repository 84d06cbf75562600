#include "reconciler/deployment.hpp"

#include "reconciler/decide.hpp"

#include <poll.h>

#include <algorithm>
#include <random>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr Duration kRefusedAgain{60'000};
constexpr int kUndoTries = 4;
constexpr int kUndoPauseMs = 200;  // doubling

// Not security: only so that many hosts do not come back in the same second.
double jitter(std::int64_t seed) {
    std::minstd_rand generator(static_cast<std::minstd_rand::result_type>(seed));
    generator.discard(3);
    return static_cast<double>(generator()) / static_cast<double>(std::minstd_rand::max());
}

std::string words_of(const Error& error) {
    return error.line();
}

// The host's trouble, not the release's: it says nothing about the revision, which is tried again.
bool passes_by_itself(ErrorKind kind, State state) {
    switch (kind) {
        case ErrorKind::Transient:
        case ErrorKind::NoSpace:
        case ErrorKind::Locked:
        case ErrorKind::Io: return true;
        // A server that is being moved, a commit that is declared before it is pushed.
        case ErrorKind::NotFound:
        case ErrorKind::Timeout: return state == State::Fetch;
        // In a build or migration it is a command that may not be run, which is the release's own fault.
        case ErrorKind::Permission: return state != State::Build && state != State::Migrate;
        default: return false;
    }
}

}  // namespace

PhaseResult run_phase(State state, PhaseContext& context) {
    switch (state) {
        case State::Fetch: return phase_fetch(context);
        case State::Verify: return phase_verify(context);
        case State::Stage: return phase_stage(context);
        case State::Build: return phase_build(context);
        case State::Migrate: return phase_migrate(context);
        case State::Switch: return phase_switch(context);
        case State::Activate: return phase_activate(context);
        case State::Health: return phase_health(context);
        case State::Soak: return phase_soak(context);
        case State::Prune: return phase_prune(context);
        case State::Unmigrate:
        case State::RevertMigration: return phase_unmigrate(context);
        case State::Discard: return phase_discard(context);
        case State::RevertSwitch: return phase_revert_switch(context);
        case State::RevertActivate: return phase_revert_activate(context);
        case State::RevertHealth: return phase_revert_health(context);
        default: return fail(ErrorKind::Broken, "an end is not run");
    }
}

Deployment::Deployment(DeploymentRow row, Ports& ports, Journal& journal, Interrupt& interrupt,
                       const Clock& clock, Log log, std::function<void(State)> on_state)
    : row_(std::move(row)),
      ports_(ports),
      journal_(journal),
      interrupt_(interrupt),
      clock_(clock),
      log_(log.with("app", row_.app).with("deployment", std::to_string(row_.id))),
      on_state_(std::move(on_state)) {}

Outcome Deployment::run() {
    log_.info("deployment begins", {{"from", row_.from_release},
                                    {"to", row_.to_release},
                                    {"revision", row_.revision},
                                    {"signer", row_.signer}});
    return walk(State::Fetch);
}

Outcome Deployment::recover() {
    const auto phases = journal_.phases(row_.id);
    if (!phases) {
        log_.error("the journal cannot be read", phases.error());
        return {State::Stopped, row_.verdict, phases.error().line()};
    }
    State state = State::Fetch;
    bool asked_to_stop = false;
    for (const auto& entry : *phases) {
        asked_to_stop = entry.what == name_of(Event::Stop) || entry.what == kTriedAgain;
        migration_began_ = migration_began_ || (entry.state == State::Migrate && entry.what == "begin");
    }
    if (!phases->empty()) {
        const auto& last = phases->back();
        state = last.state;
        if (last.what != "begin" && !asked_to_stop) {
            for (size_t index = 0; index < kEvents; ++index) {
                const auto event = static_cast<Event>(index);
                if (last.what != name_of(event) || !possible(state, event)) continue;
                // The crash came between its end and what follows.
                state = follow(turned_from(state, event), {event, last.detail});
                break;
            }
        }
    }
    if (is_end(state)) return finish(state);

    int restarts = row_.restarts;
    crashed_ = !asked_to_stop;
    if (crashed_) restarts = journal_.count_restart(row_.id).value_or(restarts + 1);
    const auto current = ports_.current();
    Event event =
        current && current->has_value() && **current == row_.to_release ? Event::CrashNew : Event::CrashOld;
    std::string detail = "interrupted in " + std::string(name_of(state));
    if (restarts > kMostRestarts) {
        event = Event::Worn;
        detail += ", for the " + std::to_string(restarts) + ". time";
    }
    // A redeployment of the same release is always "new" behind current: what counts is how far it had come.
    log_.warning("deployment was interrupted",
                 {{"phase", std::string(name_of(state))}, {"found", std::string(name_of(event))}});
    return walk(follow(state, {alone_or(state, event), detail}));
}

Outcome Deployment::walk(State state) {
    while (!is_end(state)) {
        on_state_(state);
        if (const auto event = asked(state)) {
            const auto* why = *event == Event::Stop ? "the daemon is to end" : "a newer revision is declared";
            if (auto ok = journal_.note(row_.id, state, name_of(*event), why, clock_.now()); !ok)
                log_.error("the journal cannot be written", ok.error());
            state = follow(state, {*event, why});
            continue;
        }
        const auto step = perform(state);
        state = follow(turned_from(state, step.event), step);
    }
    return finish(state);
}

// The link may have moved before the switch failed (its folder could not be brought to disk): from there on it is undone
// as after the switch.
State Deployment::turned_from(State state, Event event) const {
    if (state != State::Switch || event == Event::Done || !possible(State::Activate, event)) return state;
    const auto current = ports_.current();
    const bool moved = current && current->has_value() && **current == row_.to_release;
    return moved ? State::Activate : state;
}

std::optional<Event> Deployment::asked(State state) const {
    const Ask ask = interrupt_.asked();
    if (ask == Ask::None) return std::nullopt;
    const Event event = ask == Ask::Stop ? Event::Stop : alone_or(state, Event::Newer);
    if (possible(state, event)) return event;
    return std::nullopt;
}

Deployment::Step Deployment::perform(State state) {
    const auto begun = journal_.note(row_.id, state, "begin", "", clock_.now());
    if (!begun) {
        log_.error("the journal cannot be written", begun.error());
        // Nothing new is started unwritten; what is already under way after the switch is brought to its end.
        if (state <= State::Switch) return {Event::Transient, begun.error().line()};
    }
    if (state == State::Migrate) migration_began_ = true;
    log_.info("phase begins", {{"phase", std::string(name_of(state))}});

    PhaseContext context{row_, ports_, journal_, interrupt_, row_.verdict, migration_began_};
    const auto started = clock_.mono();
    const auto result = is_undoing(state) ? undo(state, context) : run_phase(state, context);
    const auto took = std::chrono::duration_cast<Duration>(clock_.mono() - started);

    Step step;
    if (result) {
        step.detail = *result;
        log_.info("phase ended", {{"phase", std::string(name_of(state))},
                                  {"took_ms", std::to_string(took.count())},
                                  {"detail", step.detail}});
    } else {
        step = {event_of(state, result.error()), words_of(result.error())};
        log_.warning("phase failed: " + std::string(name_of(state)), result.error());
    }
    // What would bring the missing proof belongs into `why` and `show`; the reason in the status is short.
    auto told = step.detail;
    if (step.event == Event::Denied && !result.error().hint.empty()) told += "; " + result.error().hint;
    if (auto ok = journal_.note(row_.id, state, name_of(step.event), told, clock_.now()); !ok)
        log_.error("the journal cannot be written", ok.error());
    return step;
}

// The way back is worth some patience: what may pass by itself is tried again for a moment before hands go off.
PhaseResult Deployment::undo(State state, PhaseContext& context) {
    auto result = run_phase(state, context);
    for (int tries = 1; tries < kUndoTries && !result && passes_by_itself(result.error().kind, state);
         ++tries) {
        log_.warning("tried again: " + std::string(name_of(state)), result.error());
        pollfd ending{interrupt_.hard_fd(), POLLIN, 0};
        if (poll(&ending, 1, kUndoPauseMs << (tries - 1)) > 0) break;
        result = run_phase(state, context);
    }
    return result;
}

Event Deployment::event_of(State state, const Error& error) const {
    Event event = Event::Failed;
    if (error.kind == ErrorKind::Cancelled && interrupt_.asked() != Ask::None)
        event = interrupt_.asked() == Ask::Stop ? Event::Stop : Event::Newer;
    else if (error.kind == ErrorKind::Denied)
        event = Event::Denied;
    else if (passes_by_itself(error.kind, state))
        event = Event::Transient;
    event = alone_or(state, event);
    // Cut short where the table listens to no such thing: it failed.
    return possible(state, event) ? event : alone_or(state, Event::Failed);
}

Event Deployment::alone_or(State state, Event event) const {
    const bool good = row_.from_good && !row_.from_release.empty();
    if (good || state < State::Activate || state > State::Soak) return event;
    if (event == Event::Newer) return Event::NewerAlone;
    const auto& to = transition(state, event).to;
    return to == State::RevertMigration ? Event::FailedAlone : event;
}

State Deployment::follow(State state, const Step& step) {
    const auto& next = transition(state, step.event);
    if (!next.to) return State::Stopped;  // cannot be: perform() and asked() give possible events only
    if (next.verdict != Verdict::None && row_.verdict == Verdict::None) {
        row_.verdict = next.verdict;
        row_.reason = step.detail;
        turned_in_ = state;
        if (auto ok = journal_.set_verdict(row_.id, row_.verdict, row_.reason); !ok)
            log_.error("the journal cannot be written", ok.error());
        log_.warning("deployment turns round", {{"verdict", std::string(name_of(row_.verdict))},
                                                {"reason", row_.reason},
                                                {"next", std::string(name_of(*next.to))}});
    }
    if (*next.to == State::Broken) undo_failure_ = std::string(name_of(state)) + " failed: " + step.detail;
    return *next.to;
}

Outcome Deployment::finish(State end) {
    if (end == State::Stopped) {
        log_.info("deployment pauses; it goes on after the next start", {});
        return {end, row_.verdict, row_.reason};
    }
    const auto written = consequences(end);
    if (auto ok = journal_.end(row_, written, clock_.now()); !ok) {
        // Left unfinished in the journal: the next start finds it and ends it again.
        log_.error("the end of the deployment could not be written", ok.error());
        return {State::Stopped, row_.verdict, ok.error().line()};
    }
    const auto level = end == State::Deployed ? LogLevel::Info
                       : end == State::Broken ? LogLevel::Error
                                              : LogLevel::Warning;
    log_.write(level, "deployment ended", {{"outcome", written.outcome}, {"reason", written.reason}});
    return {end, row_.verdict, written.reason};
}

RunningRow Deployment::new_running() const {
    return {row_.root,        row_.to_release, row_.to_commit, row_.to_label,
            row_.to_manifest, row_.digest,     row_.revision,  clock_.now()};
}

bool Deployment::no_way_back() const {
    const auto phases = journal_.phases(row_.id);
    return phases && std::any_of(phases->begin(), phases->end(),
                                 [](const PhaseRow& phase) { return phase.what == kOneWay; });
}

void Deployment::remember_delay(Journal::End& end, const AppRow& app) const {
    DelayRow delay;
    if (app.delay && app.delay->digest == row_.digest) delay = *app.delay;
    delay.digest = row_.digest;
    delay.reason = row_.reason;
    const auto seed = row_.started.time_since_epoch().count() + row_.id * 7919 + delay.failures;
    switch (row_.verdict) {
        case Verdict::Retry:
            ++delay.failures;
            delay.until = clock_.now() + backoff(delay.failures, jitter(seed));
            break;
        case Verdict::Refuse:
            delay.until = clock_.now() + kRefusedAgain;
            end.hold = HoldRow{row_.digest, true, row_.id, row_.reason, clock_.now(), {}, no_way_back()};
            break;
        default:
            if (!crashed_) break;  // an interruption that was asked for is not counted
            ++delay.interruptions;
            delay.until = clock_.now();
            if (delay.interruptions > kMostRestarts)
                end.hold = HoldRow{row_.digest, false, row_.id,
                                   row_.reason + "; given up after " + std::to_string(delay.interruptions) +
                                       " interruptions",
                                   clock_.now()};
    }
    end.delay = delay;
}

Journal::End Deployment::consequences(State end) const {
    Journal::End out;
    out.reason = row_.reason;
    if (end == State::Deployed) {
        out.outcome = "deployed";
        out.reason.clear();
        out.running = new_running();
        return out;
    }
    if (end == State::Broken) {
        out.outcome = "broken";
        out.reason = (row_.reason.empty() ? "" : row_.reason + "; then ") + undo_failure_;
        out.broken = out.reason;
        return out;
    }
    if (end == State::Stranded) out.forget_running = true;
    switch (row_.verdict) {
        case Verdict::Hold: out.outcome = end == State::Reverted ? "reverted" : "failed"; break;
        case Verdict::Retry: out.outcome = "postponed"; break;
        case Verdict::Refuse: out.outcome = "refused"; break;
        case Verdict::Supersede: out.outcome = "superseded"; break;
        default: out.outcome = "interrupted"; break;
    }
    if (row_.verdict == Verdict::Hold) {
        auto words = row_.reason;
        const auto failed = turned_in_ ? std::string(name_of(*turned_in_)) + " failed" : std::string();
        if (!words.starts_with(failed)) words = failed + ": " + words;
        if (end == State::Reverted) words += "; reverted";
        out.hold = HoldRow{row_.digest, false, row_.id, words, clock_.now()};
    } else if (row_.verdict != Verdict::Supersede) {
        remember_delay(out, journal_.app(row_.app).value_or(AppRow{}));
    }
    return out;
}

}  // namespace tidegate::reconciler
