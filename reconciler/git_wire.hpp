// git's protocol version 2 (gitprotocol-v2(5)) spoken by ourselves: one question, what a ref is, and git:// to carry it.
// Inside of quick_look only.
#pragma once

#include "reconciler/source.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tidegate::reconciler {

// The question (ls-refs) for one ref, in pkt-lines.
[[nodiscard]] std::string ls_refs_question(const shared::RefName& ref);
// The answer to it; nullopt where the ref is not in it or it is anything else than such an answer, whole.
[[nodiscard]] std::optional<shared::Oid> ls_refs_answer(std::string_view answer, const shared::RefName& ref);

// Where a URL of git:// leads; nullopt for what git would decode or expand first.
struct WireAddress {
    std::string host;  // without brackets
    std::string port;  // empty: the protocol's own
    std::string path;
};
[[nodiscard]] std::optional<WireAddress> wire_address(const shared::Url& url);

// What a server said to one question.
struct WireAnswer {
    std::optional<shared::Oid> found;
    bool heard = false;   // it said something
    bool spoken = false;  // in version 2; where not, asking again is no use
};

// Over git://: a connection is made for each question, as `git daemon` counts those that stay (32 by default), and
// closed with its answer. Asks in the same round trip as it calls.
[[nodiscard]] WireAnswer ask_git_daemon(const WireAddress& address, const shared::RefName& ref,
                                        shared::Duration timeout, int cancel_fd);

}  // namespace tidegate::reconciler
