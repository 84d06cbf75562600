#include "hooks/logs.hpp"

#include "shared/base/clock.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kRunsKept = 20;

// "2026-11-20T23-41-07": sorts as time does, and is a name on every file system.
std::string time_name() {
    auto text = format_utc(SystemClock().now());
    std::replace(text.begin(), text.end(), ':', '-');
    if (text.ends_with('Z')) text.pop_back();
    return text;
}

void remove_oldest(const std::string& folder) {
    const auto dir = open_dir(folder);
    if (!dir) return;
    const auto names = list_dir(dir->get());
    if (!names) return;
    for (size_t i = 0; i + kRunsKept < names->size(); ++i) (void)remove_tree(dir->get(), (*names)[i]);
}

}  // namespace

Result<RunLogs> RunLogs::begin(const Repository& repo, const std::string& stage) {
    const auto folder = repo.own_dir() + "/logs";
    TRY(make_dirs(folder, 0755));
    const auto base = folder + "/" + time_name() + "-" + stage;
    for (int number = 1; number < 1000; ++number) {
        const auto path = number == 1 ? base : base + "~" + std::to_string(number);
        if (mkdir(path.c_str(), 0755) == 0) {
            remove_oldest(folder);
            return RunLogs(path);
        }
        if (errno != EEXIST) return fail_errno("cannot make the folder " + escape_foreign(path));
    }
    return fail(ErrorKind::Exists, "a thousand runs began in this second: " + escape_foreign(base));
}

// A folder's gate has a / in its name; a name of ours has no %.
std::string RunLogs::path_of(const std::string& gate) const {
    auto name = gate;
    std::replace(name.begin(), name.end(), '/', '%');
    return path_ + "/" + name + ".log";
}

std::string RunLogs::reports_of(const std::string& gate) const {
    auto path = path_of(gate);
    return path.replace(path.size() - 4, 4, ".reports");
}

Result<Fd> RunLogs::open(const std::string& gate) const {
    const auto path = path_of(gate);
    Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file) return fail_errno("cannot write the log " + escape_foreign(path));
    return file;
}

}  // namespace tidegate::hooks
