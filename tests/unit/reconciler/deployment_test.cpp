#include "twin.hpp"

using namespace tidegate;
using namespace tidegate::reconciler;

namespace {

using Acts = std::vector<std::string>;

// What must be true of the host after any end: a complete release behind `current`, on its schema, running.
void check_whole(const World& world) {
    REQUIRE(world.current.has_value());
    CHECK(world.complete.count(*world.current) == 1);
    CHECK(world.schema == world.current->back() - '0');
    CHECK(world.active == *world.current);
    CHECK(world.leftovers.empty());
}

const Acts kAll{"fetch",     "verify",      "stage",     "build", "up r2",
                "switch r2", "activate r2", "health r2", "soak",  "prune"};

}  // namespace

TEST_CASE("deployment: the phases run once each, in order") {
    Rig rig;
    const auto outcome = rig.run(rig.begin());
    CHECK(outcome.good());
    CHECK(rig.world.log == kAll);
    CHECK(rig.app().running->release == "r2");
    check_whole(rig.world);
}

TEST_CASE("deployment: an error in each phase ends with exactly these acts") {
    struct Case {
        const char* name;
        const char* act;
        Fault fault;
        State end;
        const char* outcome;
        Acts after;  // acts from the fault on
        bool held;
    };
    const Acts revert{"down r2", "switch r1", "activate r1", "health r1"};
    const auto failing = [](const char* act, Acts rest) {
        rest.insert(rest.begin(), std::string(act) + " failed");
        return rest;
    };
    const Case cases[] = {
        {"fetch fails", "fetch", Fault::Error, State::Undone, "failed", failing("fetch", {"discard"}), true},
        {"fetch unreachable", "fetch", Fault::Transient, State::Undone, "postponed",
         failing("fetch", {"discard"}), false},
        {"verify refuses", "verify", Fault::Denied, State::Undone, "refused", failing("verify", {"discard"}),
         true},
        {"stage fails", "stage", Fault::Error, State::Undone, "failed", failing("stage", {"discard"}), true},
        {"stage finds the disk full", "stage", Fault::Transient, State::Undone, "postponed",
         failing("stage", {"discard"}), false},
        {"stage meets a bad disk", "stage", Fault::Io, State::Undone, "postponed",
         failing("stage", {"discard"}), false},
        {"switch meets a bad disk", "switch r2", Fault::Io, State::Undone, "postponed",
         failing("switch r2", {"down r2", "discard"}), false},
        {"activate meets a bad disk", "activate r2", Fault::Io, State::Reverted, "reverted",
         failing("activate r2", revert), true},
        {"build fails", "build", Fault::Error, State::Undone, "failed", failing("build", {"discard"}), true},
        {"migrate fails", "up r2", Fault::Error, State::Undone, "failed",
         failing("up r2", {"down r2", "discard"}), true},
        {"switch fails", "switch r2", Fault::Error, State::Undone, "failed",
         failing("switch r2", {"down r2", "discard"}), true},
        {"activate fails", "activate r2", Fault::Error, State::Reverted, "reverted",
         failing("activate r2", revert), true},
        {"activate finds no network", "activate r2", Fault::Transient, State::Reverted, "reverted",
         failing("activate r2", revert), true},
        {"health fails", "health r2", Fault::Error, State::Reverted, "reverted", failing("health r2", revert),
         true},
        {"soak fails", "soak", Fault::Error, State::Reverted, "reverted", failing("soak", revert), true},
        {"prune fails", "prune", Fault::Error, State::Deployed, "deployed", failing("prune", {}), false},
    };
    for (const auto& [name, act, fault, end, word, after, held] : cases) {
        const auto& shown = name;  // clang 14 captures no structured binding
        CAPTURE(shown);
        Rig rig;
        rig.world.faults[act] = fault;
        const auto outcome = rig.run(rig.begin());
        CHECK(outcome.end == end);
        CHECK(rig.outcome() == word);
        const auto from = std::find(kAll.begin(), kAll.end(), act) - kAll.begin();
        Acts expected(kAll.begin(), kAll.begin() + from);
        expected.insert(expected.end(), after.begin(), after.end());
        CHECK(rig.world.log == expected);
        CHECK(rig.app().hold.has_value() == held);
        check_whole(rig.world);
    }
}

