// What a run waits for beside its children.
#pragma once

#include "shared/base/error.hpp"
#include "shared/base/fd.hpp"

namespace tidegate::hooks {

// SIGINT, SIGTERM and SIGHUP as a descriptor, blocked otherwise. Once, at the beginning of main().
[[nodiscard]] Result<shared::Fd> watch_signals();

// Whether reading would not wait. False for -1.
[[nodiscard]] bool is_readable(int fd);

// Two descriptors to wait for as one; neither is owned, and -1 is left out.
[[nodiscard]] shared::Fd join_wakes(int a, int b);

}  // namespace tidegate::hooks
