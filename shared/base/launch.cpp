#include "shared/base/launch.hpp"

#include "shared/base/text.hpp"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>

namespace tidegate::shared {

namespace {

struct Pipe {
    Fd read;
    Fd write;
};

Result<Pipe> make_pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe");
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

void set_nonblocking(const Fd& fd) {
    fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

// Everything the child needs, laid out before the fork: between fork and exec only system calls are allowed.
struct Plan {
    std::string program;
    std::vector<char*> argv;
    std::vector<std::string> env_strings;
    std::vector<char*> envp;
    std::vector<gid_t> groups;
    const Command* command = nullptr;
    int in = -1;
    int out = -1;
    int err = -1;
    int report = -1;
    pid_t parent = -1;
};

enum class Step : int { Group, Streams, Limits, Identity, Directory, Exec };

struct Report {
    Step step;
    int code;
};

[[noreturn]] void report_and_exit(int fd, Step step) {
    const Report report{step, errno};
    (void)!::write(fd, &report, sizeof report);
    _exit(127);
}

[[noreturn]] void become_child(const Plan& plan) {
    const auto& command = *plan.command;
    if (setpgid(0, 0) != 0) report_and_exit(plan.report, Step::Group);
    // Children end with us: a killed daemon must not leave a migration running on its own.
    if (!command.stays_behind) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != plan.parent) _exit(127);  // we were killed between fork and prctl
    for (int number = 1; number < 65; ++number) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (dup2(plan.in, 0) < 0 || dup2(plan.out, 1) < 0 || dup2(plan.err, 2) < 0)
        report_and_exit(plan.report, Step::Streams);
    if (syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) != 0)
        for (int fd = 3; fd < 4096; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
    for (const auto& limit : command.limits) {
        const struct rlimit value { limit.value, limit.value };
        if (setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &value) != 0)
            report_and_exit(plan.report, Step::Limits);
    }
    if (command.run_as) {
        if (setgroups(plan.groups.size(), plan.groups.data()) != 0 ||
            setresgid(command.run_as->gid, command.run_as->gid, command.run_as->gid) != 0 ||
            setresuid(command.run_as->uid, command.run_as->uid, command.run_as->uid) != 0)
            report_and_exit(plan.report, Step::Identity);
        if (!command.stays_behind) prctl(PR_SET_PDEATHSIG, SIGKILL);  // cleared by the change of identity
    }
    if (!command.directory.empty() && chdir(command.directory.c_str()) != 0)
        report_and_exit(plan.report, Step::Directory);
    execve(plan.program.c_str(), plan.argv.data(), plan.envp.data());
    report_and_exit(plan.report, Step::Exec);
}

Result<std::string> resolve_program(const Command& command) {
    const auto& name = command.argv.front();
    if (name.find('/') != std::string::npos) return name;
    const auto path = command.env.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
    for (const auto folder : split(path, ':')) {
        if (folder.empty() || folder.front() != '/') continue;
        auto candidate = std::string(folder) + "/" + name;
        if (access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return fail(ErrorKind::NotFound, "program not found: " + escape_foreign(name),
                "install it, or add its folder to PATH");
}

Result<std::vector<gid_t>> groups_of(const RunAs& who) {
    int count = 64;
    std::vector<gid_t> groups(static_cast<size_t>(count));
    if (getgrouplist(who.user.c_str(), who.gid, groups.data(), &count) < 0) {
        groups.resize(static_cast<size_t>(count));
        if (getgrouplist(who.user.c_str(), who.gid, groups.data(), &count) < 0)
            return fail(ErrorKind::Io, "cannot read the groups of user " + escape_foreign(who.user));
    }
    groups.resize(static_cast<size_t>(count));
    return groups;
}

std::string_view doing(Step step) {
    switch (step) {
        case Step::Group: return "cannot start a process group for ";
        case Step::Streams: return "cannot connect the streams of ";
        case Step::Limits: return "cannot set the limits of ";
        case Step::Identity: return "cannot change the user for ";
        case Step::Directory: return "cannot enter the working directory of ";
        case Step::Exec: return "cannot execute ";
    }
    return "cannot start ";
}

}  // namespace

Result<Launched> launch(const Command& command) {
    if (command.argv.empty()) return fail(ErrorKind::Usage, "no command to run");
    Plan plan;
    plan.command = &command;
    plan.program = TRY(resolve_program(command));
    for (const auto& argument : command.argv) plan.argv.push_back(const_cast<char*>(argument.c_str()));
    plan.argv.push_back(nullptr);
    for (const auto& [name, value] : command.env.values()) plan.env_strings.push_back(name + "=" + value);
    for (auto& text : plan.env_strings) plan.envp.push_back(text.data());
    plan.envp.push_back(nullptr);
    if (command.run_as) plan.groups = TRY(groups_of(*command.run_as));

    Pipe report = TRY(make_pipe());
    Pipe out = TRY(make_pipe());
    Pipe err;
    if (!command.merge_streams) err = TRY(make_pipe());
    Pipe in;
    Fd nothing;
    if (command.input_fd) {
        plan.in = *command.input_fd;
    } else if (command.input.empty()) {
        nothing.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
        plan.in = nothing.get();
    } else {
        in = TRY(make_pipe());
        plan.in = in.read.get();
    }
    plan.out = out.write.get();
    plan.err = command.merge_streams ? out.write.get() : err.write.get();
    plan.report = report.write.get();
    plan.parent = getpid();

    // The child of a vfork has our memory until it executes: nothing is copied. To change its identity glibc would
    // signal what it takes for its other threads, which are ours.
    const pid_t pid = command.run_as ? fork() : vfork();
    if (pid < 0) return fail_errno("cannot start " + escape_foreign(plan.program));
    if (pid == 0) become_child(plan);
    setpgid(pid, pid);  // both sides do it: whoever comes first
    Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));

    report.write.reset();
    Report failure{};
    ssize_t got = 0;
    do {
        got = ::read(report.read.get(), &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    if (got == static_cast<ssize_t>(sizeof failure)) {
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        return fail(errno_error(
            std::string(doing(failure.step)) +
                escape_foreign(failure.step == Step::Directory ? command.directory : plan.program),
            failure.code));
    }

    Launched launched{pid, std::move(pidfd), std::move(in.write), std::move(out.read), std::move(err.read)};
    set_nonblocking(launched.out);
    if (launched.err) set_nonblocking(launched.err);
    if (launched.in) set_nonblocking(launched.in);
    return launched;
}

}  // namespace tidegate::shared
