#include "reconciler/decide.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace tidegate::reconciler;
using tidegate::manifests::Strategy;
using tidegate::shared::Duration;
using tidegate::shared::WallTime;

namespace {

const WallTime kNow{Duration(1'790'000'000'000)};

// An app that runs r1 and is to run it.
struct Situation {
    std::optional<Declared> declared = Declared{};
    Observed observed;
    AppRow remembered;
    bool unfinished = false;
    Standing standing;

    Situation() {
        declared->app = "web";
        declared->release = "r1";
        declared->digest = "d1";
        declared->revision = "rev1";
        observed.current = "r1";
        remembered.running = RunningRow{"/srv/web", "r1", "c1", "v1", "m", "d1", "rev1", kNow};
    }
    // A manual strategy, or a freeze that holds at kNow.
    void rule(tidegate::manifests::Strategy strategy, bool freeze) {
        Schedule rules;
        rules.rules.strategy = strategy;
        const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(kNow)};
        if (freeze) rules.rules.freezes.push_back({today, today, "x"});
        standing.schedule = std::make_shared<const Schedule>(rules);
    }
    void ask_for(const char* release, const char* digest) {
        declared->release = release;
        declared->digest = digest;
    }
    [[nodiscard]] Decision now() const {
        return decide(declared, observed, remembered, unfinished, standing, kNow);
    }
};

}  // namespace

