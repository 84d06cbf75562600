// One child started: what Supervisor stands on. The fork, and all that a child does before it is another program.
#pragma once

#include "shared/base/process.hpp"

namespace tidegate::shared {

// Our ends of a child that runs: its streams do not block. `err` is empty where the streams are merged, `in` where
// there is nothing to write.
struct Launched {
    pid_t pid = -1;  // also its group's id
    Fd pidfd;
    Fd in;
    Fd out;
    Fd err;
};

// Fails where the child did not become the program: NotFound, Permission, Transient.
[[nodiscard]] Result<Launched> launch(const Command& command);

}  // namespace tidegate::shared
