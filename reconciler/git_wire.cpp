#include "reconciler/git_wire.hpp"

#include "shared/base/text.hpp"

#include <charconv>
#include <cstdio>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

std::string pkt_line(const std::string& text) {
    char length[5];
    std::snprintf(length, sizeof length, "%04zx", text.size() + 4);
    return length + text;
}

std::optional<Packet> take_packet(std::string_view& rest) {
    size_t length = 0;
    if (rest.size() < 4) return std::nullopt;
    const auto [end, code] = std::from_chars(rest.data(), rest.data() + 4, length, 16);
    if (code != std::errc() || end != rest.data() + 4) return std::nullopt;
    if (length < 2) {
        rest.remove_prefix(4);
        return Packet{length == 0 ? Packet::Kind::Flush : Packet::Kind::Delimiter};
    }
    if (length <= 4 || length > rest.size()) return std::nullopt;
    const auto line = rest.substr(4, length - 4);
    rest.remove_prefix(length);
    return Packet{Packet::Kind::Data, line};
}

bool speaks_version_2(std::string_view first) {
    bool speaks = false;
    bool other_hash = false;
    bool begins = true;
    while (const auto line = take_packet(first)) {
        const auto text = trim(line->text);
        if (std::exchange(begins, false) && text != "version 2") return false;
        speaks = speaks || text == "ls-refs" || text.starts_with("ls-refs=");
        other_hash = other_hash || (text.starts_with("object-format=") && text != "object-format=sha1");
    }
    return speaks && !other_hash;
}

std::string ls_refs_question(const RefName& ref) {
    return pkt_line("command=ls-refs\n") + pkt_line("object-format=sha1") + "0001" +
           pkt_line("ref-prefix " + ref.str() + "\n") + "0000";
}

namespace {

// "1234… refs/heads/x", with attributes behind a blank or a NUL.
struct RefLine {
    Oid oid;
    std::string_view name;
};
std::optional<RefLine> ref_line(std::string_view line) {
    const auto text = trim(line.substr(0, line.find('\0')));
    const auto blank = text.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    auto oid = Oid::parse(text.substr(0, blank));
    if (!oid) return std::nullopt;
    const auto name = text.substr(blank + 1);
    return RefLine{std::move(*oid), name.substr(0, name.find(' '))};
}

}  // namespace

std::optional<Oid> ls_refs_answer(std::string_view answer, const RefName& ref) {
    std::optional<Oid> found;
    while (const auto line = take_packet(answer)) {
        if (line->kind == Packet::Kind::Flush) return answer.empty() ? found : std::nullopt;
        auto one = ref_line(line->text);
        if (line->kind != Packet::Kind::Data || !one || one->oid.is_null()) return std::nullopt;
        if (one->name == ref.str()) found = std::move(one->oid);
    }
    return std::nullopt;  // it was cut
}

std::optional<Oid> ref_in_advertisement(std::string_view first, const RefName& ref) {
    std::optional<Oid> found;
    while (const auto line = take_packet(first)) {
        if (line->kind == Packet::Kind::Flush) return first.empty() ? found : std::nullopt;
        if (line->text.starts_with("shallow ") || trim(line->text) == "version 1") continue;
        auto one = ref_line(line->text);
        if (line->kind != Packet::Kind::Data || !one) return std::nullopt;
        if (one->name == ref.str() && !one->oid.is_null()) found = std::move(one->oid);
    }
    return std::nullopt;
}

std::string fetch_question(const FetchWish& wish) {
    auto text = pkt_line("command=fetch\n") + pkt_line("object-format=sha1") + "0001" +
                pkt_line("thin-pack\n") + pkt_line("no-progress\n") + pkt_line("ofs-delta\n");
    for (const auto& oid : wish.wants) text += pkt_line("want " + oid.str() + "\n");
    for (const auto& oid : wish.shallows) text += pkt_line("shallow " + oid.str() + "\n");
    if (wish.without_history) text += pkt_line("deepen 1\n");
    for (const auto& oid : wish.haves) text += pkt_line("have " + oid.str() + "\n");
    return text + pkt_line("done\n") + "0000";
}

namespace {

// "shallow 1234…"; anything else, `unshallow` among it, is nothing that was asked for.
bool read_shallow_info(std::string_view& answer, std::vector<Oid>& into) {
    while (const auto line = take_packet(answer)) {
        if (line->kind == Packet::Kind::Delimiter) return true;
        const auto text = trim(line->text);
        if (line->kind == Packet::Kind::Flush || !text.starts_with("shallow ")) return false;
        auto oid = Oid::parse(text.substr(8));
        if (!oid) return false;
        into.push_back(std::move(*oid));
    }
    return false;
}

// By side band (gitprotocol-v2(5)): 1 is content, 2 words for a person, 3 an error.
bool read_packfile(std::string_view& answer, std::string& into) {
    while (const auto line = take_packet(answer)) {
        if (line->kind == Packet::Kind::Flush) return answer.empty();
        if (line->kind != Packet::Kind::Data || line->text.front() > 2 || line->text.front() < 1)
            return false;
        if (line->text.front() == 1) into += line->text.substr(1);
    }
    return false;
}

}  // namespace

std::optional<FetchedPack> fetch_answer(std::string_view answer) {
    FetchedPack out;
    auto section = take_packet(answer);
    if (section && trim(section->text) == "shallow-info") {
        if (!read_shallow_info(answer, out.shallow)) return std::nullopt;
        section = take_packet(answer);
    }
    if (!section || trim(section->text) != "packfile") return std::nullopt;
    if (!read_packfile(answer, out.pack)) return std::nullopt;
    return out;
}

}  // namespace tidegate::reconciler
