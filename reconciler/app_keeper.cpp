#include "reconciler/app_keeper.hpp"

#include "reconciler/adoption.hpp"
#include "reconciler/app_keeper_view.hpp"
#include "reconciler/host_ports.hpp"
#include "reconciler/memory.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr int kMostRounds =
    20;  // of one visit; a visit that needs more is a fault of ours, and looked at again

// Stands in where the real ports could not be made: the first phase fails with the reason, nothing is touched.
class NoPorts final : public Ports {
  public:
    explicit NoPorts(Error error) : error_(std::move(error)) {}
    Result<std::string> fetch(int) override { return fail(error_); }
    Result<std::string> verify(int) override { return fail(error_); }
    bool complete() override { return false; }
    Result<std::string> stage(int) override { return fail(error_); }
    Result<std::string> build(int) override { return fail(error_); }
    Result<std::string> discard() override { return std::string(); }
    Migration migration(Side) override { return {}; }
    Result<std::string> migrate(Side, Way, int) override { return fail(error_); }
    Result<std::string> restore(Side, int) override { return fail(error_); }
    Result<std::optional<std::string>> current() override { return fail(error_); }
    Result<std::string> switch_to(Side) override { return fail(error_); }
    Result<std::string> activate(Side, int) override { return fail(error_); }
    Result<std::string> health(Side, int) override { return fail(error_); }
    Result<std::string> soak(int) override { return fail(error_); }
    Result<std::vector<std::string>> prune(const std::vector<std::string>&,
                                           const std::vector<std::string>&) override {
        return fail(error_);
    }

  private:
    Error error_;
};

std::optional<AppSpec> spec_of(const std::string& app, const std::string& text) {
    if (text.empty()) return std::nullopt;
    auto spec = read_app_spec(app, text);
    if (!spec) return std::nullopt;
    return std::move(*spec);
}

}  // namespace

AppKeeper::AppKeeper(const Host& host, AppReport before, std::function<std::shared_ptr<const Look>()> looked,
                     std::function<void(const AppReport&)> report, Interrupt& interrupt)
    : host_(host),
      app_(before.app),
      looked_(std::move(looked)),
      report_to_(std::move(report)),
      interrupt_(interrupt),
      log_(host.log.with("app", app_)),
      report_(std::move(before)) {
    report_.deploying.clear();
}

Declared AppKeeper::declared_of(const DeclaredApp& app, const AppRow& remembered, const Accepted& accepted) {
    Declared out;
    out.app = app_;
    out.manifest = app.text;
    out.digest = app.digest;
    out.revision = accepted.revision.str();
    out.signer = accepted.signer;
    if (app.wrong) out.refused = app.wrong->line();
    if (!app.spec) return out;
    const auto& spec = *app.spec;
    out.root = spec.root;
    out.release = spec.release.str();
    out.commit = spec.commit.str();
    out.label = spec.label();
    out.self_heal = spec.self_heal;
    // With files of SQL the host knows only when it migrates whether each has a way back.
    out.migrates = spec.migrates();
    out.revertible = spec.compatible || spec.down || spec.sql || spec.restore;
    const auto& running = remembered.running;
    if (!running) return out;
    const auto former = running->digest == app.digest ? app.spec : spec_of(app_, running->manifest);
    if (former) out.same_runtime = former->runtime_digest == spec.runtime_digest;
    if (running->release == out.release) out.migrates = false;
    const auto first_there = host_.journal.first_deployed(app_, out.commit);
    const auto first_here = host_.journal.first_deployed(app_, running->commit);
    out.back = running->commit != out.commit && first_there && *first_there && first_here && *first_here &&
               **first_there < **first_here;
    if (out.back && former) {
        // A backup is no way back to an older release: it would take what was written since along.
        out.migrates = former->migrates();
        out.revertible = former->compatible || former->down || former->sql;
    }
    return out;
}

