// The second half of HostPorts: from the switch on. Processes, their health, and the one that is no longer needed.
#include "reconciler/activation.hpp"
#include "reconciler/host_ports.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

std::optional<BlueGreenInstances> HostPorts::instances(Side side, const CommandSite& where, int cancel_fd) {
    const auto& of = spec(side);
    if (!of.blue_green) return std::nullopt;
    return BlueGreenInstances({*of.blue_green, root_, of.probes, {&where, &log_, &host_.units}, cancel_fd});
}

Result<std::string> HostPorts::activate(Side side, int cancel_fd) {
    const auto& of = spec(side);
    if (of.activate.empty() && !of.blue_green) return std::string("nothing to activate");
    const auto where = TRY(site(side));
    std::string words;
    const bool same_release = row_.from_release == row_.to_release;
    const auto both = instances(side, where, cancel_fd);
    if (both) {
        const auto colour = TRY(both->bring_up(where.release, side == Side::To || same_release));
        words = std::string(name_of(colour)) + " serves";
    }
    // On the way back the former release's probes follow at once; nobody is kept waiting for its units to settle.
    const bool settle = side == Side::To || of.probes.empty();
    TRY(run_activation(of.activate, {where, host_.units, log_, settle, cancel_fd}));
    // No prune comes after a revert or a mending.
    if (both && (side == Side::From || same_release)) TRY(end_former_instance(cancel_fd));
    if (!of.activate.empty()) words += (words.empty() ? "" : ", ") + count_of(of.activate.size(), "step");
    return words;
}

Result<void> HostPorts::end_former_instance(int cancel_fd) {
    if (!to_.blue_green) return {};
    const auto where = TRY(site(Side::To));
    const auto both = instances(Side::To, where, cancel_fd);
    TRY(both->wait_drained());
    return both->stop_former();
}

void HostPorts::take_baseline(int cancel_fd) {
    if (!row_.from_good || !from_ || from_->probes.empty()) return;
    const auto where = site(Side::From);
    if (!where) return;
    HealthSite health{&*where, &log_, &host_.units};
    auto probes = from_->probes;
    if (const auto both = instances(Side::From, *where, cancel_fd))
        if (auto live = both->live_probes(health)) probes = std::move(*live);
    const auto verdict = check_healthy(probes, health, cancel_fd);
    const auto bad = std::find_if(verdict.probes.begin(), verdict.probes.end(),
                                  [](const ProbeReport& report) { return !report.good && !report.stopped; });
    if (verdict.healthy || bad == verdict.probes.end()) return;
    unhealthy_before_ = verdict.words;
    log_.note("── before the deployment the host is unhealthy already: " + verdict.words);
}

Result<std::string> HostPorts::health(Side side, int cancel_fd) {
    const auto& of = spec(side);
    if (of.probes.empty() && !of.blue_green) return std::string("no probes");
    const auto where = TRY(site(side));
    HealthSite health{&where, &log_, &host_.units};
    auto probes = of.probes;
    if (const auto both = instances(side, where, cancel_fd)) probes = TRY(both->live_probes(health));
    const auto verdict = TRY(wait_healthy(probes, health, cancel_fd));
    if (verdict.healthy) return verdict.words;
    if (unhealthy_before_.empty()) return fail(ErrorKind::Failed, verdict.words);
    const auto before = "before the deployment it was unhealthy already (" + unhealthy_before_ + ")";
    // As it was is as good as a way back can be.
    if (side == Side::From) return "as before: " + verdict.words;
    return fail(ErrorKind::Failed, verdict.words + "; " + before);
}

Result<std::string> HostPorts::soak(int cancel_fd) {
    const auto where = TRY(site(Side::To));
    HealthSite health{&where, &log_, &host_.units};
    auto probes = to_.probes;
    const auto both = instances(Side::To, where, cancel_fd);
    if (both) probes = TRY(both->live_probes(health));
    std::string words = "no soak";
    if (!probes.empty() && to_.soak.count() != 0) {
        const auto verdict = TRY(watch_healthy(probes, health, to_.soak, cancel_fd));
        if (!verdict.healthy) return fail(ErrorKind::Failed, "in the soak: " + verdict.words);
        words = verdict.words;
    }
    // The former instance still runs, so that a revert is one reload, until it is drained.
    if (both) TRY(both->wait_drained());
    return words;
}

}  // namespace tidegate::reconciler
