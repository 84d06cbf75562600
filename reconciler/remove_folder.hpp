// Taking away what holds many files. Inside of the reconciler only.
#pragma once

#include "shared/base/error.hpp"

#include <string>

namespace tidegate::reconciler {

// As remove_tree() of shared/base/files.hpp, a large folder by a few threads.
[[nodiscard]] shared::Result<void> remove_folder(int dir, const std::string& name);

}  // namespace tidegate::reconciler
