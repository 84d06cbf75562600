#include "reconciler/commands.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <mutex>

namespace tidegate::reconciler {

using namespace shared;

namespace {
constexpr size_t kLongestLine = 16 << 10;  // a line without end is cut into pieces of this length
}

struct DeploymentLog::State {
    std::mutex mutex;
    Fd fd;
    std::string path;
    Masker whole;   // for single texts
    Masker stream;  // for a command's output
    std::string line;
    std::uint64_t room = 0;
    bool full = false;

    // What can't be written is lost: a full disk must not fail a deployment for its log's sake.
    void put(const std::string& text) {
        if (!fd || full) return;
        full = text.size() > room;
        room -= full ? 0 : text.size();
        (void)write_all(fd.get(), full ? "── the rest was left out: the log is full\n" : text, path);
    }

    void put_lines() {
        size_t begin = 0;
        for (size_t end = line.find('\n'); end != std::string::npos; end = line.find('\n', begin)) {
            put(escape_foreign(std::string_view(line).substr(begin, end - begin)) + "\n");
            begin = end + 1;
        }
        line.erase(0, begin);
        if (line.size() > kLongestLine) put(escape_foreign(std::exchange(line, {})) + "\n");
    }
};

DeploymentLog::DeploymentLog(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<DeploymentLog> DeploymentLog::open(const std::string& path, const std::vector<std::string>& secrets,
                                          std::uint64_t limit) {
    auto state = std::make_shared<State>();
    state->fd.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    struct stat info {};
    if (!state->fd || fstat(state->fd.get(), &info) != 0)
        return fail_errno("cannot write the log " + escape_foreign(path));
    const auto size = static_cast<std::uint64_t>(info.st_size);
    state->room = limit - std::min(limit, size);
    state->path = path;
    state->whole = state->stream = Masker(secrets);
    return DeploymentLog(std::move(state));
}

void DeploymentLog::forget_old(const std::string& folder, size_t keep) {
    const auto dir = open_dir(folder);
    const auto names =
        dir ? list_dir(dir->get()) : Result<std::vector<std::string>>(std::vector<std::string>{});
    std::vector<std::pair<std::int64_t, std::string>> logs;
    for (const auto& name : names.value_or(std::vector<std::string>{})) {
        std::int64_t number = 0;
        const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (code == std::errc() && std::string_view(end) == ".log") logs.emplace_back(number, name);
    }
    std::sort(logs.begin(), logs.end());
    for (size_t index = 0; index + keep < logs.size(); ++index)
        unlinkat(dir->get(), logs[index].second.c_str(), 0);
}

DeploymentLog DeploymentLog::none(const std::vector<std::string>& secrets) {
    auto state = std::make_shared<State>();
    state->whole = state->stream = Masker(secrets);
    return DeploymentLog(std::move(state));
}

void DeploymentLog::note(std::string_view line) {
    const std::lock_guard lock(state_->mutex);
    state_->put("── " + escape_foreign(state_->whole.mask(line)) + "\n");
}

void DeploymentLog::output(std::string_view bytes) {
    const std::lock_guard lock(state_->mutex);
    state_->line += state_->stream.feed(bytes);
    state_->put_lines();
}

void DeploymentLog::finish_output() {
    const std::lock_guard lock(state_->mutex);
    state_->line += state_->stream.finish();
    state_->put_lines();
    if (!state_->line.empty()) state_->put(escape_foreign(std::exchange(state_->line, {})) + "\n");
}

const std::string& DeploymentLog::path() const {
    return state_->path;
}

std::string DeploymentLog::mask(std::string_view text) const {
    return state_->whole.mask(text);
}

}  // namespace tidegate::reconciler
