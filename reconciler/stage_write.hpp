// Writing what was planned, in several threads. Inside of stage.cpp only.
#pragma once

#include "reconciler/release_files.hpp"
#include "reconciler/stage_plan.hpp"

namespace tidegate::reconciler {

// Fills the folder `folder`. The record's entries come in no order; its other fields are the caller's. Whatever fails
// in one thread ends the others.
[[nodiscard]] Result<StageReport> write_planned(const shared::Repo& repo, const StageRequest& request,
                                                const StagePlan& plan, int folder, const Owner& owner);

}  // namespace tidegate::reconciler
