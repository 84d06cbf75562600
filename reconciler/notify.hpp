// What passes between us and the service manager that started us: sd_notify(3), the watchdog, sockets it holds for us.
// Without one, nothing.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/fd.hpp"

#include <string>
#include <string_view>

namespace tidegate::reconciler {

// "READY=1", "STOPPING=1", "STATUS=…", "WATCHDOG=1".
void notify_manager(std::string_view words);
// RELOADING=1 with the time that the protocol asks for.
[[nodiscard]] std::string reloading_words();
// Half of WATCHDOG_USEC, where it is meant for this process; 0: none is asked for.
[[nodiscard]] shared::Duration watchdog_interval();
// The one socket that the manager listens on for us (LISTEN_FDS, sd_listen_fds(3)); none otherwise. Ask once.
[[nodiscard]] shared::Fd passed_socket();

}  // namespace tidegate::reconciler
