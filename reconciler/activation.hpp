// The steps of `activate`, in order, each waited for.
#pragma once

#include "reconciler/app_spec.hpp"

#include <vector>

namespace tidegate::reconciler {

// Borrowed.
struct ActivationSite {
    const CommandSite& commands;
    Units& units;
    DeploymentLog& log;
    bool settle = true;  // wait until units have stayed up for their `settle`
    int cancel_fd = -1;
};

// Stops at the first step that fails; its message is masked. Failed, Timeout, Cancelled, NotFound, Permission,
// Unsupported.
[[nodiscard]] Result<void> run_activation(const std::vector<ActivateStep>& steps, const ActivationSite& site);

// Sends signal `number` to the process whose id is in `pidfile` (attack 86): not through a link, only to a process of
// `owner` (nullopt: our own user), and only to one that began before the file was written: an id that was given away
// again since belongs to somebody else. NotFound, Denied, Invalid, Permission.
[[nodiscard]] Result<void> signal_pidfile(const std::string& pidfile, int number,
                                          const std::optional<shared::RunAs>& owner);

}  // namespace tidegate::reconciler
