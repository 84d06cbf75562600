// Children of a daemon that was killed: a migration that still runs must end before it is taken back.
#pragma once

#include "reconciler/journal.hpp"
#include "shared/log/log.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace tidegate::reconciler {

// When the process was started, in the kernel's ticks since boot: with the pid it names one process, also after
// the pid was given again. nullopt where there is no such process.
[[nodiscard]] std::optional<std::uint64_t> start_ticks(pid_t pid);

// Kills the groups of the children that the journal names, where they still are those children, and waits until
// they are gone.
void end_leftovers(Journal& journal, const shared::Log& log);

}  // namespace tidegate::reconciler
