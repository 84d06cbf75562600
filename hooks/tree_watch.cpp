#include "hooks/tree_watch.hpp"

#include <sys/inotify.h>

#include <cerrno>
#include <unordered_set>

namespace tidegate::hooks {

namespace {

constexpr std::uint32_t kEvents = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                                  IN_DONT_FOLLOW;

// The folders that hold the tree's files, all the way up; "" is the root.
std::unordered_set<std::string> folders_of(const IndexFile& tree) {
    std::unordered_set<std::string> folders{""};
    std::string last;
    for (IndexCursor cursor(tree); cursor.next();) {
        auto folder = cursor.entry().path;
        auto slash = folder.rfind('/');
        if (slash == std::string_view::npos) continue;
        folder = folder.substr(0, slash);
        if (folder == last) continue;  // entries are sorted
        last = folder;
        while (folders.emplace(folder).second) {
            slash = folder.rfind('/');
            if (slash == std::string_view::npos) break;
            folder = folder.substr(0, slash);
        }
    }
    return folders;
}

}  // namespace

void TreeWatch::begin(const std::string& root, const IndexFile& tree) {
    fd_.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    blind_ = !fd_;
    if (blind_) return;
    for (const auto& folder : folders_of(tree)) {
        const int watch = inotify_add_watch(fd_.get(), (root + "/" + folder).c_str(), kEvents);
        if (watch < 0) {
            blind_ = true;
            fd_.reset();
            return;
        }
        folders_[watch] = folder;
    }
}

void TreeWatch::read_events() {
    alignas(inotify_event) char buffer[65536];
    while (fd_) {
        const auto got = ::read(fd_.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        for (ssize_t at = 0; at < got;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
            if ((event->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) blind_ = true;
            if (event->len == 0) continue;
            const auto folder = folders_.find(event->wd);
            if (folder == folders_.end() || blind_) continue;
            const std::string name = event->name;
            if (folder->second.empty() && name == ".git") continue;
            touched_.insert(folder->second.empty() ? name : folder->second + "/" + name);
            if (touched_.size() > 20'000) blind_ = true;
        }
    }
}

}  // namespace tidegate::hooks
