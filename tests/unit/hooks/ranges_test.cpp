#include "hooks/ranges.hpp"

#include "hooks/snapshot_state.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

using namespace tidegate;
using namespace tidegate::hooks;

namespace {
const std::string kOne(40, '1');
const std::string kZero(40, '0');
}  // namespace

TEST_CASE("ranges: git's lines are read as githooks(5) says") {
    const auto updates = parse_ref_lines("refs/heads/a " + kOne + " refs/heads/b " + kZero + "\n(delete) " +
                                         kZero + " refs/heads/gone " + kOne + "\n");
    REQUIRE(updates);
    REQUIRE(updates->size() == 2);
    CHECK((*updates)[0].local.str() == kOne);
    CHECK((*updates)[0].remote.is_null());
    CHECK((*updates)[1].local.is_null());
    CHECK(parse_ref_lines("")->empty());
    CHECK_FALSE(parse_ref_lines("a b c\n"));
    CHECK_FALSE(parse_ref_lines("a 12 c 34\n"));
}

TEST_CASE("ranges: a hundred thousand lines are read (attack 54)") {
    std::string text;
    for (int i = 0; i < 100'000; ++i)
        text += "refs/heads/a" + std::to_string(i) + " " + kOne + " refs/heads/a " + kZero + "\n";
    const auto updates = parse_ref_lines(text);
    REQUIRE(updates);
    CHECK(updates->size() == 100'000);
}

TEST_CASE("ranges: a closed input is an empty one") {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    close(ends[1]);
    const auto text = drain_input(ends[0]);
    close(ends[0]);
    REQUIRE(text);
    CHECK(text->empty());
}

TEST_CASE("snapshot state: what is torn or of another boot is not clean") {
    SnapshotState state;
    state.clean = true;
    state.tree = kOne;
    state.setup = {"k1", "k2"};
    state.links = {"node_modules"};
    const auto text = format_state(state);
    const auto back = parse_state(text);
    CHECK(back.clean);
    CHECK(back.tree == kOne);
    CHECK(back.setup == state.setup);
    CHECK(back.links == state.links);
    for (size_t cut = 0; cut < text.size(); ++cut) CHECK_FALSE(parse_state(text.substr(0, cut)).clean);
    auto other = text;
    other.replace(text.find("boot ") + 5, 8, "00000000");
    CHECK_FALSE(parse_state(other).clean);
}
