// `tidegatectl adopt`: what runs in an app's root, deployed by somebody else, becomes the running, good release as it is.
// First a plan, which reads only; then, where nobody objects, a few rows in the journal. Nothing in the root is touched.
#pragma once

#include "reconciler/former_tool.hpp"
#include "reconciler/look.hpp"
#include "reconciler/release_compare.hpp"
#include "shared/doc/value.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

struct AdoptionRequest {
    std::string commit;     // what a person says it came from; empty: as the former tool says
    bool with_old = false;  // the other releases become ours to remove, too
    std::string who;        // asks for it
};

struct AdoptionPlan {
    FormerTool tool;
    ReleaseId release;         // the folder behind `current`
    std::string stands_for;    // the name that this release would have had from us
    bool as_declared = false;  // it is the commit that the manifest asks for
    RunningRow running;        // what the journal gets
    std::string signer;        // of the revision
    std::string who;
    std::optional<ReleaseComparison> compared;
    std::string not_compared;         // why not
    std::string proof;                // what the host's policy says to it
    std::vector<std::string> others;  // more folders in releases/
    bool with_old = false;
    std::vector<std::string> warnings;  // what a person should have seen before
};

// Nothing is written. Denied, Broken, Permission, NotFound: it cannot be taken over, and why. Usage: it is looked after
// already. Asks the source over the network.
[[nodiscard]] Result<AdoptionPlan> plan_adoption(const Host& host, const Look& look, const std::string& app,
                                                 const AdoptionRequest& request, int cancel_fd);
// Locked where a deployment came in between.
[[nodiscard]] Result<void> perform(const Host& host, const std::string& app, const AdoptionPlan& plan);

[[nodiscard]] shared::Value to_value(const std::string& app, const AdoptionPlan& plan);

// The folder of the release that `spec` asks for: its own name, or that of an adopted one which stands for it.
[[nodiscard]] ReleaseId folder_of(Journal& journal, const AppSpec& spec);

}  // namespace tidegate::reconciler
