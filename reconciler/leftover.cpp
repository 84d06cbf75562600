#include "reconciler/leftover.hpp"

#include "shared/base/fd.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <vector>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr int kPatienceMs = 10'000;
constexpr int kRounds = 100;  // a member may fork while we look

// What /proc/PID/stat tells of a process.
struct Stat {
    bool ended = false;  // a zombie
    pid_t group = 0;
    std::uint64_t start_ticks = 0;
};

template <typename Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
    return value;
}

std::optional<Stat> stat_of(pid_t pid) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
    if (!text) return std::nullopt;
    const auto name_end = text->rfind(')');  // a process may call itself ") R 1"
    if (name_end == std::string::npos || name_end + 2 > text->size()) return std::nullopt;
    // From field 3 of proc(5) on: state, parent, group … and the start as field 22.
    const auto fields = split(std::string_view(*text).substr(name_end + 2), ' ');
    if (fields.size() < 20) return std::nullopt;
    const auto group = number<pid_t>(fields[2]);
    const auto ticks = number<std::uint64_t>(fields[19]);
    if (!group || !ticks) return std::nullopt;
    return Stat{fields[0] == "Z" || fields[0] == "X", *group, *ticks};
}

std::string boot_id() {
    return std::string(trim(read_file("/proc/sys/kernel/random/boot_id", 64).value_or("")));
}

std::vector<pid_t> processes() {
    std::vector<pid_t> found;
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), closedir);
    if (!folder) return found;
    while (const auto* entry = readdir(folder.get()))
        if (const auto pid = number<pid_t>(entry->d_name)) found.push_back(*pid);
    return found;
}

// Kills the members of the child's group that are alive, and waits for each. Returns how many there were.
int end_members(const ChildRow& child) {
    int ended = 0;
    for (const pid_t pid : processes()) {
        const auto is_member = [&] {
            const auto stat = stat_of(pid);
            return stat && !stat->ended && stat->group == child.pid && stat->start_ticks >= child.start_ticks;
        };
        if (!is_member()) continue;
        const Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
        // Asked again now that the pidfd is held: from here on the pid cannot become another process.
        if (!process || !is_member()) continue;
        syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
        pollfd gone{process.get(), POLLIN, 0};
        (void)poll(&gone, 1, kPatienceMs);
        ++ended;
    }
    return ended;
}

}  // namespace

std::optional<ChildRow> child_row(pid_t pid) {
    const auto stat = stat_of(pid);
    if (!stat) return std::nullopt;
    return ChildRow{pid, stat->start_ticks, boot_id()};
}

int end_group(const ChildRow& child) {
    if (child.boot != boot_id()) return 0;
    // The group's number stays taken while a member lives. A leader that started at another time means that the group
    // ended and its number was given again.
    const auto leader = stat_of(child.pid);
    if (leader && leader->start_ticks != child.start_ticks) return 0;
    int ended = 0;
    for (int round = 0; round < kRounds; ++round) {
        const int now = end_members(child);
        if (now == 0) break;
        ended += now;
    }
    return ended;
}

void end_leftovers(Journal& journal, const Log& log) {
    const auto children = journal.children();
    if (!children) {
        log.warning("the children of the last run are not known", children.error());
        return;
    }
    for (const auto& child : *children)
        if (const int ended = end_group(child); ended > 0)
            log.warning("ended what the last run left running",
                        {{"group", std::to_string(child.pid)}, {"processes", std::to_string(ended)}});
    if (!children->empty())
        if (auto ok = journal.forget_children(); !ok)
            log.warning("the journal cannot be written", ok.error());
}

}  // namespace tidegate::reconciler
