#include "hooks/cache.hpp"

#include "shared/base/files.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

using namespace tidegate;
using namespace tidegate::hooks;

namespace {

const std::string kA(64, 'a');
const std::string kB(64, 'b');
const std::string kC(64, 'c');

void append(const std::string& path, const std::string& bytes) {
    const shared::Fd file(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
    REQUIRE(shared::write_all(file.get(), bytes, path));
}

}  // namespace

TEST_CASE("cache: what passed is known again, and only under its definition") {
    const auto folder = shared::TempDir::make("cache");
    REQUIRE(folder);
    const Cache cache(folder->path() + "/cache");
    CHECK(cache.passed(kA).empty());
    REQUIRE(cache.remember(kA, {kB, kC}));
    CHECK(cache.passed(kA).contains(kB));
    CHECK(cache.passed(kA).contains(kC));
    CHECK_FALSE(cache.passed(kB).contains(kB));
    CHECK(cache.size().inputs == 2);
    REQUIRE(cache.clear());
    CHECK(cache.passed(kA).empty());
}

TEST_CASE("cache: a torn line is not believed, and does not spoil the next") {
    const auto folder = shared::TempDir::make("cache");
    REQUIRE(folder);
    const Cache cache(folder->path());
    append(folder->path() + "/" + kA, kB.substr(0, 30));
    REQUIRE(cache.remember(kA, {kC}));
    append(folder->path() + "/" + kA, std::string(64, '\0') + "\n");
    const auto known = cache.passed(kA);
    CHECK(known.size() == 1);
    CHECK(known.contains(kC));
}

TEST_CASE("cache: settings of tools count as an input of every file") {
    for (const char* path : {".clang-format", "src/.eslintrc.json", "package.json", "web/eslint.config.js"})
        CHECK(is_tool_settings(path));
    for (const char* path : {".tidegate.yaml", "src/main.c", "config/app.yaml"})
        CHECK_FALSE(is_tool_settings(path));
}
