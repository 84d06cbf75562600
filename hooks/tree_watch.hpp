// Watches the folders of a checkout that hold tracked files, by inotify(7): which paths were touched is then known
// without looking at every file.
#pragma once

#include "hooks/index_file.hpp"
#include "shared/base/fd.hpp"

#include <set>
#include <unordered_map>

namespace tidegate::hooks {

class TreeWatch {
  public:
    // Where watching is not possible (too few watches allowed), blind() is true from the beginning.
    void begin(const std::string& root, const IndexFile& tree);
    // Takes in what the kernel has reported.
    void read_events();
    [[nodiscard]] int fd() const { return fd_.get(); }
    // Events were lost: any path may have been touched.
    [[nodiscard]] bool blind() const { return blind_; }
    [[nodiscard]] const std::set<std::string>& touched() const { return touched_; }
    void forget() { touched_.clear(); }

  private:
    shared::Fd fd_;
    bool blind_ = false;
    std::unordered_map<int, std::string> folders_;  // by watch; "" is the root
    std::set<std::string> touched_;
};

}  // namespace tidegate::hooks
