// Questions in git's protocol to one git-upload-pack, over a connection or a pair of pipes, and git:// to carry them.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/fd.hpp"
#include "shared/base/names.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tidegate::reconciler {

// One question; nothing outlives it.
struct WireQuestion {
    std::string_view text;     // one whole command in pkt-lines
    size_t longest = 1 << 20;  // of what is answered
    shared::MonoTime until{};  // given up then
    int cancel_fd = -1;        // and when this is readable
};

// What a server said to it.
struct WireAnswer {
    std::optional<std::string> answer;  // whole, with its flush packet
    std::string first;                  // what it said by itself
    bool heard = false;                 // it said something
    bool version_2 = false;             // it understood the question; where not, asking again is no use
};

// Says `hello` and asks in the same breath, then says goodbye. `in` is read and `out` written; both must not block.
[[nodiscard]] WireAnswer converse(int in, int out, const std::string& hello, const WireQuestion& question);

// Where a URL of git:// leads; nullopt for what git would decode or expand first.
struct WireAddress {
    std::string host;  // without brackets
    std::string port;  // empty: the protocol's own
    std::string path;
};
[[nodiscard]] std::optional<WireAddress> wire_address(const shared::Url& url);

// Over git://: a connection is made for each question, as `git daemon` counts those that stay (32 by default), and
// closed with its answer. Asks in the same round trip as it calls.
[[nodiscard]] WireAnswer ask_git_daemon(const WireAddress& address, const WireQuestion& question);

// Waits for one descriptor, until a time and unless cancelled. `what`: POLLIN or POLLOUT.
[[nodiscard]] bool wait_ready(int fd, short what, shared::MonoTime until, int cancel_fd);
// Writes all of it to a descriptor that does not block.
[[nodiscard]] bool send_all(int fd, std::string_view bytes, shared::MonoTime until, int cancel_fd);

}  // namespace tidegate::reconciler
