// What one round of a keeper sees. Inside of app_keeper*.cpp only.
#pragma once

#include "reconciler/app_keeper.hpp"

#include <memory>
#include <optional>

namespace tidegate::reconciler {

struct AppKeeper::View {
    std::optional<DeclaredApp> app;
    std::optional<Declared> declared;
    Observed observed;
    AppRow remembered;
    std::optional<DeploymentRow> unfinished;
    std::shared_ptr<const Schedule> schedule;
    bool asked = false;  // the branch was looked at since the start, in vain or not
};

}  // namespace tidegate::reconciler
