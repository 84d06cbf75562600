#include "reconciler/leftover.hpp"

#include "shared/base/fd.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr int kStartField = 20;  // counted from the state, the first after the name: field 22 of proc(5)
constexpr int kPatienceMs = 10'000;

}  // namespace

std::optional<std::uint64_t> start_ticks(pid_t pid) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
    if (!text) return std::nullopt;
    const auto name_end = text->rfind(')');  // a process may call itself ") R 1"
    if (name_end == std::string::npos || name_end + 2 > text->size()) return std::nullopt;
    const auto fields = split(std::string_view(*text).substr(name_end + 2), ' ');
    if (fields.size() < kStartField) return std::nullopt;
    const auto field = fields[kStartField - 1];
    std::uint64_t ticks = 0;
    if (std::from_chars(field.data(), field.data() + field.size(), ticks).ec != std::errc())
        return std::nullopt;
    return ticks;
}

void end_leftovers(Journal& journal, const Log& log) {
    const auto children = journal.children();
    if (!children) {
        log.warning("the children of the last run are not known", children.error());
        return;
    }
    for (const auto& child : *children) {
        const Fd process(static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0)));
        // Asked after the pidfd is held: from here on the pid cannot become another process.
        if (!process || start_ticks(child.pid) != child.start_ticks) continue;
        log.warning("ending a child that the last run left", {{"pid", std::to_string(child.pid)}});
        ::kill(-child.pid, SIGKILL);
        pollfd gone{process.get(), POLLIN, 0};
        (void)poll(&gone, 1, kPatienceMs);
    }
    if (!children->empty())
        if (auto ok = journal.forget_children(); !ok)
            log.warning("the journal cannot be written", ok.error());
}

}  // namespace tidegate::reconciler
