#include "reconciler/leftover.hpp"

#include "shared/base/process.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace tidegate;
using namespace tidegate::reconciler;

namespace {

// A group whose leader has a child of its own and, where asked, ends before it.
struct Group {
    explicit Group(const char* script) {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        leader = fork();
        if (leader == 0) {
            setpgid(0, 0);
            dup2(ends[1], 1);
            execl("/bin/sh", "sh", "-c", script, nullptr);
            _exit(127);
        }
        close(ends[1]);
        char byte = 0;
        REQUIRE(read(ends[0], &byte, 1) == 1);  // its child is there
        row = child_row(leader);
        out = ends[0];
    }
    ~Group() {
        kill(-leader, SIGKILL);
        waitpid(leader, nullptr, 0);
        close(out);
    }
    void end_leader() const {
        kill(leader, SIGKILL);
        siginfo_t ended{};
        waitid(P_PID, static_cast<id_t>(leader), &ended, WEXITED | WNOWAIT);
    }
    // Nobody holds the pipe any more: every process of the group is gone.
    [[nodiscard]] bool silent() const {
        char byte = 0;
        return read(out, &byte, 1) == 0;
    }
    pid_t leader = -1;
    int out = -1;
    std::optional<ChildRow> row;
};

constexpr const char* kWithChild = "sleep 600 & echo; wait";

}  // namespace

TEST_CASE("leftover: a group is ended with all that its leader started") {
    const Group group(kWithChild);
    REQUIRE(group.row.has_value());
    CHECK(end_group(*group.row) == 2);
    CHECK(group.silent());
}

TEST_CASE("leftover: what a killed leader left running is ended") {
    const Group group(kWithChild);
    REQUIRE(group.row.has_value());
    group.end_leader();
    CHECK(end_group(*group.row) == 1);
    CHECK(group.silent());
}

TEST_CASE("leftover: a group with the same number is left alone when it is not the one") {
    const Group group(kWithChild);
    REQUIRE(group.row.has_value());
    auto earlier = *group.row;
    earlier.start_ticks -= 1;
    CHECK(end_group(earlier) == 0);
    auto before_the_reboot = *group.row;
    before_the_reboot.boot = "another";
    CHECK(end_group(before_the_reboot) == 0);
    CHECK(kill(group.leader, 0) == 0);
}
