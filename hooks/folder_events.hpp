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

    // Where watching is not possible (too few watches allowed), everything is unknown from the beginning.
    void begin(const std::string& root, const IndexFile& tree);
    // Takes in what the kernel has reported.
    void read_events();
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const Touched& touched() const { return touched_; }

  private:
    shared::Fd fd_;
    std::unordered_map<int, std::string> folders_;  // by watch; "" is the root
    Touched touched_;
};

}  // namespace tidegate::hooks