TEST_CASE("decide: each situation has its verb and state") {
    struct Case {
        const char* name;
        std::function<void(Situation&)> make;
        Verb verb;
        AppState state;
    };
    const Case cases[] = {
        {"as declared", [](Situation&) {}, Verb::Nothing, AppState::Converged},
        {"another release is declared", [](Situation& s) { s.ask_for("r2", "d2"); }, Verb::Deploy,
         AppState::Converging},
        {"nothing is there yet",
         [](Situation& s) {
             s.observed.current.reset();
             s.remembered.running.reset();
         },
         Verb::Deploy, AppState::Converging},
        {"an unfinished deployment comes first, even when paused",
         [](Situation& s) {
             s.unfinished = true;
             s.remembered.paused = PauseRow{"x", "ana", kNow, std::nullopt, false};
         },
         Verb::Recover, AppState::Converging},
        {"broken: hands off, also from a new manifest",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.broken = "x";
         },
         Verb::Nothing, AppState::Broken},
        {"attack 43: current is no link of ours", [](Situation& s) { s.observed.trouble = "x"; },
         Verb::Nothing, AppState::Broken},
        {"what somebody else deployed is left alone until it is adopted",
         [](Situation& s) {
             s.observed.current = "20240131120000";
             s.observed.foreign = true;
             s.remembered.running.reset();
         },
         Verb::Hold, AppState::Held},
        {"adopted, it is left for the next release",
         [](Situation& s) {
             s.observed.current = "20240131120000";
             s.observed.foreign = true;
             s.remembered.running->release = "20240131120000";
             s.ask_for("r2", "d2");
         },
         Verb::Deploy, AppState::Converging},
        {"paused",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.paused = PauseRow{"x", "ana", kNow, std::nullopt, false};
         },
         Verb::Nothing, AppState::Paused},
        {"paused for a time that is not over",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.paused = PauseRow{"x", "ana", kNow, kNow + Duration(1), true};
         },
         Verb::Nothing, AppState::Paused},
        {"paused for a time that is over",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.paused = PauseRow{"x", "ana", kNow, kNow, true};
         },
         Verb::Deploy, AppState::Converging},
        {"orphaned", [](Situation& s) { s.declared.reset(); }, Verb::Nothing, AppState::Unknown},
        {"a manifest that cannot be", [](Situation& s) { s.declared->refused = "x"; }, Verb::Hold,
         AppState::Held},
        {"held",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.hold = HoldRow{"d2", false, 1, "x", kNow};
         },
         Verb::Hold, AppState::Held},
        {"a hold is left by the next manifest",
         [](Situation& s) {
             s.ask_for("r3", "d3");
             s.remembered.hold = HoldRow{"d2", false, 1, "x", kNow};
         },
         Verb::Deploy, AppState::Converging},
        {"no way down, and nobody let it go",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.hold = HoldRow{"d2", true, 1, "x", kNow, "rev0", true};
         },
         Verb::Wait, AppState::Waiting},
        {"no way down, and a person let it go",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.hold = HoldRow{"d2", true, 1, "x", kNow, "rev0", true};
             s.remembered.irreversible = "d2";
         },
         Verb::Deploy, AppState::Converging},
        {"refused by policy, asked a moment ago",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.hold = HoldRow{"d2", true, 1, "x", kNow, "rev1"};
             s.remembered.delay = DelayRow{"d2", 0, 0, kNow + Duration(1), "x"};
         },
         Verb::Wait, AppState::Waiting},
        {"refused by policy a moment ago, and a newer revision is there",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.hold = HoldRow{"d2", true, 1, "x", kNow, "rev0"};
             s.remembered.delay = DelayRow{"d2", 0, 0, kNow + Duration(1), "x"};
         },
         Verb::Deploy, AppState::Converging},
        {"refused by policy, time to ask again",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.hold = HoldRow{"d2", true, 1, "x", kNow};
             s.remembered.delay = DelayRow{"d2", 0, 0, kNow, "x"};
         },
         Verb::Deploy, AppState::Converging},
        {"waiting for the network",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.delay = DelayRow{"d2", 1, 0, kNow + Duration(1), "x"};
         },
         Verb::Wait, AppState::Waiting},
        {"attack 87: a delay until a time that only a wrong clock could write",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.delay = DelayRow{"d2", 1, 0, kNow + Duration(86'400'000), "x"};
         },
         Verb::Deploy, AppState::Converging},
        {"a delay is left by the next manifest",
         [](Situation& s) {
             s.ask_for("r3", "d3");
             s.remembered.delay = DelayRow{"d2", 1, 0, kNow + Duration(1), "x"};
         },
         Verb::Deploy, AppState::Converging},
        {"a migration of no return",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.declared->migrates = true;
             s.declared->revertible = false;
         },
         Verb::Wait, AppState::Waiting},
        {"a migration of no return that a person allowed",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.declared->migrates = true;
             s.declared->revertible = false;
             s.remembered.irreversible = "d2";
         },
         Verb::Deploy, AppState::Converging},
        {"a freeze keeps another release back",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.rule(Strategy::Auto, true);
         },
         Verb::Wait, AppState::Waiting},
        {"a freeze keeps changed settings back",
         [](Situation& s) {
             s.declared->digest = "d2";
             s.declared->same_runtime = false;
             s.rule(Strategy::Auto, true);
         },
         Verb::Wait, AppState::Waiting},
        {"a freeze does not keep a rollback back",
         [](Situation& s) {
             s.ask_for("r0", "d0");
             s.declared->back = true;
             s.rule(Strategy::Auto, true);
         },
         Verb::Deploy, AppState::Converging},
        {"a freeze does not keep what was begun from its end",
         [](Situation& s) {
             s.unfinished = true;
             s.rule(Strategy::Auto, true);
         },
         Verb::Recover, AppState::Converging},
        {"a freeze does not keep drift from being mended",
         [](Situation& s) {
             s.observed.drift = "x";
             s.rule(Strategy::Auto, true);
         },
         Verb::Mend, AppState::Drifted},
        {"a freeze and a manual strategy do not keep a moved current from being put back",
         [](Situation& s) {
             s.observed.current = "r0";
             s.rule(Strategy::Manual, true);
         },
         Verb::Deploy, AppState::Drifted},
        {"no freeze today",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.rule(Strategy::Auto, false);
         },
         Verb::Deploy, AppState::Converging},
        {"strategy manual waits for a person, for a rollback too",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.declared->back = true;
             s.rule(Strategy::Manual, false);
         },
         Verb::Wait, AppState::Waiting},
        {"strategy manual, and a person let another manifest go",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.let_go = "d1";
             s.rule(Strategy::Manual, false);
         },
         Verb::Wait, AppState::Waiting},
        {"strategy manual, and a person let this one go",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.let_go = "d2";
             s.rule(Strategy::Manual, false);
         },
         Verb::Deploy, AppState::Converging},
        {"strategy manual, let go, in a freeze",
         [](Situation& s) {
             s.ask_for("r2", "d2");
             s.remembered.let_go = "d2";
             s.rule(Strategy::Manual, true);
         },
         Verb::Wait, AppState::Waiting},
        {"only words changed", [](Situation& s) { s.declared->digest = "d2"; }, Verb::Adopt,
         AppState::Converged},
        {"only settings changed",
         [](Situation& s) {
             s.declared->digest = "d2";
             s.declared->same_runtime = false;
         },
         Verb::Deploy, AppState::Converging},
        {"attack 89: nothing is remembered, and the declared release is there",
         [](Situation& s) { s.remembered.running.reset(); }, Verb::Adopt, AppState::Converged},
        {"drift", [](Situation& s) { s.observed.drift = "x"; }, Verb::Mend, AppState::Drifted},
        {"drift that is only to be reported",
         [](Situation& s) {
             s.observed.drift = "x";
             s.declared->self_heal = false;
         },
         Verb::Nothing, AppState::Drifted},
        {"current was moved", [](Situation& s) { s.observed.current = "r0"; }, Verb::Deploy,
         AppState::Drifted},
        {"current was moved, and is only to be reported",
         [](Situation& s) {
             s.observed.current = "r0";
             s.declared->self_heal = false;
         },
         Verb::Nothing, AppState::Drifted},
        {"the newest revision is refused", [](Situation& s) { s.standing.tip_refused = "x"; }, Verb::Nothing,
         AppState::Waiting},
    };
    for (const auto& [name, make, verb, state] : cases) {
        const auto& shown = name;  // clang 14 captures no structured binding
        CAPTURE(shown);
        Situation situation;
        make(situation);
        const auto decision = situation.now();
        CHECK(name_of(decision.verb) == name_of(verb));
        CHECK(name_of(decision.state) == name_of(state));
        CHECK_FALSE(decision.reason.empty());
    }
}

