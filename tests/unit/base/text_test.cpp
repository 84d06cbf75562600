#include "shared/base/text.hpp"

#include <doctest/doctest.h>

using namespace tidegate::shared;

TEST_CASE("text: what came from outside cannot move the cursor or turn the line round (attack 62)") {
    CHECK(escape_foreign("a\x1b[31mb\r\n") == "a\\x1b[31mb\\x0d\\x0a");
    CHECK(escape_foreign("x\u202ey") == "x\\u202ey");
    CHECK(escape_foreign("\xc2\x9b") == "\\x9b");
    CHECK(escape_foreign("\xff\xfe") == "\\xff\\xfe");
    CHECK(escape_foreign("grün ✓") == "grün ✓");
    CHECK(escape_foreign_block("a\tb\nc\x07") == "a\tb\nc\\x07");
}

TEST_CASE("text: the nearest word is found, a far one is not offered") {
    CHECK(nearest("comand", {"name", "run", "command"}) == "command");
    CHECK(nearest("gaets", {"gates", "stages"}) == "gates");
    CHECK(nearest("zzz", {"name", "run"}).empty());
}

TEST_CASE("text: words are quoted for the shell only where they must be") {
    CHECK(shell_quote("src/main.cpp") == "src/main.cpp");
    CHECK(shell_quote("a b") == "'a b'");
    CHECK(shell_quote("it's") == "'it'\\''s'");
    CHECK(shell_quote("") == "''");
    CHECK(shell_quote("$(id)\n") == "'$(id)\n'");
}

TEST_CASE("text: hexadecimal goes both ways") {
    CHECK(hex(std::string("\x00\xff", 2)) == "00ff");
    CHECK(unhex("00FF") == std::string("\x00\xff", 2));
    CHECK(unhex("0").empty());
    CHECK(unhex("zz").empty());
}
