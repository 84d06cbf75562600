// An in-memory twin of a host for deployments: releases, `current`, a schema and a running process are plain
// values; each act writes a line and can be told to fail or to die before or after it.
#pragma once

#include "reconciler/deployment.hpp"
#include "shared/base/files.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tidegate::reconciler {

struct Killed {};  // the process is gone: thrown through everything, as SIGKILL would

enum class Fault { Error, Transient, Io, IoAfter, Denied, KillBefore, KillAfter };

class TestClock final : public shared::Clock {
  public:
    [[nodiscard]] shared::WallTime now() const override { return shared::WallTime(shared::Duration(ms_++)); }
    [[nodiscard]] shared::MonoTime mono() const override { return shared::MonoTime(shared::Duration(ms_++)); }

  private:
    mutable std::int64_t ms_ = 1'790'000'000'000;
};

// The host. Outlives any number of "processes".
struct World {
    std::optional<std::string> current;
    std::set<std::string> complete;
    std::set<std::string> leftovers;
    int schema = 1;
    std::string active;
    std::vector<std::string> log;
    std::map<std::string, Fault> faults;  // by act; used once unless `for_ever`
    bool for_ever = false;
    std::function<void(const std::string&)> on_act;
    Migration to_migration{true, true, false};
    Migration from_migration{true, true, false};
};

class TwinPorts final : public Ports {
  public:
    TwinPorts(World& world, const DeploymentRow& row) : world_(world), row_(row) {}

    Result<std::string> fetch(int) override {
        return act("fetch", [] {});
    }
    Result<std::string> verify(int) override {
        return act("verify", [] {});
    }
    bool complete() override { return world_.complete.count(row_.to_release) != 0; }
    Result<std::string> stage(int) override {
        return act("stage", [&] { world_.leftovers.insert(row_.to_release); });
    }
    Result<std::string> build(int) override {
        return act("build", [&] {
            world_.leftovers.erase(row_.to_release);
            world_.complete.insert(row_.to_release);
        });
    }
    Result<std::string> discard() override {
        return act("discard", [&] { world_.leftovers.clear(); });
    }
    Migration migration(Side side) override {
        return side == Side::To ? world_.to_migration : world_.from_migration;
    }
    Result<std::string> migrate(Side side, Way way, int) override {
        const auto name = std::string(way == Way::Up ? "up " : "down ") + release(side);
        return act(name, [&] { world_.schema = schema_after(side, way); });
    }
    Result<std::string> restore(Side side, int) override {
        return act("restore " + release(side), [&] { world_.schema = number(row_.from_release); });
    }
    Result<std::optional<std::string>> current() override { return world_.current; }
    Result<std::string> switch_to(Side side) override {
        return act("switch " + release(side), [&] { world_.current = release(side); });
    }
    Result<std::string> activate(Side side, int) override {
        return act("activate " + release(side), [&] { world_.active = release(side); });
    }
    Result<std::string> health(Side side, int) override {
        return act("health " + release(side), [] {});
    }
    Result<std::string> soak(int) override {
        return act("soak", [] {});
    }
    Result<std::vector<std::string>> prune(const std::vector<std::string>&,
                                           const std::vector<std::string>&) override {
        if (auto done = act("prune", [] {}); !done) return fail(done.error());
        return std::vector<std::string>{};
    }

  private:
    [[nodiscard]] std::string release(Side side) const {
        return side == Side::To ? row_.to_release : row_.from_release;
    }
    // Release rN needs schema N.
    [[nodiscard]] static int number(const std::string& name) { return name.empty() ? 0 : name.back() - '0'; }
    [[nodiscard]] int schema_after(Side side, Way way) const {
        if (way == Way::Up) return number(release(side));
        return number(side == Side::To ? row_.from_release : row_.to_release);
    }
    template <typename Effect>
    Result<std::string> act(const std::string& name, Effect effect) {
        if (world_.on_act) world_.on_act(name);
        const auto found = world_.faults.find(name);
        std::optional<Fault> fault;
        if (found != world_.faults.end()) {
            fault = found->second;
            if (!world_.for_ever) world_.faults.erase(found);
        }
        if (fault == Fault::KillBefore) throw Killed{};
        world_.log.push_back(name + (fault && fault != Fault::KillAfter ? " failed" : ""));
        if (fault == Fault::Error) return fail(ErrorKind::Failed, name + " said no");
        if (fault == Fault::Transient) return fail(ErrorKind::Transient, name + " is not reachable");
        if (fault == Fault::Io) return fail(ErrorKind::Io, name + ": input/output error");
        if (fault == Fault::Denied) return fail(ErrorKind::Denied, name + " is not allowed");
        effect();
        if (fault == Fault::IoAfter) return fail(ErrorKind::Io, name + " is done, but not on disk");
        if (fault == Fault::KillAfter) throw Killed{};
        return std::string();
    }

    World& world_;
    DeploymentRow row_;
};

// A host with its journal; release r1 runs and is known to be good, unless `fresh`.
struct Rig {
    explicit Rig(bool fresh = false) : folder(*shared::TempDir::make("tidegate-test")) {
        journal = *Journal::open(folder.path(), clock.now());
        if (fresh) {
            world.schema = 0;
            return;
        }
        world.current = world.active = "r1";
        world.complete.insert("r1");
        REQUIRE(journal
                    ->adopt("web",
                            RunningRow{"/srv/web", "r1", "c1", "v1", "manifest 1", "d1", "rev1", clock.now()})
                    .has_value());
    }

    DeploymentRow begin(const std::string& to = "r2") {
        DeploymentRow row;
        row.app = "web";
        row.root = "/srv/web";
        row.from_release = world.current.value_or("");
        row.from_good = world.current.has_value();
        row.to_release = to;
        row.digest = "d" + to.substr(1);
        row.revision = "rev" + to.substr(1);
        row.started = clock.now();
        row.id = *journal->begin(row);
        return row;
    }
    Outcome run(const DeploymentRow& row) {
        TwinPorts ports(world, row);
        Deployment deployment(row, ports, *journal, interrupt, clock, shared::Log::none());
        return deployment.run();
    }
    // As a new process would: with nothing but the journal and the disk.
    Outcome recover() {
        journal.reset();
        journal = *Journal::open(folder.path(), clock.now());
        const auto row = *journal->unfinished("web");
        REQUIRE(row.has_value());
        TwinPorts ports(world, *row);
        Deployment deployment(*row, ports, *journal, interrupt, clock, shared::Log::none());
        return deployment.recover();
    }
    AppRow app() { return *journal->app("web"); }
    std::string outcome() { return (*journal->last("web"))->outcome; }

    shared::TempDir folder;
    TestClock clock;
    World world;
    Interrupt interrupt;
    std::unique_ptr<Journal> journal;
};

}  // namespace tidegate::reconciler
