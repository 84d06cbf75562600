// A session over a connection that an `ssh -o ControlMaster=yes` holds, without a process of our own: OpenSSH's
// multiplexing protocol, version 4 (its PROTOCOL.mux).
#pragma once

#include "reconciler/git_stream.hpp"

#include <string>

namespace tidegate::reconciler {

// Runs `command` at the other end, with GIT_PROTOCOL=version=2 where the server takes it, and asks it. `control_path` is
// the socket the connection's holder listens at. What is wrong is not told: nothing is heard then.
[[nodiscard]] WireAnswer ask_over_ssh(const std::string& control_path, const std::string& command,
                                      const WireQuestion& question);

}  // namespace tidegate::reconciler
