// Children of a daemon that was killed: a migration that still runs must end before it is taken back. The kernel ends
// the child itself with us (PR_SET_PDEATHSIG), but not what the child has started; so each build and migration is
// written into the journal with its group.
#pragma once

#include "reconciler/journal.hpp"
#include "shared/log/log.hpp"

#include <sys/types.h>

#include <optional>

namespace tidegate::reconciler {

// What names a child, also after its pid was given again: its pid, which is its group's too, its start and the boot.
// nullopt where there is no such process.
[[nodiscard]] std::optional<ChildRow> child_row(pid_t pid);

// Kills what is left of the child's group, the child itself being there or not, and waits until it is gone. Returns
// how many processes that were.
int end_group(const ChildRow& child);

// end_group() of each child that the journal names.
void end_leftovers(Journal& journal, const shared::Log& log);

}  // namespace tidegate::reconciler
