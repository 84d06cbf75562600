// The commit messages that a stage judges.
#pragma once

#include "hooks/builtin/builtin.hpp"
#include "hooks/target.hpp"

#include <vector>

namespace tidegate::hooks {

// The message in the file that git gave the hook, with what git will leave out of it by core.commentChar and
// commit.cleanup; else those of the change's commits, at most 1000 of them, newest first. None where there is
// no commit.
[[nodiscard]] Result<std::vector<builtin::Message>> messages_of(const Repository& repo, const Target& target);

}  // namespace tidegate::hooks
