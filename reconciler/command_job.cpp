#include "reconciler/command_job.hpp"

#include "reconciler/command_frame.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr const char* kProgram = "tidegate-command";
constexpr Duration kWatchSooner{500};  // than the daemon's own patience

Result<Fd> in_memory(std::string_view bytes) {
    Fd fd(memfd_create(kProgram, MFD_CLOEXEC));
    if (!fd) return fail_errno("cannot make a file in memory");
    TRY(write_all(fd.get(), bytes, "a file in memory"));
    if (lseek(fd.get(), 0, SEEK_SET) != 0) return fail_errno("a file in memory");
    return fd;
}

std::string frame_of(const CommandJob& job, bool watch) {
    std::string frame;
    const auto put = [&](char kind, std::string_view text) {
        frame += kind;
        frame.append(text.substr(0, text.find('\0')));
        frame += '\0';
    };
    for (const auto& word : job.argv) put(kArgument, word);
    for (const auto& [name, value] : job.env.values()) put(kVariable, name + "=" + value);
    put(kFolder, job.directory);
    const auto& box = *job.sandbox;
    if (box.allow.count("new-privileges") == 0) put(kNoPrivileges, "");
    const auto limit = [&](int resource, std::uint64_t most) {
        put(kLimit, std::to_string(resource) + "=" + std::to_string(most));
    };
    limit(RLIMIT_CORE, 0);  // a core holds the secrets
    if (box.limits.open_files != 0) limit(RLIMIT_NOFILE, box.limits.open_files);
    if (job.builds && box.file != 0) limit(RLIMIT_FSIZE, box.file);
    // What a unit's group bounds as a whole is bounded here for each process, or for all of the user's.
    if (box.kind == SandboxKind::Process && box.limits.memory != 0) limit(RLIMIT_DATA, box.limits.memory);
    if (box.kind == SandboxKind::Process && box.limits.tasks != 0) limit(RLIMIT_NPROC, box.limits.tasks);
    const auto patience = job.grace > kWatchSooner * 2 ? job.grace - kWatchSooner : job.grace;
    if (watch) put(kWatch, std::to_string(patience.count()));
    return frame;
}

Result<void> send(int socket, int frame, int input) {
    const int fds[2] = {frame, input};
    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof fds)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(head), fds, sizeof fds);
    if (sendmsg(socket, &message, MSG_NOSIGNAL) != 1) return fail_errno("cannot hand the command over");
    return {};
}

Error error_of(const CommandFault& fault, const CommandJob& job) {
    const auto name = escape_foreign(job.argv.front());
    switch (fault.step) {
        case CommandStep::Program:
            return {ErrorKind::NotFound, "program not found: " + name, "install it on this host", {}, {}};
        case CommandStep::Folder:
            return errno_error("cannot enter the working directory of " + name + ": " + job.directory,
                               fault.code);
        case CommandStep::Limits: return errno_error("cannot set the limits of " + name, fault.code);
        case CommandStep::Start: return errno_error("cannot execute " + name, fault.code);
        case CommandStep::Frame: break;
    }
    return errno_error("cannot hand the command over to " + std::string(kProgram), fault.code);
}

}  // namespace

Result<std::string> command_program() {
    std::error_code code;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
    const auto folder = self.parent_path();
    for (const auto& candidate :
         {folder / kProgram, folder.parent_path() / "libexec" / "tidegate" / kProgram})
        if (access(candidate.c_str(), X_OK) == 0) return candidate.string();
    return fail(ErrorKind::NotFound,
                std::string(kProgram) + " is neither beside " + self.string() + " nor in ../libexec/tidegate",
                "install Tidegate again, whole");
}

Result<Handover> Handover::make(const CommandJob& job, bool watch) {
    Handover handover;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail_errno("cannot make a socket");
    handover.near_.reset(ends[0]);
    handover.far_.reset(ends[1]);
    const auto frame = TRY(in_memory(frame_of(job, watch)));
    const Fd input =
        job.input.empty() ? Fd(open("/dev/null", O_RDONLY | O_CLOEXEC)) : TRY(in_memory(job.input));
    if (!input) return fail_errno("/dev/null");
    TRY(send(handover.near_.get(), frame.get(), input.get()));
    return handover;
}

Result<bool> Handover::begun(const CommandJob& job) const {
    char answer[1 + sizeof(CommandFault)];
    size_t size = 0;
    while (size < sizeof answer) {
        const auto got = recv(near_.get(), answer + size, sizeof answer - size, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        size += static_cast<size_t>(got);
    }
    if (size == 0) return false;
    if (size < sizeof answer) return true;
    CommandFault fault{};
    memcpy(&fault, answer + 1, sizeof fault);
    return fail(error_of(fault, job));
}

Result<CommandEnd> run_as_process(const CommandJob& job) {
    const bool watch = !job.stays_behind;
    auto handover = TRY(Handover::make(job, watch));
    Command command;
    command.argv = {TRY(command_program())};
    command.input_fd = handover.far_end();
    command.timeout = job.timeout;
    command.grace = job.grace;
    command.run_as = job.user;
    command.cancel_fd = job.cancel_fd;
    command.stays_behind = job.stays_behind;
    command.merge_streams = true;
    command.output_limit = 0;
    command.limits = {{RLIMIT_CORE, 0}};
    command.on_start = [&](pid_t pid) {
        handover.began();
        if (job.on_start) job.on_start(pid);
    };
    command.on_output = [&](Stream, std::string_view bytes) { job.on_output(bytes); };
    CommandEnd end;
    end.exit = TRY(run(command));
    const bool begun = TRY(handover.begun(job));
    if (!begun && !end.exit.timed_out && !end.exit.cancelled)
        return fail(ErrorKind::Transient, std::string(kProgram) + " did not begin: " + end.exit.describe());
    return end;
}

}  // namespace tidegate::reconciler