TEST_CASE("attack 66–78: killed before or after each act, it ends whole after the restart") {
    for (const auto& act : kAll) {
        for (const Fault fault : {Fault::KillBefore, Fault::KillAfter}) {
            CAPTURE(act);
            CAPTURE(static_cast<int>(fault));
            Rig rig;
            rig.world.faults[act] = fault;
            CHECK_THROWS_AS((void)rig.run(rig.begin()), Killed);
            const auto outcome = rig.recover();
            const bool switched = act == "activate r2" || act == "health r2" || act == "soak" ||
                                  act == "prune" || (act == "switch r2" && fault == Fault::KillAfter);
            CHECK(outcome.end == (switched ? State::Deployed : State::Undone));
            CHECK_FALSE(rig.app().hold.has_value());
            check_whole(rig.world);
        }
    }
}

TEST_CASE("attack 79: killed in each act of the revert, the revert is finished after the restart") {
    for (const auto* act : {"down r2", "switch r1", "activate r1", "health r1"}) {
        for (const Fault fault : {Fault::KillBefore, Fault::KillAfter}) {
            CAPTURE(act);
            Rig rig;
            rig.world.faults["health r2"] = Fault::Error;
            rig.world.faults[act] = fault;
            CHECK_THROWS_AS((void)rig.run(rig.begin()), Killed);
            CHECK(rig.recover().end == State::Reverted);
            CHECK(rig.app().hold.has_value());
            check_whole(rig.world);
        }
    }
}

TEST_CASE("attack 79: a revert that fails is broken: said, remembered, and nothing more is tried") {
    for (const auto* act : {"down r2", "switch r1", "activate r1", "health r1"}) {
        CAPTURE(act);
        Rig rig;
        rig.world.faults["health r2"] = Fault::Error;
        rig.world.faults[act] = Fault::Error;
        const auto outcome = rig.run(rig.begin());
        CHECK(outcome.end == State::Broken);
        CHECK(rig.world.log.back() == std::string(act) + " failed");
        REQUIRE(rig.app().broken.has_value());
        CHECK(rig.app().broken->find("health r2 said no") != std::string::npos);
    }
}

TEST_CASE("attack 44: a switch whose link moved before it failed is undone as after the switch") {
    Rig rig;
    rig.world.faults["switch r2"] = Fault::IoAfter;
    CHECK(rig.run(rig.begin()).end == State::Reverted);
    CHECK(rig.app().hold.has_value());
    check_whole(rig.world);

    Rig killed;  // and when it dies before what follows is noted
    killed.world.faults["switch r2"] = Fault::IoAfter;
    killed.world.faults["down r2"] = Fault::KillBefore;
    CHECK_THROWS_AS((void)killed.run(killed.begin()), Killed);
    CHECK(killed.recover().end == State::Reverted);
    check_whole(killed.world);
}

TEST_CASE("attack 79: trouble of the host in a revert that passes does not break the app") {
    for (const auto* act : {"down r2", "switch r1", "activate r1"}) {
        for (const auto fault : {Fault::Transient, Fault::Io}) {
            CAPTURE(act);
            Rig rig;
            rig.world.faults["health r2"] = Fault::Error;
            rig.world.faults[act] = fault;
            CHECK(rig.run(rig.begin()).end == State::Reverted);
            CHECK(rig.app().hold.has_value());
            check_whole(rig.world);
        }
    }
}

