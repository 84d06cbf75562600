#include "shared/face/face.hpp"

#include <doctest/doctest.h>

using namespace tidegate::shared;

TEST_CASE("face: an error shows the place, the line with a caret, and the mend") {
    Error error{ErrorKind::Invalid,
                "unknown key `comand`",
                "did you mean `run`?",
                Where{".tidegate.yaml", 9, 9, "        comand: ctest", 6},
                {}};
    CHECK(render_error(error, "tidegate", Face{}) ==
          "tidegate: unknown key `comand`: .tidegate.yaml:9:9\n"
          "      9 |         comand: ctest\n"
          "        |         ^~~~~~\n"
          "  did you mean `run`?\n");
}

TEST_CASE("face: the caret stands under the right column behind tabs, wide characters and in long lines") {
    Error wide{ErrorKind::Invalid, "m", "", Where{"f", 1, 8, "\t漢字x: y", 1}, {}};
    CHECK(render_error(wide, "t", Face{}).find("        |      ^") != std::string::npos);
    Error longer{ErrorKind::Invalid, "m", "", Where{"f", 1, 301, std::string(300, 'a') + "bad", 3}, {}};
    const auto text = render_error(longer, "t", Face{});
    CHECK(text.find("bad") != std::string::npos);
    CHECK(text.find("^~~") != std::string::npos);
}

TEST_CASE("face: escapes in what is shown are not sent to the terminal (attack 62)") {
    Error error{ErrorKind::Invalid, "bad \x1b[2J", "", Where{"f\x1b", 1, 1, "\x1b]0;x", 1}, {}};
    CHECK(render_error(error, "t", Face{}).find('\x1b') == std::string::npos);
}

TEST_CASE("face: table columns line up and end without blanks") {
    Table table({"APP", "STATE", "WHY"});
    table.row({"web", "converged", ""});
    table.row({"api-long", "held", "health"});
    CHECK(table.render(Face{}) ==
          "APP       STATE      WHY\n"
          "web       converged\n"
          "api-long  held       health\n");
}

TEST_CASE("face: texts are cut by columns") {
    CHECK(cut_to("abcdef", 4) == "abc…");
    CHECK(cut_to("漢字漢字", 5) == "漢字…");
    CHECK(cut_to("abc", 3) == "abc");
    CHECK(columns_of("漢a") == 3);
}

TEST_CASE("face: times are human") {
    const WallTime now{std::chrono::seconds(1'700'000'000)};
    CHECK(ago(now - std::chrono::seconds(4), now) == "4s ago");
    CHECK(ago(now - std::chrono::minutes(2), now) == "2m ago");
    CHECK(ago(now + std::chrono::minutes(2), now) == "just now");
    CHECK(calendar(now, now).starts_with("today "));
}
