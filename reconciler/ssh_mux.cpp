#include "reconciler/ssh_mux.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr std::uint32_t kHello = 0x00000001;
constexpr std::uint32_t kVersion = 4;
constexpr std::uint32_t kNewSession = 0x10000002;
constexpr std::uint32_t kNoEscape = 0xFFFFFFFF;

std::string number(std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
    return bytes;
}

std::string text(const std::string& value) {
    return number(static_cast<std::uint32_t>(value.size())) + value;
}

std::string new_session(const std::string& command) {
    const std::uint32_t id = 0;
    const std::uint32_t no = 0;  // no terminal, no X11, no agent, no subsystem
    return number(kNewSession) + number(id) + text("") + number(no) + number(no) + number(no) + number(no) +
           number(kNoEscape) + text("") + text(command) + text("GIT_PROTOCOL=version=2");
}

Fd connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return {};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto* plain = reinterpret_cast<const sockaddr*>(&address);
    if (!fd || connect(fd.get(), plain, sizeof address) != 0) return {};
    return fd;
}

// One descriptor with one byte, as OpenSSH's own mm_send_fd() does.
bool send_fd(int to, int fd, const WireQuestion& question) {
    char byte = 0;
    iovec content{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
    msghdr message{};
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
    while (wait_ready(to, POLLOUT, question.until, question.cancel_fd)) {
        if (sendmsg(to, &message, MSG_NOSIGNAL) == 1) return true;
        if (errno != EINTR && errno != EAGAIN) return false;
    }
    return false;
}

struct Pipe {
    Fd read;
    Fd write;
};

Pipe make_pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return {};
    return {Fd(ends[0]), Fd(ends[1])};
}

void set_nonblocking(const Fd& fd) {
    fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

}  // namespace

WireAnswer ask_over_ssh(const std::string& control_path, const std::string& command,
                        const WireQuestion& question) {
    Pipe to = make_pipe();
    Pipe from = make_pipe();
    const Fd nothing(open("/dev/null", O_WRONLY | O_CLOEXEC));
    const Fd control = connect_to(control_path);  // the session ends when this is closed
    if (!to.write || !from.read || !nothing || !control) return {};
    set_nonblocking(to.write);
    set_nonblocking(from.read);
    const auto words = text(number(kHello) + number(kVersion)) + text(new_session(command));
    if (!send_all(control.get(), words, question.until, question.cancel_fd)) return {};
    for (const int fd : {to.read.get(), from.write.get(), nothing.get()})
        if (!send_fd(control.get(), fd, question)) return {};
    // The other ends are the holder's alone from here on: where it ends, or refuses, reading ends.
    to.read.reset();
    from.write.reset();
    return converse(from.read.get(), to.write.get(), {}, question);
}

}  // namespace tidegate::reconciler
