// Drift of an app that seems converged: files of the running release, a stopped unit, failing probes; and its mending, with
// patience that grows.
#include "reconciler/app_keeper_view.hpp"
#include "reconciler/drift.hpp"
#include "reconciler/host_ports.hpp"

#include <algorithm>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr Duration kCalm{600'000};  // well for so long, it is well

}  // namespace

void AppKeeper::observe_files(View& view, const AppRoot& root) {
    const auto slot = host_.watches.take(interrupt_.soft_fd());
    if (!slot) return;  // asked to stop
    const auto& release = view.app->spec->release;
    const IntegrityStore store(host_.config.state, app_);
    const auto drift = look_for_drift(root, release, store, report_.drift_rounds, interrupt_.soft_fd());
    if (!drift || drift->none()) return;
    view.observed.drift = "the running release was changed: " + drift->words();
    view.observed.mendable = std::any_of(drift->files.begin(), drift->files.end(),
                                         [](const DriftedFile& file) { return file.mendable; });
    if (!view.observed.mendable)
        *view.observed.drift +=
            "; the build made it, so it is not in the source to be written again: release anew";
}

// Asked only of an app that seems converged: files of the running release, then its probes.
void AppKeeper::observe_drift(View& view) {
    if (!view.app || !view.app->spec || !view.observed.current) return;
    const auto& spec = *view.app->spec;
    const auto root =
        AppRoot::open(spec.root, host_.config.roots, app_user(spec).value_or(std::nullopt), IfMissing::Fail);
    if (!root || *view.observed.current != spec.release.str()) return;
    observe_files(view, *root);
    if (view.observed.drift) return;
    if (auto stopped = stopped_unit(spec)) {
        view.observed.drift = std::move(stopped);
        return;
    }
    if (spec.probes.empty() && !spec.blue_green) return;
    const auto site = command_site(host_.config, spec, *root, std::nullopt);
    if (!site) return;
    auto quiet = DeploymentLog::none();
    HealthSite health{&*site, &quiet, &host_.units};
    auto probes = spec.probes;
    if (spec.blue_green)
        if (auto live = BlueGreenInstances({*spec.blue_green, *root, probes, health, -1}).live_probes(health))
            probes = std::move(*live);
    const auto verdict = check_healthy(probes, health, interrupt_.soft_fd());
    if (!verdict.healthy && interrupt_.asked() == Ask::None) view.observed.drift = verdict.words;
}

std::optional<std::string> AppKeeper::stopped_unit(const AppSpec& spec) {
    if (spec.blue_green) return std::nullopt;  // its instances are probed
    for (const auto& step : spec.activate) {
        const auto* unit = std::get_if<UnitStep>(&step.what);
        if (unit == nullptr || unit->verb == UnitVerb::Stop || unit->verb == UnitVerb::Enable) continue;
        const auto state = host_.units.state(unit->unit);
        if (!state || state->well() || (state->active != "inactive" && state->active != "failed")) continue;
        return unit->unit + " is " + state->words();
    }
    return std::nullopt;
}

bool AppKeeper::mend(const View& view, const Decision& decision) {
    const auto& spec = *view.app->spec;
    const auto user = app_user(spec).value_or(std::nullopt);
    const auto root = AppRoot::open(spec.root, host_.config.roots, user, IfMissing::Fail);
    const IntegrityStore store(host_.config.state, app_);
    Result<void> done;
    const auto repair = [&]() -> Result<void> {
        auto record = TRY(store.load(spec.release));
        bool refreshed = false;
        if (record && root) {
            const auto drift = TRY(find_drift(*root, spec.release, *record, refreshed, interrupt_.soft_fd()));
            if (!drift.none()) {
                const auto source = TRY(ReleaseSource::open(host_, spec));
                TRY(source->fetch(interrupt_.soft_fd()));
                const auto repo = TRY(source->repo());
                TRY(mend_drift(*root, spec.release, repo, drift, *record));
                return store.save(spec.release, *record);
            }
        }
        DeploymentRow row;
        row.app = app_;
        row.to_manifest = view.declared->manifest;
        row.to_release = row.from_release = view.declared->release;
        const auto ports = TRY(HostPorts::make(host_, row));
        TRY(ports->activate(Side::To, interrupt_.hard_fd()));
        TRY(ports->health(Side::To, interrupt_.soft_fd()));
        return {};
    };
    done = repair();
    if (done) {
        log_.info("drift mended", {{"what", decision.reason}});
        count_mend(view.declared->digest, decision.reason);
    } else {
        log_.warning("drift could not be mended", done.error());
        count_mend(view.declared->digest, decision.reason + "; mending failed: " + done.error().line());
    }
    return true;
}

void AppKeeper::count_mend(const std::string& digest, std::string reason) {
    const auto known = host_.journal.app(app_).value_or(AppRow{});
    if (known.hold && known.hold->digest == digest) return;  // it ended otherwise
    // Of a deployment that put `current` back, the journal forgets the delay: what was counted before still counts.
    DelayRow delay = known.delay.value_or(mends_.value_or(DelayRow{}));
    if (delay.digest != digest) delay = {};
    delay.digest = digest;
    delay.until = host_.clock.now() + mend_delay(++delay.failures);
    delay.reason = std::move(reason);
    if (delay.failures > 1) delay.reason += "; that was the " + std::to_string(delay.failures) + ". time";
    if (delay.failures > kMostMends)
        delay.reason += ": from now on once an hour, or with tidegatectl retry " + app_;
    if (auto ok = host_.journal.set_delay(app_, delay); !ok)
        log_.warning("the journal cannot be written", ok.error());
}

// What has stayed well for a while begins to count anew.
void AppKeeper::forget_mends(const View& view) {
    const auto& delay = view.remembered.delay;
    if (!delay || !view.declared || delay->digest != view.declared->digest) return;
    const auto now = host_.clock.now();
    const bool calm = now - delay->until > kCalm || delay->until - now > kCalm + mend_delay(kMostMends + 1);
    if (!calm) return;
    if (auto ok = host_.journal.clear_delay(app_); !ok)
        log_.warning("the journal cannot be written", ok.error());
}

}  // namespace tidegate::reconciler
