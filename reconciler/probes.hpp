// The kinds of probes that have files of their own. Inside of health only: others ask try_probe().
#pragma once

#include "reconciler/health.hpp"

namespace tidegate::reconciler {

[[nodiscard]] ProbeAnswer ask(const HttpProbe& probe, const HealthSite& site, int cancel_fd);
// Cookies are kept from one request to the next, captured values stand for {name} in those that follow.
[[nodiscard]] ProbeAnswer ask(const SequenceProbe& probe, const HealthSite& site, int cancel_fd);
[[nodiscard]] ProbeAnswer ask(const FileProbe& probe, const HealthSite& site, int cancel_fd);
[[nodiscard]] ProbeAnswer ask(const DatabaseProbe& probe, const HealthSite& site, int cancel_fd);

// What runs for it. Nothing secret is in it: host, port and password come by the environment.
[[nodiscard]] std::vector<std::string> database_command(const manifests::DatabaseCheck& check,
                                                        shared::Duration within);

}  // namespace tidegate::reconciler
