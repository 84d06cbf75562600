// Watches the folders of a checkout that hold tracked files, by inotify(7): which paths were touched is then known
// without looking at every file.
#pragma once

#include "hooks/tree_stamps.hpp"
#include "shared/base/fd.hpp"

#include <unordered_map>

namespace tidegate::hooks {

class FolderEvents {
  public:
    FolderEvents() = default;
    FolderEvents(FolderEvents&&) = default;
    FolderEvents& operator=(FolderEvents&&) = delete;
    ~FolderEvents();

    // Watches what folders there are of those that hold the tree's files. Takes its time with tens of thousands of
    // files, for the kernel marks each: a thread may do it while the tree is still being moved.
    void begin(const std::string& root, const IndexFile& tree);
    // The tree is in place now: what was reported so far was our own doing, and folders that are new are watched, too.
    // Where watching is not possible (too few watches allowed), everything is unknown from here on.
    void settle();
    // Takes in what the kernel has reported.
    void read_events();
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const Touched& touched() const { return touched_; }

  private:
    void watch(const std::string& folder);

    shared::Fd fd_;
    std::string root_;
    std::set<std::string> wanted_;
    std::unordered_map<int, std::string> folders_;  // by watch; "" is the root
    Touched touched_;
};

}  // namespace tidegate::hooks