TEST_CASE("decide: a hold is never left but by another manifest or a retry, whatever else changes") {
    for (int bits = 0; bits < 64; ++bits) {
        Situation s;
        s.ask_for("r2", "d2");
        s.remembered.hold = HoldRow{"d2", false, 1, "held", kNow};
        if (bits & 1) s.observed.drift = "x";
        if (bits & 2) s.observed.current.reset();
        if (bits & 4) s.remembered.running.reset();
        if (bits & 8) s.standing.tip_refused = "x";
        if (bits & 16) s.declared->revision = "rev9";
        if (bits & 32) s.remembered.irreversible = "d2";
        CHECK(s.now().verb == Verb::Hold);
    }
}

TEST_CASE("decide: waiting grows from seconds to minutes and no further") {
    CHECK(backoff(1, 0) == Duration(2000));
    CHECK(backoff(2, 0) == Duration(4000));
    CHECK(backoff(50, 0) == Duration(300'000));
    CHECK(backoff(50, 1) == Duration(375'000));
}

TEST_CASE("decide: what is mended again and again waits longer each time, in the end an hour") {
    Situation s;
    s.observed.drift = "VERSION changed";
    CHECK(s.now().verb == Verb::Mend);
    s.remembered.delay = DelayRow{"d1", kMostMends + 1, 0, kNow + mend_delay(kMostMends + 1), "again"};
    CHECK(s.now() == Decision{Verb::Wait, AppState::Drifted, "again", kNow + Duration(3'600'000), Bar::None});
    s.remembered.delay->until = kNow;
    CHECK(s.now().verb == Verb::Mend);
    // So does what moves `current` again and again; another manifest is not kept back by it.
    s.observed.current = "r0";
    s.remembered.delay->until = kNow + Duration(1);
    CHECK(s.now().state == AppState::Drifted);
    CHECK(s.now().verb == Verb::Wait);
    s.ask_for("r2", "d2");
    CHECK(s.now().verb == Verb::Deploy);
    for (int mends = 1; mends < kMostMends; ++mends) CHECK(mend_delay(mends) <= mend_delay(mends + 1));
    CHECK(mend_delay(1) < Duration(3000));
}