std::string AppKeeper::waits_for(const DeclaredApp& app, const Look& look) {
    if (!app.spec) return {};
    for (const auto& name : app.spec->depends_on) {
        const auto other = look.apps.find(name);
        if (other == look.apps.end()) continue;  // another host's
        const auto known = host_.journal.app(name);
        if (!known) return name + ": " + known.error().line();
        if (known->broken) return name + ", which is broken";
        if (known->running && known->running->digest == other->second.digest) continue;
        if (known->hold && known->hold->digest == other->second.digest) return name + ", which is held";
        return name + ", which is not deployed yet";
    }
    return {};
}

Observed AppKeeper::observe(const std::optional<DeclaredApp>& app, const AppRow& remembered) {
    Observed out;
    std::string path;
    if (app && app->spec && !app->wrong) path = app->spec->root;
    if (path.empty() && remembered.running) path = remembered.running->root;
    if (path.empty()) return out;
    std::optional<RunAs> user;
    if (app && app->spec)
        if (auto found = app_user(*app->spec)) user = *found;
    const auto root = AppRoot::open(path, host_.config.roots, user, IfMissing::Fail);
    if (!root) {
        if (root.error().kind != ErrorKind::NotFound) out.trouble = root.error().line();
        return out;
    }
    const auto current = root->current();
    if (!current)
        out.trouble = current.error().line();
    else if (*current) {
        out.current = (*current)->str();
        out.foreign = !(*current)->ours();
    }
    if (remembered.running)
        if (const auto good = ReleaseId::parse(remembered.running->release))
            out.good_there = root->has(*good);
    return out;
}

Result<AppKeeper::View> AppKeeper::view() {
    View view;
    const auto looked = looked_();
    if (looked)
        if (const auto found = looked->apps.find(app_); found != looked->apps.end()) view.app = found->second;
    if (looked) view.schedule = looked->schedule;
    view.asked = looked && looked->at != WallTime{};
    if (view.app && view.app->spec) view.app->spec->release = folder_of(host_.journal, *view.app->spec);
    view.remembered = TRY(host_.journal.app(app_));
    view.unfinished = TRY(host_.journal.unfinished(app_));
    if (view.app) view.declared = declared_of(*view.app, view.remembered, *looked->accepted);
    if (view.app) view.declared->waits_for = waits_for(*view.app, *looked);
    view.observed = observe(view.app, view.remembered);
    report_.current = view.observed.current.value_or("");
    report_.denied =
        (view.app && (view.app->pending || (view.app->wrong && view.app->wrong->kind == ErrorKind::Denied)));
    return view;
}

Decision AppKeeper::decide_now(const View& view) const {
    Standing standing;
    if (view.app) standing.tip_refused = view.app->pending;
    standing.schedule = view.schedule;
    return decide(view.declared, view.observed, view.remembered, view.unfinished.has_value(), standing,
                  host_.clock.now());
}

void AppKeeper::tell(const Decision& decision) {
    const bool changed = decision.verb != report_.decision.verb || decision.reason != report_.decision.reason;
    report_.decision = decision;
    report_.denied = report_.denied || decision.bar != Bar::None;
    const auto level = changed ? LogLevel::Info : LogLevel::Debug;
    log_.write(level, "decided",
               {{"verb", std::string(name_of(decision.verb))},
                {"state", std::string(name_of(decision.state))},
                {"reason", decision.reason}});
    report_to_(report_);
}

