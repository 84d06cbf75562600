// `tidegatectl doctor`: whether this host can do its work, asked without the daemon's help, for it may not run.
// Reads only; the one thing it asks of the network is where the manifests branch stands.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/doc/value.hpp"
#include "shared/face/face.hpp"

#include <functional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

enum class Health { Good, Warning, Bad };
[[nodiscard]] std::string_view name_of(Health health);

struct Finding {
    Health health = Health::Good;
    std::string what;   // "configuration", "disk of /srv"
    std::string words;  // what was found
    std::string mend;   // what to do; empty for what is good
};

// What the daemon answers to `status`; an error where none does.
using AskStatus = std::function<Result<shared::Value>(const std::string& socket)>;

// `config`: the host's configuration file.
[[nodiscard]] std::vector<Finding> examine_host(const std::string& config, const AskStatus& ask,
                                                shared::WallTime now);

[[nodiscard]] std::string render_doctor(const std::vector<Finding>& findings, const shared::Face& face);
// {"good": bool, "findings": [{"health","what","words","mend"}]}
[[nodiscard]] shared::Value to_value(const std::vector<Finding>& findings);
// Nothing is bad; warnings are no reason to fail.
[[nodiscard]] bool all_good(const std::vector<Finding>& findings);

}  // namespace tidegate::reconciler
