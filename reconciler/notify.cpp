#include "reconciler/notify.hpp"

#include "shared/base/fd.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace tidegate::reconciler {

void notify_manager(std::string_view words) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const size_t length = std::strlen(path);
    if (length >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace
    const shared::Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) return;
    (void)sendto(fd.get(), words.data(), words.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
}

namespace {

// A number of the environment; -1 where there is none.
long long number_of(const char* name) {
    const char* text = std::getenv(name);
    if (text == nullptr || *text == '\0') return -1;
    char* end = nullptr;
    const long long number = std::strtoll(text, &end, 10);
    return *end == '\0' && number >= 0 ? number : -1;
}

bool meant_for_us(const char* name) {
    const auto pid = number_of(name);
    return pid == -1 || pid == getpid();
}

}  // namespace

std::string reloading_words() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.tv_sec * 1'000'000 + now.tv_nsec / 1000);
}

shared::Duration watchdog_interval() {
    const auto usec = number_of("WATCHDOG_USEC");
    if (usec <= 0 || !meant_for_us("WATCHDOG_PID")) return shared::Duration(0);
    return shared::Duration(std::max<long long>(usec / 2000, 1));
}

shared::Fd passed_socket() {
    constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
    if (number_of("LISTEN_FDS") != 1 || number_of("LISTEN_PID") != getpid()) return {};
    int accepting = 0;
    socklen_t size = sizeof accepting;
    if (getsockopt(kFirst, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size) != 0 || accepting == 0) return {};
    (void)fcntl(kFirst, F_SETFD, FD_CLOEXEC);
    (void)fcntl(kFirst, F_SETFL, fcntl(kFirst, F_GETFL) | O_NONBLOCK);
    return shared::Fd(kFirst);
}

}  // namespace tidegate::reconciler
