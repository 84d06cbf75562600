#include "reconciler/git_wire.hpp"

#include "shared/base/fd.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

namespace tidegate::reconciler {

using namespace shared;
using std::chrono::steady_clock;

namespace {

constexpr size_t kLongestAnswer = 1 << 20;

std::string pkt_line(const std::string& text) {
    char length[5];
    std::snprintf(length, sizeof length, "%04zx", text.size() + 4);
    return length + text;
}

// The next line of `rest`; nullopt at its end, or where it is none. A flush packet is an empty line.
std::optional<std::string_view> take_pkt_line(std::string_view& rest) {
    size_t length = 0;
    if (rest.size() < 4) return std::nullopt;
    const auto [end, code] = std::from_chars(rest.data(), rest.data() + 4, length, 16);
    if (code != std::errc() || end != rest.data() + 4) return std::nullopt;
    if (length == 0) {
        rest.remove_prefix(4);
        return std::string_view();
    }
    if (length <= 4 || length > rest.size()) return std::nullopt;
    const auto line = rest.substr(4, length - 4);
    rest.remove_prefix(length);
    return line;
}

// Waits for one descriptor, until a time and unless cancelled.
bool ready(int fd, short what, MonoTime until, int cancel_fd) {
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
        if (!ready(fd, POLLOUT, until, cancel_fd)) return false;
        const ssize_t sent = ::write(fd, bytes.data(), bytes.size());
        if (sent < 0 && errno != EINTR && errno != EAGAIN) return false;
        if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
}

// What comes up to and with the next flush packet; `rest` keeps what came behind it. nullopt at the end of the stream,
// and for anything that is not in pkt-lines.
std::optional<std::string> read_section(int fd, std::string& rest, MonoTime until, int cancel_fd) {
    size_t whole = 0;  // bytes in whole packets
    while (true) {
        std::string_view view = std::string_view(rest).substr(whole);
        while (const auto line = take_pkt_line(view)) {
            whole = rest.size() - view.size();
            if (!line->empty()) continue;
            auto section = rest.substr(0, whole);
            rest.erase(0, whole);
            return section;
        }
        // 65520 bytes are the longest packet: more that is no packet never becomes one.
        if (rest.size() > kLongestAnswer || rest.size() - whole > 65520) return std::nullopt;
        if (!ready(fd, POLLIN, until, cancel_fd)) return std::nullopt;
        char buffer[4096];
        const ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return std::nullopt;
        if (got > 0) rest.append(buffer, static_cast<size_t>(got));
    }
}

// Whether a server's first words say that it speaks version 2, with sha1.
bool is_version_2(std::string_view section) {
    bool speaks = false;
    bool other_hash = false;
    for (bool first = true; const auto line = take_pkt_line(section); first = false) {
        const auto text = trim(*line);
        if (first && text != "version 2") return false;
        speaks = speaks || text == "ls-refs" || text.starts_with("ls-refs=");
        other_hash = other_hash || (text.starts_with("object-format=") && text != "object-format=sha1");
    }
    return speaks && !other_hash;
}

Fd connect_to(const WireAddress& address, MonoTime until, int cancel_fd) {
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
        if (errno != EINPROGRESS || !ready(fd.get(), POLLOUT, until, cancel_fd)) continue;
        int code = 0;
        socklen_t size = sizeof code;
        if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &code, &size) == 0 && code == 0) return fd;
    }
    return {};
}

}  // namespace

std::string ls_refs_question(const RefName& ref) {
    return pkt_line("command=ls-refs\n") + pkt_line("object-format=sha1") + "0001" +
           pkt_line("ref-prefix " + ref.str() + "\n") + "0000";
}

std::optional<Oid> ls_refs_answer(std::string_view answer, const RefName& ref) {
    std::optional<Oid> found;
    while (const auto line = take_pkt_line(answer)) {
        if (line->empty()) return answer.empty() ? found : std::nullopt;
        const auto text = trim(*line);
        const auto blank = text.find(' ');
        if (blank == std::string_view::npos) return std::nullopt;
        auto oid = Oid::parse(text.substr(0, blank));
        if (!oid || oid->is_null()) return std::nullopt;
        const auto name = text.substr(blank + 1);
        if (name.substr(0, name.find(' ')) == ref.str()) found = std::move(*oid);
    }
    return std::nullopt;  // it was cut
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

WireAnswer ask_git_daemon(const WireAddress& address, const RefName& ref, Duration timeout, int cancel_fd) {
    const auto until = steady_clock::now() + timeout;
    const Fd fd = connect_to(address, until, cancel_fd);
    if (!fd) return {};
    const auto host = address.host.find(':') == std::string::npos ? address.host : "[" + address.host + "]";
    const std::string nul(1, '\0');
    const auto hello =
        pkt_line("git-upload-pack " + address.path + nul + "host=" + host +
                 (address.port.empty() ? "" : ":" + address.port) + nul + nul + "version=2" + nul);
    std::string rest;
    if (!send_all(fd.get(), hello + ls_refs_question(ref), until, cancel_fd)) return {};
    const auto first = read_section(fd.get(), rest, until, cancel_fd);
    if (!first || !is_version_2(*first)) return {std::nullopt, !rest.empty() || first, false};
    const auto answer = read_section(fd.get(), rest, until, cancel_fd);
    return {answer ? ls_refs_answer(*answer, ref) : std::nullopt, true, true};
}

}  // namespace tidegate::reconciler
