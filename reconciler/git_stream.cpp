#include "reconciler/git_stream.hpp"

#include "reconciler/git_wire.hpp"
#include "shared/base/handle.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace tidegate::reconciler {

using namespace shared;
using std::chrono::steady_clock;

bool wait_ready(int fd, short what, MonoTime until, int cancel_fd) {
    while (true) {
        const auto left = std::chrono::ceil<Duration>(until - steady_clock::now()).count();
        if (left <= 0) return false;
        pollfd polled[] = {{fd, what, 0}, {cancel_fd, POLLIN, 0}};
        const int count = poll(polled, 2, static_cast<int>(left));
        if (count < 0 && errno != EINTR) return false;
        if (count > 0 && polled[1].revents != 0) return false;
        if (count > 0 && polled[0].revents != 0) return true;
    }
}

bool send_all(int fd, std::string_view bytes, MonoTime until, int cancel_fd) {
    while (!bytes.empty()) {
        if (!wait_ready(fd, POLLOUT, until, cancel_fd)) return false;
        const ssize_t sent = ::write(fd, bytes.data(), bytes.size());
        if (sent < 0 && errno != EINTR && errno != EAGAIN) return false;
        if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
}

namespace {

// What comes up to and with the next flush packet; `rest` keeps what came behind it. nullopt at the end of the stream,
// and for anything that is not in pkt-lines.
std::optional<std::string> read_section(int fd, std::string& rest, const WireQuestion& question) {
    constexpr size_t kLongestPacket = 65520;
    size_t whole = 0;  // bytes in whole packets
    while (true) {
        std::string_view view = std::string_view(rest).substr(whole);
        while (const auto line = take_packet(view)) {
            whole = rest.size() - view.size();
            if (line->kind != Packet::Kind::Flush) continue;
            auto section = rest.substr(0, whole);
            rest.erase(0, whole);
            return section;
        }
        // More than the longest packet that is none never becomes one.
        if (rest.size() > question.longest || rest.size() - whole > kLongestPacket) return std::nullopt;
        if (!wait_ready(fd, POLLIN, question.until, question.cancel_fd)) return std::nullopt;
        char buffer[16384];
        const ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return std::nullopt;
        if (got > 0) rest.append(buffer, static_cast<size_t>(got));
    }
}

Fd connect_to(const WireAddress& address, const WireQuestion& question) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* first = nullptr;
    const auto port = address.port.empty() ? std::string("9418") : address.port;
    if (getaddrinfo(address.host.c_str(), port.c_str(), &hints, &first) != 0) return {};
    const Handle<addrinfo, freeaddrinfo> owner(first);
    for (const auto* one = first; one != nullptr; one = one->ai_next) {
        Fd fd(socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, one->ai_protocol));
        if (!fd) continue;
        if (connect(fd.get(), one->ai_addr, one->ai_addrlen) == 0) return fd;
        if (errno != EINPROGRESS || !wait_ready(fd.get(), POLLOUT, question.until, question.cancel_fd))
            continue;
        int code = 0;
        socklen_t size = sizeof code;
        if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &code, &size) == 0 && code == 0) return fd;
    }
    return {};
}

}  // namespace

WireAnswer converse(int in, int out, const std::string& hello, const WireQuestion& question) {
    WireAnswer result;
    std::string rest;
    // A flush packet where a command could begin is goodbye.
    if (!send_all(out, hello + std::string(question.text) + "0000", question.until, question.cancel_fd))
        return result;
    auto first = read_section(in, rest, question);
    result.heard = first || !rest.empty();
    result.version_2 = first && speaks_version_2(*first);
    if (first) result.first = std::move(*first);
    if (result.version_2) result.answer = read_section(in, rest, question);
    return result;
}

std::optional<WireAddress> wire_address(const Url& url) {
    WireAddress address;
    const auto& text = url.str();
    const auto begin = text.find("://") + 3;
    auto authority = text.substr(begin, text.find('/', begin) - begin);
    const auto bracket = authority.rfind(']');
    const auto colon = authority.rfind(':');
    if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
        address.port = authority.substr(colon + 1);
        authority.erase(colon);
    }
    if (authority.starts_with('[') && authority.ends_with(']'))
        authority = authority.substr(1, authority.size() - 2);
    address.host = authority;
    address.path = url.path();
    // git decodes %, and drops the slash of /~user.
    const bool plain = url.scheme() == "git" && text.find('%') == std::string::npos &&
                       !address.path.starts_with("/~") && !address.host.empty() &&
                       address.host.find_first_of("[]@") == std::string::npos;
    if (!plain) return std::nullopt;
    return address;
}

WireAnswer ask_git_daemon(const WireAddress& address, const WireQuestion& question) {
    const Fd fd = connect_to(address, question);
    if (!fd) return {};
    const auto host = address.host.find(':') == std::string::npos ? address.host : "[" + address.host + "]";
    const std::string nul(1, '\0');
    const auto hello =
        pkt_line("git-upload-pack " + address.path + nul + "host=" + host +
                 (address.port.empty() ? "" : ":" + address.port) + nul + nul + "version=2" + nul);
    return converse(fd.get(), fd.get(), hello, question);
}

}  // namespace tidegate::reconciler
