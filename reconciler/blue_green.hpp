// `strategy: blue-green`: two instances of a template unit take turns behind a proxy. Each runs from a link of its own
// below the root (ROOT/blue, ROOT/green -> releases/<id>), so that the one that serves is never moved; ROOT/upstream.conf
// (nginx) or ROOT/upstream.cfg (HAProxy) says which of the two serves, and is what survives a crash.
//
// Side effects: the two links, the upstream file, the units. Each step can be repeated: which instance has which
// release is read from the links every time. A crash before the upstream file is written means that the former instance
// serves on; after it, that the new one does.
#pragma once

#include "manifests/manifest.hpp"
#include "reconciler/app_root.hpp"
#include "reconciler/health.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

enum class Colour { Blue, Green };
[[nodiscard]] std::string_view name_of(Colour colour);
[[nodiscard]] Colour other(Colour colour);

// All is borrowed.
struct BlueGreenSite {
    const manifests::BlueGreen& how;
    const AppRoot& root;
    const std::vector<Probe>& probes;
    HealthSite health;  // of the release that is to serve
    int cancel_fd = -1;
};

class BlueGreenInstances {
  public:
    explicit BlueGreenInstances(const BlueGreenSite& site) : site_(site) {}

    // The one that serves; nullopt before the first deployment.
    [[nodiscard]] Result<std::optional<Colour>> live() const;
    [[nodiscard]] const std::string& address(Colour colour) const;
    [[nodiscard]] std::string unit(Colour colour) const;  // "web@blue.service"

    // Makes `release` serve. `fresh`: in an instance that is started now; else in the one that still runs it, if one
    // does. The instance is started, must pass the probes that ask it ({instance}; without one, take a connection), and
    // only then the proxy is told. The former instance runs on. Gives the one that serves. Denied where the root belongs
    // to the app's user, who could then write what the proxy reads.
    [[nodiscard]] Result<Colour> bring_up(const ReleaseId& release, bool fresh) const;
    // What is left of `drain` since the proxy was told; Cancelled.
    [[nodiscard]] Result<void> wait_drained() const;
    // Stops the instance that does not serve.
    [[nodiscard]] Result<void> stop_former() const;
    // The probes with the live instance's address in them, and one more: that its unit is up.
    [[nodiscard]] Result<std::vector<Probe>> live_probes(HealthSite& health) const;

  private:
    [[nodiscard]] std::string file() const;
    [[nodiscard]] std::string upstream(Colour colour) const;
    [[nodiscard]] Result<std::optional<ReleaseId>> linked(Colour colour) const;
    [[nodiscard]] Result<void> start(Colour colour, const ReleaseId& release) const;
    [[nodiscard]] Result<void> prove(Colour colour) const;

    BlueGreenSite site_;
};

}  // namespace tidegate::reconciler