AppReport AppKeeper::failed(const Error& error) {
    log_.error("the app cannot be looked after", error);
    tell({Verb::Wait, AppState::Unknown, error.line(), host_.clock.now() + Duration(10'000)});
    return report_;
}

AppReport AppKeeper::decide_only() {
    auto now = view();
    if (!now) return failed(now.error());
    report_.decision = decide_now(*now);
    return report_;
}

AppReport AppKeeper::keep() {
    for (int round = 0; round < kMostRounds && interrupt_.asked() != Ask::Stop; ++round) {
        interrupt_.settle();
        auto now = view();
        if (!now) return failed(now.error());
        auto decision = decide_now(*now);
        if (decision.verb == Verb::Nothing && decision.state == AppState::Converged) {
            observe_drift(*now);
            decision = decide_now(*now);
        }
        tell(decision);
        if (decision.verb == Verb::Nothing && decision.state == AppState::Converged) forget_mends(*now);
        if (!act(*now, decision)) break;
    }
    return report_;
}

bool AppKeeper::act(const View& view, const Decision& decision) {
    switch (decision.verb) {
        case Verb::Recover: return recover(view);
        // After a crash what was declared before it may be out of date: the first look of this run comes first.
        case Verb::Deploy: return view.asked && deploy(view, decision);
        case Verb::Adopt: adopt(view); return true;
        case Verb::Mend: return mend(view, decision);
        default: return false;
    }
}

bool AppKeeper::deploy(const View& view, const Decision& decision) {
    const auto& declared = *view.declared;
    const auto& running = view.remembered.running;
    mends_ = decision.state == AppState::Drifted ? view.remembered.delay : std::nullopt;
    DeploymentRow row;
    row.app = app_;
    row.root = declared.root;
    row.from_release = view.observed.current.value_or("");
    // `current` may have been moved to what is declared, by hand: the way back still leads to what is known to be good.
    const bool moved =
        running && row.from_release == declared.release && running->release != declared.release;
    if (moved && view.observed.good_there) row.from_release = running->release;
    if (running && running->release == row.from_release) {
        row.from_commit = running->commit;
        row.from_label = running->label;
        row.from_manifest = running->manifest;
        row.from_good = true;
    }
    row.to_release = declared.release;
    row.to_commit = declared.commit;
    row.to_label = declared.label;
    row.to_manifest = declared.manifest;
    row.digest = declared.digest;
    row.revision = declared.revision;
    row.signer = declared.signer;
    row.back = declared.back && row.from_good;
    row.started = host_.clock.now();
    const auto id = host_.journal.begin(row);
    if (!id) {
        (void)failed(id.error());
        return false;
    }
    row.id = *id;
    const bool on = walk(std::move(row), false);
    if (decision.state == AppState::Drifted) count_mend(declared.digest, decision.reason);
    return on;
}

bool AppKeeper::recover(const View& view) {
    return walk(*view.unfinished, true);
}

bool AppKeeper::walk(DeploymentRow row, bool found) {
    report_.deploying = row.digest;
    report_.deployment = row.id;
    report_to_(report_);
    auto made = HostPorts::make(host_, row);
    if (!made && found) {
        (void)failed(made.error());  // nothing is known to be lost; tried again at the next tick
        report_.deploying.clear();
        return false;
    }
    std::unique_ptr<Ports> ports;
    if (made)
        ports = std::move(*made);
    else
        ports = std::make_unique<NoPorts>(made.error());
    // What changed between deciding and now, nobody would ask us again for.
    if (const auto looked = looked_(); !found && looked)
        if (const auto app = looked->apps.find(app_); app != looked->apps.end() &&
                                                      app->second.digest != row.digest &&
                                                      takes_over(*looked, app->second, host_))
            interrupt_.ask(Ask::Newer);
    const auto on_state = [this](State state) {
        report_.decision.state = AppState::Converging;
        report_.decision.reason =
            "deployment " + std::to_string(report_.deployment) + ": " + std::string(name_of(state));
        report_to_(report_);
    };
    Deployment deployment(std::move(row), *ports, host_.journal, interrupt_, host_.clock, host_.log,
                          on_state);
    const auto outcome = found ? deployment.recover() : deployment.run();
    give_back_memory();  // what a large release took is not kept for the next one
    report_.deploying.clear();
    report_.drift_rounds = {outcome.end != State::Deployed, 0};  // it was just written
    return outcome.end != State::Stopped;
}

void AppKeeper::adopt(const View& view) {
    const auto& declared = *view.declared;
    RunningRow running{declared.root,     declared.release, declared.commit,   declared.label,
                       declared.manifest, declared.digest,  declared.revision, host_.clock.now()};
    if (view.remembered.running && view.remembered.running->release == declared.release)
        running.since = view.remembered.running->since;
    if (auto ok = host_.journal.adopt(app_, running); !ok) (void)failed(ok.error());
}

}  // namespace tidegate::reconciler
