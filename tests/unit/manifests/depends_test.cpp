#include "manifests/depends.hpp"

#include <doctest/doctest.h>

using namespace tidegate::manifests;
using Names = std::vector<std::string>;

TEST_CASE("depends: a circle is found by whoever is in it, and by nobody else") {
    const Dependencies all{
        {"web", {"db", "api"}}, {"api", {"auth"}}, {"auth", {"api"}}, {"db", {}}, {"self", {"self"}}};
    CHECK(circle_of(all, "web").empty());
    CHECK(circle_of(all, "api") == Names{"api", "auth", "api"});
    CHECK(circle_of(all, "auth") == Names{"auth", "api", "auth"});
    CHECK(circle_of(all, "db").empty());
    CHECK(circle_of(all, "self") == Names{"self", "self"});
    CHECK(circle_of(all, "unknown").empty());
}

TEST_CASE("depends: a thousand apps that all need each other before them take no time") {
    Dependencies all;
    Names before;
    for (int i = 0; i < 1000; ++i) {
        const auto name = "app" + std::to_string(i);
        all[name] = before;
        before.push_back(name);
    }
    CHECK(circle_of(all, "app999").empty());
    all["app0"] = {"app999"};
    CHECK(circle_of(all, "app999").front() == "app999");
}