TEST_CASE("attack 79: retry of a broken app goes on with the undoing, in the step that failed") {
    const Acts steps{"down r2", "switch r1", "activate r1", "health r1"};
    for (size_t index = 0; index < steps.size(); ++index) {
        CAPTURE(steps[index]);
        Rig rig;
        rig.world.faults["health r2"] = Fault::Error;
        rig.world.faults[steps[index]] = Fault::Error;
        CHECK(rig.run(rig.begin()).end == State::Broken);
        rig.world.log.clear();
        REQUIRE(rig.journal->retry("web", rig.clock.now()).has_value());
        CHECK_FALSE(rig.app().broken.has_value());
        CHECK(rig.recover().end == State::Reverted);
        if (index < 2) CHECK(rig.world.log == Acts(steps.begin() + static_cast<long>(index), steps.end()));
        CHECK(rig.app().running->release == "r1");
        check_whole(rig.world);
    }
    Rig held;  // nothing is opened again where nothing is broken
    held.world.faults["build"] = Fault::Error;
    CHECK(held.run(held.begin()).end == State::Undone);
    REQUIRE(held.journal->retry("web", held.clock.now()).has_value());
    CHECK_FALSE((*held.journal->unfinished("web")).has_value());
}

TEST_CASE("attack 80: a revision found interrupted again and again is held in the end") {
    Rig rig;
    int attempts = 0;
    while (!rig.app().hold && attempts < 100) {
        ++attempts;
        rig.world.faults["build"] = Fault::KillBefore;
        CHECK_THROWS_AS((void)rig.run(rig.begin()), Killed);
        (void)rig.recover();
    }
    CHECK(attempts == kMostRestarts + 1);
    check_whole(rig.world);
}

TEST_CASE("attack 80: restarted for ever after the switch, it is reverted and held") {
    Rig rig;
    rig.world.faults["health r2"] = Fault::KillBefore;
    CHECK_THROWS_AS((void)rig.run(rig.begin()), Killed);
    int restarts = 0;
    bool ended = false;
    while (!ended && restarts < 100) {
        ++restarts;
        rig.world.faults["health r2"] = Fault::KillBefore;
        try {
            ended = rig.recover().end == State::Reverted;
        } catch (const Killed&) {
        }
    }
    CHECK(restarts == kMostRestarts + 1);
    CHECK(rig.app().hold.has_value());
    check_whole(rig.world);
}

TEST_CASE(
    "deployment: a first release that fails is left in place and held, for there is nothing to go back to") {
    Rig rig(true);
    rig.world.faults["health r2"] = Fault::Error;
    const auto outcome = rig.run(rig.begin());
    CHECK(outcome.end == State::Stranded);
    CHECK(rig.world.current == "r2");
    CHECK(rig.world.log.back() == "health r2 failed");
    CHECK(rig.app().hold.has_value());
    CHECK_FALSE(rig.app().running.has_value());
}

TEST_CASE("deployment: with a compatible schema the revert is a switch, and no migration is taken back") {
    Rig rig;
    rig.world.to_migration.compatible = true;
    rig.world.faults["health r2"] = Fault::Error;
    CHECK(rig.run(rig.begin()).end == State::Reverted);
    CHECK(std::count(rig.world.log.begin(), rig.world.log.end(), "down r2") == 0);
    CHECK(rig.world.current == "r1");
}

TEST_CASE("deployment: where there is no way down, or it fails, the backup is brought back") {
    struct Case {
        bool down;
        std::optional<Fault> down_fault;
        bool restore_fails;
        State end;
        Acts acts;  // of the revert's first step
    };
    const Case cases[] = {
        {false, std::nullopt, false, State::Reverted, {"restore r2"}},
        {true, std::nullopt, false, State::Reverted, {"down r2"}},
        {true, Fault::Error, false, State::Reverted, {"down r2 failed", "restore r2"}},
        {true, Fault::Error, true, State::Broken, {"down r2 failed", "restore r2 failed"}},
        // What passes by itself is tried again: no reason to lose what was written since.
        {true, Fault::Transient, false, State::Reverted, {"down r2 failed", "down r2"}},
    };
    for (const auto& one : cases) {
        Rig rig;
        rig.world.to_migration = {true, one.down, false, true};
        rig.world.faults["health r2"] = Fault::Error;
        if (one.down_fault) rig.world.faults["down r2"] = *one.down_fault;
        if (one.restore_fails) rig.world.faults["restore r2"] = Fault::Error;
        CHECK(rig.run(rig.begin()).end == one.end);
        Acts taken;
        for (const auto& act : rig.world.log)
            if (act.starts_with("down") || act.starts_with("restore")) taken.push_back(act);
        CHECK(taken == one.acts);
        if (one.end == State::Reverted) check_whole(rig.world);
    }
}

