#include "shared/base/names.hpp"

#include <doctest/doctest.h>

using namespace tidegate::shared;

TEST_CASE("names: object ids are full and hexadecimal") {
    CHECK(Oid::parse("9FCEB02D0AE598E95DC970B74767F19372D61AF8").value().str() ==
          "9fceb02d0ae598e95dc970b74767f19372d61af8");
    CHECK(Oid::parse(std::string(64, 'a')).has_value());
    for (const auto& text :
         std::vector<std::string>{"", "9fceb02", "g" + std::string(39, '0'), std::string(41, '0')})
        CHECK_FALSE(Oid::parse(text).has_value());
    CHECK(Oid().is_null());
    CHECK(Oid::parse(std::string(40, '0')).value().is_null());
}

TEST_CASE("names: ref names follow git's rules, odd ones included (attack 24)") {
    for (const char* good : {"refs/heads/main", "refs/heads/--upload-pack=x", "refs/heads/$(id)",
                             "refs/heads/a;b", "refs/tags/v1"}) {
        CAPTURE(good);
        CHECK(RefName::parse(good).has_value());
    }
    for (const char* bad :
         {"", "main", "refs/heads/a..b", "refs/heads/.a", "refs/heads/a.lock", "refs/heads/a b",
          "refs/heads/a~1", "refs/heads/", "refs//heads", "refs/heads/a\x01", "refs/heads/a@{1}"}) {
        CAPTURE(bad);
        CHECK_FALSE(RefName::parse(bad).has_value());
    }
}

TEST_CASE("names: addresses that would run something are refused by our own grammar (attack 23)") {
    for (const char* bad :
         {"ext::sh -c id", "-oProxyCommand=id", "--upload-pack=id", "ssh://-oProxyCommand=id/x", "https://",
          "https:///x", "ftp://host/x", "fd::17", "https://ho st/x", "user@-host:path", "host:-path",
          "file://host/x", "https://host:port/x", "", "nonsense"}) {
        CAPTURE(bad);
        CHECK_FALSE(Url::parse(bad).has_value());
    }
    for (const char* good : {"https://git.example.com/web.git", "ssh://git@git.example.com:2222/web.git",
                             "git@git.example.com:web.git", "file:///srv/git/web.git",
                             "git://127.0.0.1:9418/web.git", "http://[::1]:8080/web"}) {
        CAPTURE(good);
        CHECK(Url::parse(good).has_value());
    }
    CHECK(Url::parse("https://user:secret@host/x?token=1").value().redacted() == "https://host/x");
    CHECK(Url::parse("git@host:web.git").value().scheme() == "ssh");
}

TEST_CASE("names: paths stay below their root and out of every spelling of .git (attack 27)") {
    for (const char* bad : {"", "/abs", "a//b", "./a", "a/../b", "..", ".git/config", "a/.GIT/x", "git~1",
                            ".git /x", ".git.", "a\\b", ".g\u200cit"}) {
        CAPTURE(bad);
        CHECK_FALSE(RelPath::parse(bad).has_value());
    }
    for (const char* good : {"a", "a/b.c", ".gitignore", ".github/x", "-rf", "a b"})
        CHECK(RelPath::parse(good).has_value());
}
