#include "reconciler/activation.hpp"
#include "shared/base/files.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace tidegate;
using namespace tidegate::shared;
using namespace tidegate::reconciler;

namespace {

// A process that ends by the first signal.
class Waiting {
  public:
    Waiting() {
        signal(SIGHUP, SIG_DFL);  // before there is somebody who could get one
        pid_ = fork();
        while (pid_ == 0) pause();
    }
    ~Waiting() {
        if (pid_ > 0) kill(pid_, SIGKILL);
        if (pid_ > 0) waitpid(pid_, nullptr, 0);
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    [[nodiscard]] pid_t pid() const { return pid_; }
    // The signal that ended it.
    int end() {
        int status = 0;
        waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }

  private:
    pid_t pid_ = -1;
};

struct Rig {
    TempDir folder = std::move(*TempDir::make("pidfile"));
    std::string file = folder.path() + "/app.pid";
    void write(const std::string& text) const { REQUIRE(write_file_atomic(file, text, 0644)); }
    [[nodiscard]] std::string refused() const {
        const auto done = signal_pidfile(file, SIGHUP, std::nullopt);
        return done ? "" : done.error().message;
    }
};

}  // namespace

TEST_CASE("pidfile: the process in it gets the signal") {
    const Rig rig;
    Waiting process;
    rig.write(std::to_string(process.pid()) + "\n");
    CHECK(signal_pidfile(rig.file, SIGHUP, std::nullopt));
    CHECK(process.end() == SIGHUP);
}

TEST_CASE("pidfile: a process that began after the file was written is another one (attack 86)") {
    const Rig rig;
    const Waiting process;
    rig.write(std::to_string(process.pid()));
    const timespec past[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    REQUIRE(utimensat(AT_FDCWD, rig.file.c_str(), past, 0) == 0);
    CHECK(rig.refused().find("the id was given to another process") != std::string::npos);
}

TEST_CASE("pidfile: another user's process, no process, a link or no number are refused") {
    const Rig rig;
    rig.write("1");
    CHECK(rig.refused().find("no process id") != std::string::npos);
    for (const auto* text : {"", "-5", "12x", "99999999999999", "$(id)"}) {
        CAPTURE(text);
        rig.write(text);
        CHECK(rig.refused().find("no process id") != std::string::npos);
    }
    pid_t gone = fork();
    if (gone == 0) _exit(0);
    waitpid(gone, nullptr, 0);
    rig.write(std::to_string(gone));
    CHECK(rig.refused().find("is gone") != std::string::npos);
    const Waiting process;
    rig.write(std::to_string(process.pid()));
    const auto other = signal_pidfile(rig.file, SIGHUP, RunAs{geteuid() + 1, 0, "other"});
    REQUIRE_FALSE(other.has_value());
    CHECK(other.error().kind == ErrorKind::Denied);
    REQUIRE(symlink(rig.file.c_str(), (rig.folder.path() + "/link").c_str()) == 0);
    const auto link = signal_pidfile(rig.folder.path() + "/link", SIGHUP, std::nullopt);
    REQUIRE_FALSE(link.has_value());
    CHECK(link.error().message.find("is a link") != std::string::npos);
}
