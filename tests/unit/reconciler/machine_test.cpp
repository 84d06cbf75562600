#include "reconciler/machine.hpp"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace tidegate::reconciler;

namespace {

std::vector<State> working_states() {
    std::vector<State> out;
    for (size_t index = 0; index < kFirstEnd; ++index) out.push_back(static_cast<State>(index));
    return out;
}

template <typename Visit>
void each_pair(Visit visit) {
    for (const State state : working_states())
        for (size_t index = 0; index < kEvents; ++index) visit(transition(state, static_cast<Event>(index)));
}

}  // namespace

TEST_CASE("machine: every pair of state and event is handled, or named impossible with the reason") {
    each_pair([](const Transition& row) {
        CAPTURE(name_of(row.from));
        CAPTURE(name_of(row.event));
        if (!row.to) CHECK_FALSE(row.note.empty());
    });
}

TEST_CASE("machine: an end takes no event") {
    for (size_t state = kFirstEnd; state < kStates; ++state)
        for (size_t event = 0; event < kEvents; ++event)
            CHECK_FALSE(possible(static_cast<State>(state), static_cast<Event>(event)));
}

TEST_CASE("machine: without failures the phases run in order and end deployed") {
    State state = State::Fetch;
    std::vector<State> seen;
    while (!is_end(state)) {
        seen.push_back(state);
        state = *transition(state, Event::Done).to;
    }
    CHECK(state == State::Deployed);
    CHECK(seen == std::vector<State>{State::Fetch, State::Verify, State::Stage, State::Build, State::Migrate,
                                     State::Switch, State::Activate, State::Health, State::Soak,
                                     State::Prune});
}

TEST_CASE("machine: undoing never leads back to a phase, so nothing is reverted twice") {
    each_pair([](const Transition& row) {
        if (!is_undoing(row.from) || !row.to) return;
        CAPTURE(name_of(row.from));
        CAPTURE(name_of(row.event));
        CHECK((is_undoing(*row.to) || (is_end(*row.to) && *row.to != State::Deployed)));
    });
}

TEST_CASE("machine: only what stands behind a finished prune is called deployed") {
    each_pair([](const Transition& row) {
        if (row.to == State::Deployed) CHECK(row.from == State::Prune);
    });
}

TEST_CASE("machine: before the switch nothing leads into the revert, after it nothing into discarding") {
    each_pair([](const Transition& row) {
        if (!row.to) return;
        CAPTURE(name_of(row.from));
        CAPTURE(name_of(row.event));
        if (row.from <= State::Switch) CHECK((*row.to < State::RevertMigration || is_end(*row.to)));
        if (row.from >= State::Activate && row.from <= State::Prune)
            CHECK((*row.to != State::Discard && *row.to != State::Unmigrate));
    });
}

TEST_CASE("machine: whoever turns round says why, and whoever goes on does not") {
    each_pair([](const Transition& row) {
        if (!row.to || is_undoing(row.from) || row.from == State::Prune) return;
        CAPTURE(name_of(row.from));
        CAPTURE(name_of(row.event));
        const bool turns = is_undoing(*row.to) || *row.to == State::Stranded;
        CHECK(turns == (row.verdict != Verdict::None));
    });
}

TEST_CASE("machine: every path ends, whatever happens in it") {
    for (const State start : working_states()) {
        std::set<State> reached{start};
        std::vector<State> open{start};
        bool ends = false;
        while (!open.empty()) {
            const State state = open.back();
            open.pop_back();
            ends = ends || is_end(state);
            if (is_end(state)) continue;
            for (size_t index = 0; index < kEvents; ++index)
                if (const auto& to = transition(state, static_cast<Event>(index)).to;
                    to && reached.insert(*to).second)
                    open.push_back(*to);
        }
        CAPTURE(name_of(start));
        CHECK(ends);
    }
}

TEST_CASE("machine: names are read back") {
    for (size_t index = 0; index < kStates; ++index)
        CHECK(state_named(name_of(static_cast<State>(index))) == static_cast<State>(index));
    CHECK_FALSE(state_named("nonsense").has_value());
}
