#include "reconciler/activation.hpp"

#include "shared/base/text.hpp"

namespace tidegate::reconciler {

using namespace shared;

namespace {

Result<void> run_step(const ActivateStep& step, int number, const ActivationSite& site) {
    if (const auto* unit = std::get_if<UnitStep>(&step.what)) {
        site.log.note("── " + step.shown);
        return site.units.act(unit->verb, unit->unit,
                              {step.timeout, site.settle ? unit->settle : Duration(0), site.cancel_fd});
    }
    if (const auto* signal = std::get_if<SignalStep>(&step.what)) {
        site.log.note("── " + step.shown);
        if (signal->unit.empty()) return signal_pidfile(signal->pidfile, signal->number, site.commands.user);
        return site.units.signal(signal->unit, signal->number);
    }
    RunOptions options;
    options.what = "activate";
    options.step = number;
    options.timeout = step.timeout;
    options.cancel_fd = site.cancel_fd;
    options.stays_behind = true;
    TRY(run_script(std::get<Script>(step.what), site.commands, options, site.log));
    return {};
}

}  // namespace

Result<void> run_activation(const std::vector<ActivateStep>& steps, const ActivationSite& site) {
    for (const auto& step : steps) {
        const auto number = steps.size() > 1 ? static_cast<int>(&step - steps.data()) + 1 : 0;
        auto done = run_step(step, number, site);
        if (done) continue;
        auto error = std::move(done.error());
        error.message = site.log.mask(error.message);  // a unit's last words may hold a secret
        site.log.note("── " + step.shown + ": " + error.message);
        return fail(std::move(error));
    }
    return {};
}

}  // namespace tidegate::reconciler
