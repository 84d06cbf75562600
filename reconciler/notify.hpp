// Words to the service manager that started us (sd_notify(3)), by a datagram to NOTIFY_SOCKET; nothing where
// there is none.
#pragma once

#include <string_view>

namespace tidegate::reconciler {

// "READY=1", "STOPPING=1", "STATUS=…"
void notify_manager(std::string_view words);

}  // namespace tidegate::reconciler
