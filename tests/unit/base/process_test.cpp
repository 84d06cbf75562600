#include "shared/base/process.hpp"

#include "shared/base/files.hpp"

#include <doctest/doctest.h>

using namespace tidegate::shared;

namespace {
Command sh(const std::string& script) {
    Command command;
    command.argv = {"/bin/sh", "-c", script};
    command.env = basic_environment();
    return command;
}
}  // namespace

TEST_CASE("process: output, errors and the exit code come back") {
    const auto exit = run(sh("echo out; echo err >&2; exit 3"));
    REQUIRE(exit.has_value());
    CHECK(exit->out == "out\n");
    CHECK(exit->err == "err\n");
    CHECK(exit->code == 3);
    CHECK(exit->describe() == "exit 3");
}

TEST_CASE("process: a child that ignores TERM is killed with its whole group, on time") {
    auto command = sh("trap '' TERM; sleep 60 & sleep 60");
    command.timeout = Duration(1500);  // long after the trap is set
    command.grace = Duration(100);
    const auto before = std::chrono::steady_clock::now();
    const auto exit = run(command);
    REQUIRE(exit.has_value());
    CHECK(exit->timed_out);
    CHECK(exit->signal == 9);
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(50));
}

TEST_CASE("process: a stray descendant that holds the output open is not waited for") {
    const auto before = std::chrono::steady_clock::now();
    auto command = sh("setsid sleep 60 & echo done");
    const auto exit = run(command);
    REQUIRE(exit.has_value());
    CHECK(exit->out == "done\n");
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(50));
}

TEST_CASE("process: the child sees only the environment it was given") {
    setenv("LD_CANARY", "x", 1);
    auto command = sh("env");
    const auto exit = run(command);
    REQUIRE(exit.has_value());
    CHECK(exit->out.find("LD_CANARY") == std::string::npos);
}

TEST_CASE("process: a flood of output is bounded") {
    auto command = sh("head -c 5000000 /dev/zero");
    command.output_limit = 1000;
    const auto exit = run(command);
    REQUIRE(exit.has_value());
    CHECK(exit->out.size() == 1000);
    CHECK(exit->truncated);
}

TEST_CASE("process: input is fed and a missing program is an error, not an exit code") {
    Command cat;
    cat.argv = {"/bin/cat"};
    cat.input = std::string(200'000, 'x');
    const auto exit = run(cat);
    REQUIRE(exit.has_value());
    CHECK(exit->out.size() == 200'000);
    Command missing;
    missing.argv = {"/nonexistent/program"};
    const auto failed = run(missing);
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().kind == ErrorKind::NotFound);
}

TEST_CASE("process: a supervisor runs many children at once") {
    const auto folder = TempDir::make("supervisor");
    REQUIRE(folder.has_value());
    Supervisor supervisor;
    // Each waits for all the others.
    for (int i = 0; i < 10; ++i) {
        auto command = sh("touch " + folder->path() + "/" + std::to_string(i) + "; until [ $(ls " +
                          folder->path() + " | wc -l) = 10 ]; do sleep 0.05; done");
        command.timeout = Duration(60'000);
        REQUIRE(supervisor.start(command).has_value());
    }
    size_t ended = 0;
    while (supervisor.running() > 0)
        for (const auto& exit : supervisor.wait(std::nullopt)) ended += exit.exit.ok() ? 1 : 0;
    CHECK(ended == 10);
}
