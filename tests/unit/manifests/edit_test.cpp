#include "manifests/edit.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace tidegate::manifests;
using namespace tidegate::shared;

namespace {

const std::string kOld = "9fceb02d0ae598e95dc970b74767f19372d61af8";
const std::string kNew = "1111111111111111111111111111111111111111";
const std::string kRest = "# the web\nversion: 1\napp: web   # its name\nroot: /srv/web\n\nkeep:   5\n";

GitSource source(const std::string& commit, std::optional<std::string> tag,
                 const std::string& url = "https://git.example.com/web.git") {
    return GitSource{*Url::parse(url), *Oid::parse(commit), std::move(tag)};
}

}  // namespace

TEST_CASE("edit: only the release's values change, comments and layout stay") {
    struct Case {
        const char* name;
        std::string before;
        GitSource source;
        std::string after;
    };
    const std::string url = "https://git.example.com/web.git";
    const Case cases[] = {
        {"flow, with a tag",
         "release:   # what runs\n  git: {url: " + url + ", commit: " + kOld + ", tag: v1.4.2}   # now\n",
         source(std::string(40, 'a'), "v1.5.0"),
         "release:   # what runs\n  git: {url: " + url + ", commit: " + std::string(40, 'a') +
             ", tag: v1.5.0}   # now\n"},
        {"block",
         "release:\n  git:\n    # where\n    url: " + url + "  # here\n    commit: " + kOld +
             " # why\n    tag: 'v1.4.2'\n",
         source(std::string(40, 'a'), "v1.5.0"),
         "release:\n  git:\n    # where\n    url: " + url + "  # here\n    commit: " + std::string(40, 'a') +
             " # why\n    tag: v1.5.0\n"},
        {"a commit that looks like a number is quoted",
         "release: {git: {commit: " + kOld + ", url: " + url + "}}\n", source(kNew, std::nullopt),
         "release: {git: {commit: \"" + kNew + "\", url: " + url + "}}\n"},
        {"a commit that looks like a number with an exponent is quoted",
         "release: {git: {commit: " + kOld + ", url: " + url + "}}\n",
         source("1234567890123456789012345678901234567e12", std::nullopt),
         "release: {git: {commit: \"1234567890123456789012345678901234567e12\", url: " + url + "}}\n"},
        {"a version that looks like a number is quoted",
         "release: {git: {url: " + url + ", commit: " + kOld + ", tag: v1}}\n", source(kOld, "1.20"),
         "release: {git: {url: " + url + ", commit: " + kOld + ", tag: \"1.20\"}}\n"},
        {"a tag is added to a flow map", "release: {git: {url: " + url + ", commit: " + kOld + " }}\n",
         source(kOld, "v2"), "release: {git: {url: " + url + ", commit: " + kOld + ", tag: v2 }}\n"},
        {"a tag is added to a block",
         "release:\n  git:\n    url: " + url + "\n    commit: " + kOld + " # c\n", source(kOld, "v2"),
         "release:\n  git:\n    url: " + url + "\n    commit: " + kOld + " # c\n    tag: v2\n"},
        {"a tag is taken out of a flow map",
         "release: {git: {url: " + url + ", tag: v1, commit: " + kOld + "}}\n", source(kOld, std::nullopt),
         "release: {git: {url: " + url + ", commit: " + kOld + "}}\n"},
        {"the last one of a flow map is taken out",
         "release: {git: {url: " + url + ", commit: " + kOld + ", tag: v1}}\n", source(kOld, std::nullopt),
         "release: {git: {url: " + url + ", commit: " + kOld + "}}\n"},
        {"a tag is taken out of a block",
         "release:\n  git:\n    url: " + url + "\n    tag: v1 # t\n    commit: " + kOld + "\n",
         source(kOld, std::nullopt), "release:\n  git:\n    url: " + url + "\n    commit: " + kOld + "\n"},
        {"nothing changes", "release: {git: {url: " + url + ", commit: " + kOld + "}}\n",
         source(kOld, std::nullopt), "release: {git: {url: " + url + ", commit: " + kOld + "}}\n"},
        {"carriage returns stay",
         "release:\r\n  git:\r\n    url: " + url + "\r\n    commit: " + kOld + "\r\n", source(kOld, "v2"),
         "release:\r\n  git:\r\n    url: " + url + "\r\n    commit: " + kOld + "\r\n    tag: v2\r\n"},
    };
    for (const auto& each : cases) {
        CAPTURE(std::string(each.name));
        for (const std::string mark : {"", "\xEF\xBB\xBF"}) {
            const auto edited =
                with_release("web.yaml", mark + kRest + each.before + "soak: 1m\n", each.source);
            REQUIRE_MESSAGE(edited.has_value(), edited.error().line());
            CHECK(*edited == mark + kRest + each.after + "soak: 1m\n");
        }
    }
}

TEST_CASE("edit: a file without a newline at its end gets its tag") {
    const std::string before = kRest + "release:\n  git:\n    url: https://h/x.git\n    commit: " + kOld;
    const auto edited = with_release("w", before, source(kOld, "v2", "https://h/x.git"));
    REQUIRE(edited.has_value());
    CHECK(*edited == before + "\n    tag: v2\n");
}

TEST_CASE("edit: a layout that it cannot edit is refused, not spoilt") {
    const std::string folded =
        kRest + "release:\n  git:\n    url: https://h/x.git\n    commit: >-\n      " + kOld + "\n";
    const auto edited = with_release("w", folded, source(kNew, std::nullopt, "https://h/x.git"));
    REQUIRE_FALSE(edited.has_value());
    CHECK(edited.error().kind == ErrorKind::Unsupported);
    const auto other =
        with_release("w", kRest + "release: {git: {url: https://h/x.git, commit: " + kOld + "}}\n",
                     OciSource{"h/x", "sha256:" + std::string(64, 'a')});
    REQUIRE_FALSE(other.has_value());
    CHECK(other.error().message.find("another kind") != std::string::npos);
}