TEST_CASE("deployment: going back, the release being left takes its migration back before the switch") {
    Rig rig;
    CHECK(rig.run(rig.begin()).good());
    rig.world.log.clear();
    auto row = rig.begin("r1");
    row.back = true;
    CHECK(rig.run(row).good());
    CHECK(rig.world.log ==
          Acts{"verify", "down r2", "switch r1", "activate r1", "health r1", "soak", "prune"});
    check_whole(rig.world);
}

TEST_CASE("deployment: a rollback that fails makes the left release's migration again and stays with it") {
    Rig rig;
    CHECK(rig.run(rig.begin()).good());
    rig.world.log.clear();
    auto row = rig.begin("r1");
    row.back = true;
    rig.world.faults["health r1"] = Fault::Error;
    CHECK(rig.run(row).end == State::Reverted);
    CHECK(rig.world.log == Acts{"verify", "down r2", "switch r1", "activate r1", "health r1 failed", "up r2",
                                "switch r2", "activate r2", "health r2"});
    check_whole(rig.world);
}

TEST_CASE("attack 82: a newer revision in mid-health undoes this one, without a hold and without waiting") {
    Rig rig;
    rig.world.on_act = [&](const std::string& act) {
        if (act == "health r2") rig.interrupt.ask(Ask::Newer);
    };
    const auto outcome = rig.run(rig.begin());
    CHECK(outcome.end == State::Reverted);
    CHECK(rig.outcome() == "superseded");
    CHECK(rig.world.log.back() == "activate r1");
    CHECK_FALSE(rig.app().hold.has_value());
    check_whole(rig.world);
}

TEST_CASE("attack 82: a newer revision in a migration is heeded after it, before the switch") {
    Rig rig;
    rig.world.on_act = [&](const std::string& act) {
        if (act == "up r2") rig.interrupt.ask(Ask::Newer);
    };
    CHECK(rig.run(rig.begin()).end == State::Undone);
    CHECK(rig.world.log == Acts{"fetch", "verify", "stage", "build", "up r2", "down r2", "discard"});
    check_whole(rig.world);
}

TEST_CASE("attack 90: asked to stop in any phase, it stops there and goes on after the start") {
    for (const auto& act : kAll) {
        CAPTURE(act);
        Rig rig;
        rig.world.on_act = [&](const std::string& now) {
            if (now == act) rig.interrupt.ask(Ask::Stop);
        };
        const auto first = rig.run(rig.begin());
        if (first.end != State::Stopped) {
            CHECK(first.good());  // in the last moments it is finished
            continue;
        }
        rig.world.on_act = nullptr;
        Rig* const same = &rig;
        same->interrupt.~Interrupt();
        new (&same->interrupt) Interrupt();
        const auto after = rig.recover();
        CHECK((after.end == State::Deployed || after.end == State::Undone));
        CHECK_FALSE(rig.app().hold.has_value());
        check_whole(rig.world);
    }
}

TEST_CASE("deployment: a second fault during recovery, anywhere, still ends whole") {
    const Acts second{"discard", "down r2", "activate r2", "health r2", "prune"};
    for (const auto& act : kAll) {
        for (const auto& again : second) {
            CAPTURE(act);
            CAPTURE(again);
            Rig rig;
            rig.world.faults[act] = Fault::KillAfter;
            try {
                (void)rig.run(rig.begin());
            } catch (const Killed&) {
            }
            if (!(*rig.journal->unfinished("web"))) continue;
            rig.world.faults = {{again, Fault::KillAfter}};
            for (int tries = 0; tries < 5; ++tries) {
                try {
                    (void)rig.recover();
                    break;
                } catch (const Killed&) {
                }
            }
            check_whole(rig.world);
        }
    }
}
