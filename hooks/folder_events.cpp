#include "hooks/folder_events.hpp"

#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace tidegate::hooks {

namespace {

constexpr std::uint32_t kEvents = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                                  IN_DONT_FOLLOW;
constexpr size_t kMostPaths = 20'000;

// The kernel makes whoever closes the last descriptor of an inotify instance wait, 8 ms and more. A child closes it
// after us, and holds nothing else: whoever waits for our end, or for that of a pipe of ours, does not wait for it.
void close_later(shared::Fd fd) {
    if (fork() != 0) return;
    const auto kept = static_cast<unsigned>(fd.get());
    (void)syscall(SYS_close_range, 0U, kept - 1, 0U);
    (void)syscall(SYS_close_range, kept + 1, ~0U, 0U);
    _exit(0);
}

}  // namespace

FolderEvents::~FolderEvents() {
    if (fd_) close_later(std::move(fd_));
}

void FolderEvents::begin(const std::string& root, const IndexFile& tree) {
    fd_.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    root_ = root;
    wanted_ = folders_of(tree);
    tree.put_aside(tree.bytes().size());
    for (const auto& folder : wanted_) watch(folder);
}

void FolderEvents::watch(const std::string& folder) {
    if (!fd_) return;
    const int number = inotify_add_watch(fd_.get(), (root_ + "/" + folder).c_str(), kEvents);
    if (number >= 0) folders_[number] = folder;
}

void FolderEvents::settle() {
    read_events();
    // Where reports were lost, a folder may be another one than that which is watched.
    if (touched_.unknown) folders_.clear();
    touched_ = {};
    std::set<std::string> watched;
    for (const auto& [number, folder] : folders_) watched.insert(folder);
    for (const auto& folder : wanted_)
        if (!watched.contains(folder)) watch(folder);
    touched_.unknown = folders_.size() != wanted_.size();
    if (touched_.unknown) fd_.reset();
}

void FolderEvents::read_events() {
    alignas(inotify_event) char buffer[65536];
    while (fd_) {
        const auto got = ::read(fd_.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        for (ssize_t at = 0; at < got;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
            if ((event->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) touched_.unknown = true;
            if ((event->mask & IN_IGNORED) != 0) folders_.erase(event->wd);
            if (event->len == 0) continue;
            const auto folder = folders_.find(event->wd);
            if (folder == folders_.end() || touched_.unknown) continue;
            const std::string name = event->name;
            if (folder->second.empty() && name == ".git") continue;
            touched_.paths.insert(folder->second.empty() ? name : folder->second + "/" + name);
            if (touched_.paths.size() > kMostPaths) touched_.unknown = true;
        }
    }
}

}  // namespace tidegate::hooks
