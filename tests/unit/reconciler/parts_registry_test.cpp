#include "reconciler/download.hpp"
#include "reconciler/registry.hpp"

#include <doctest/doctest.h>

using namespace tidegate::reconciler;
using namespace tidegate::shared;

TEST_CASE("registry: what it asks for is read from its challenge") {
    const auto fields = bearer_challenge(
        "Bearer "
        "realm=\"https://auth.example.com/"
        "token\",service=\"registry.example.com\",scope=\"repository:web:pull,push\"");
    CHECK(fields.at("realm") == "https://auth.example.com/token");
    CHECK(fields.at("scope") == "repository:web:pull,push");
    CHECK(bearer_challenge("Basic realm=\"x\"").empty());
    CHECK(bearer_challenge("").empty());
    CHECK(bearer_challenge("Bearer").empty());
    CHECK(bearer_challenge("bearer realm=\"x").empty());
}

TEST_CASE("registry: credentials are shown to its own realm only (attack 25)") {
    struct Case {
        const char* realm;
        const char* registry;
        bool belongs;
    };
    const Case cases[] = {{"ghcr.io", "ghcr.io", true},
                          {"auth.docker.io", "registry-1.docker.io", true},
                          {"gitlab.example.com", "registry.gitlab.example.com", true},
                          {"evil.com", "registry.example.com", false},
                          {"example.com.evil.com", "registry.example.com", false},
                          {"evilexample.com", "registry.example.com", false},
                          {"evil.io", "ghcr.io", false},
                          {"10.0.0.2", "10.0.0.1", false},
                          {"1.0.0.1", "10.0.0.1", false},
                          {"localhost", "registry", false}};
    for (const auto& [realm, registry, belongs] : cases) {
        const std::string shown = realm;
        CAPTURE(shown);
        CHECK(belongs_to(realm, registry) == belongs);
    }
}

TEST_CASE(
    "download: a redirect is followed within its server, or where the host's configuration says (attack "
    "25)") {
    SourceAccess access;
    access.redirects = {"https://cdn.example.com/files/"};
    const auto url = Url::parse("https://dl.example.com:8443/a/web.tar").value();
    struct Case {
        const char* location;
        bool followed;
    };
    const Case cases[] = {{"/b/web.tar", true},
                          {"https://dl.example.com:8443/b", true},
                          {"https://cdn.example.com/files/x", true},
                          {"https://cdn.example.com/other", false},
                          {"https://dl.example.com/b", false},
                          {"http://dl.example.com:8443/b", false},
                          {"https://evil.example.com/b", false},
                          {"//evil.example.com/b", false},
                          {"file:///etc/passwd", false},
                          {"https://dl.example.com:8443@evil.com/", false},
                          {"", false}};
    for (const auto& [location, followed] : cases) {
        const std::string shown = location;
        CAPTURE(shown);
        CHECK(redirected(url, location, access).has_value() == followed);
    }
}
