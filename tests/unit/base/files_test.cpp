#include "shared/base/files.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <fstream>

using namespace tidegate::shared;

namespace {
std::string content(const std::string& path) {
    return read_file(path, 1 << 20).value_or("(unreadable)");
}
}  // namespace

TEST_CASE("files: an atomic write replaces the content and leaves nothing beside it") {
    const auto dir = TempDir::make("files");
    REQUIRE(dir.has_value());
    const auto path = dir->path() + "/state";
    REQUIRE(write_file_atomic(path, "one", 0644).has_value());
    REQUIRE(write_file_atomic(path, "two", 0600).has_value());
    CHECK(content(path) == "two");
    const auto fd = open_dir(dir->path());
    CHECK(list_dir(fd->get()).value() == std::vector<std::string>{"state"});
}

TEST_CASE("files: a symlink is replaced in one step, a folder in its place is refused") {
    const auto dir = TempDir::make("files");
    const auto fd = open_dir(dir->path());
    REQUIRE(replace_symlink(fd->get(), "current", "releases/1").has_value());
    REQUIRE(replace_symlink(fd->get(), "current", "releases/2").has_value());
    CHECK(read_link(fd->get(), "current").value() == "releases/2");
    REQUIRE(make_dirs(dir->path() + "/folder", 0755).has_value());
    const auto refused = replace_symlink(fd->get(), "folder", "releases/2");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::Exists);
}

TEST_CASE("files: nothing outside a folder is opened through it (attack 39)") {
    const auto dir = TempDir::make("files");
    REQUIRE(make_dirs(dir->path() + "/in/sub", 0755).has_value());
    REQUIRE(write_file_atomic(dir->path() + "/secret", "x", 0600).has_value());
    REQUIRE(write_file_atomic(dir->path() + "/in/sub/file", "y", 0600).has_value());
    const auto fd = open_dir(dir->path() + "/in");
    REQUIRE(replace_symlink(fd->get(), "out", "..").has_value());
    REQUIRE(replace_symlink(fd->get(), "inner", "sub").has_value());
    CHECK(read_file_beneath(fd->get(), "sub/file", 100).value() == "y");
    for (const char* path : {"../secret", "out/secret", "/etc/passwd", "inner/file", "sub/../../secret"}) {
        CAPTURE(path);
        const auto read = read_file_beneath(fd->get(), path, 100);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().kind == ErrorKind::Invalid);
    }
}

TEST_CASE("files: removing a tree follows no link and needs no write permission in it") {
    const auto dir = TempDir::make("files");
    REQUIRE(make_dirs(dir->path() + "/tree/deep/deeper", 0755).has_value());
    REQUIRE(make_dirs(dir->path() + "/kept", 0755).has_value());
    REQUIRE(write_file_atomic(dir->path() + "/kept/file", "x", 0600).has_value());
    REQUIRE(write_file_atomic(dir->path() + "/tree/deep/deeper/file", "x", 0400).has_value());
    const auto deep = open_dir(dir->path() + "/tree/deep");
    REQUIRE(replace_symlink(deep->get(), "link", "../../kept").has_value());
    chmod((dir->path() + "/tree/deep/deeper").c_str(), 0500);
    REQUIRE(remove_tree(dir->path() + "/tree").has_value());
    CHECK_FALSE(exists(dir->path() + "/tree"));
    CHECK(content(dir->path() + "/kept/file") == "x");
    CHECK(remove_tree(dir->path() + "/tree").has_value());
}

TEST_CASE("files: a lock is held by one and says so to the other") {
    const auto dir = TempDir::make("files");
    const auto path = dir->path() + "/lock";
    auto first = Lock::take(path);
    REQUIRE(first.has_value());
    const auto second = Lock::take(path);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().kind == ErrorKind::Locked);
    { const auto ended = std::move(*first); }
    CHECK(Lock::take(path).has_value());
}

TEST_CASE("files: a file longer than the limit is refused, not cut") {
    const auto dir = TempDir::make("files");
    REQUIRE(write_file_atomic(dir->path() + "/big", std::string(1000, 'x'), 0644).has_value());
    const auto read = read_file(dir->path() + "/big", 999);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().kind == ErrorKind::Invalid);
}

TEST_CASE("files: programs are not taken from relative folders of PATH or from the repository (attack 48)") {
    const auto dir = TempDir::make("files");
    const std::string evil = dir->path() + "/git";
    REQUIRE(write_file_atomic(evil, "#!/bin/sh\n", 0755).has_value());
    const std::string before = getenv("PATH");
    setenv("PATH", (".:" + dir->path() + ":/usr/bin:/bin").c_str(), 1);
    CHECK(find_program("git", dir->path()).value() == "/usr/bin/git");
    CHECK(find_program("git").value() == evil);
    setenv("PATH", before.c_str(), 1);
}
