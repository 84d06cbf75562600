// git's protocol version 2 (gitprotocol-v2(5), gitprotocol-pack(5)) spoken by ourselves: what is asked and what is
// answered, as bytes. How they travel is git_stream.hpp's.
#pragma once

#include "shared/base/names.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::reconciler {

// One of the lines that everything in git's protocol is made of.
struct Packet {
    enum class Kind { Data, Flush, Delimiter };
    Kind kind = Kind::Data;
    std::string_view text{};
};
[[nodiscard]] std::string pkt_line(const std::string& text);
// The next one of `rest`; nullopt at its end, or where it is none, or cut.
[[nodiscard]] std::optional<Packet> take_packet(std::string_view& rest);

// Whether a server's first words say that it speaks version 2, with sha1.
[[nodiscard]] bool speaks_version_2(std::string_view first);

// The question (ls-refs) for one ref, in pkt-lines.
[[nodiscard]] std::string ls_refs_question(const shared::RefName& ref);
// The answer to it; nullopt where the ref is not in it or it is anything else than such an answer, whole.
[[nodiscard]] std::optional<shared::Oid> ls_refs_answer(std::string_view answer, const shared::RefName& ref);
// The same from what a server says by itself that speaks no version 2 (gitprotocol-pack(5), reference discovery).
[[nodiscard]] std::optional<shared::Oid> ref_in_advertisement(std::string_view first,
                                                              const shared::RefName& ref);

// What a fetch asks for, in one round: `haves` are named at once, and no more is negotiated.
struct FetchWish {
    std::vector<shared::Oid> wants;
    std::vector<shared::Oid> haves;
    std::vector<shared::Oid> shallows;  // commits we have without their parents
    bool without_history = false;       // the wanted commits without their parents
};
struct FetchedPack {
    std::string pack;                  // thin: it may build on what was named as had
    std::vector<shared::Oid> shallow;  // commits that came without their parents
};
[[nodiscard]] std::string fetch_question(const FetchWish& wish);
// nullopt for anything else than such an answer, whole.
[[nodiscard]] std::optional<FetchedPack> fetch_answer(std::string_view answer);

}  // namespace tidegate::reconciler
