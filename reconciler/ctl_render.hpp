// What tidegatectl shows of the daemon's answers. Pure: values in, text out.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/doc/value.hpp"
#include "shared/face/face.hpp"

#include <string>

namespace tidegate::reconciler {

[[nodiscard]] std::string render_status(const shared::Value& answer, const shared::Face& face,
                                        shared::WallTime now);
[[nodiscard]] std::string render_plan(const shared::Value& answer, const shared::Face& face);
[[nodiscard]] std::string render_history(const shared::Value& answer, const shared::Face& face,
                                         shared::WallTime now);
[[nodiscard]] std::string render_show(const shared::Value& answer, const shared::Face& face,
                                      shared::WallTime now);
[[nodiscard]] std::string render_verify(const shared::Value& answer, const shared::Face& face);
[[nodiscard]] std::string render_adoption(const shared::Value& answer, const shared::Face& face);

// The answer to `status` with exactly the keys that scripts are promised.
[[nodiscard]] shared::Value public_status(const shared::Value& answer);

}  // namespace tidegate::reconciler
