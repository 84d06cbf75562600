// Walks one deployment through the transition table: journals each phase before and after, runs it, asks the
// table what follows, and writes down how it ended. The same walk recovers what a crash left.
#pragma once

#include "reconciler/interrupt.hpp"
#include "reconciler/journal.hpp"
#include "reconciler/phases.hpp"
#include "reconciler/ports.hpp"
#include "shared/base/clock.hpp"
#include "shared/log/log.hpp"

#include <functional>
#include <string>

namespace tidegate::reconciler {

// How often a deployment, or a manifest over several of them, may be found interrupted before it is held.
inline constexpr int kMostRestarts = 5;

struct Outcome {
    State end = State::Undone;
    Verdict verdict = Verdict::None;
    std::string reason;  // in words, also for a good end
    [[nodiscard]] bool good() const { return end == State::Deployed; }
};

class Deployment {
  public:
    // All is borrowed and outlives the object. `on_state` hears of each state before it is entered.
    Deployment(
        DeploymentRow row, Ports& ports, Journal& journal, Interrupt& interrupt, const shared::Clock& clock,
        shared::Log log, std::function<void(State)> on_state = [](State) {});

    // From the beginning. `row` has been begun in the journal.
    [[nodiscard]] Outcome run();
    // From what the journal says of it: before `switch` it is undone, after it it goes on from activate, an
    // undoing is finished. `crashed`: nobody asked for the interruption; counted.
    [[nodiscard]] Outcome recover();

  private:
    struct Step {
        Event event = Event::Done;
        std::string detail;
    };

    [[nodiscard]] Outcome walk(State state);
    [[nodiscard]] Step perform(State state);
    [[nodiscard]] PhaseResult undo(State state, PhaseContext& context);
    [[nodiscard]] State turned_from(State state, Event event) const;
    [[nodiscard]] std::optional<Event> asked(State state) const;
    [[nodiscard]] Event event_of(State state, const Error& error) const;
    // What the table knows under another name where there is no good release to go back to.
    [[nodiscard]] Event alone_or(State state, Event event) const;
    [[nodiscard]] State follow(State state, const Step& step);
    [[nodiscard]] Outcome finish(State end);
    [[nodiscard]] Journal::End consequences(State end) const;
    [[nodiscard]] bool no_way_back() const;
    void remember_delay(Journal::End& end, const AppRow& app) const;
    [[nodiscard]] RunningRow new_running() const;

    DeploymentRow row_;
    Ports& ports_;
    Journal& journal_;
    Interrupt& interrupt_;
    const shared::Clock& clock_;
    shared::Log log_;
    std::function<void(State)> on_state_;
    bool migration_began_ = false;
    bool crashed_ = false;            // found unfinished, and nobody had asked for that
    std::optional<State> turned_in_;  // where it was when it turned round, in this process
    std::string undo_failure_;
};

}  // namespace tidegate::reconciler
