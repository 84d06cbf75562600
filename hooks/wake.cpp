#include "hooks/wake.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

namespace tidegate::hooks {

using namespace shared;

Result<Fd> watch_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
    if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return fail_errno("cannot block signals");
    Fd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) return fail_errno("cannot watch signals");
    return fd;
}

bool is_readable(int fd) {
    pollfd polled{fd, POLLIN, 0};
    return fd >= 0 && poll(&polled, 1, 0) > 0;
}

Fd join_wakes(int a, int b) {
    Fd both(epoll_create1(EPOLL_CLOEXEC));
    for (const int fd : {a, b}) {
        if (fd < 0 || !both) continue;
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        (void)epoll_ctl(both.get(), EPOLL_CTL_ADD, fd, &event);
    }
    return both;
}

}  // namespace tidegate::hooks
