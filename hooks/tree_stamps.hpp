// What the files of a checkout and the folders they lie in look like, by lstat(2). What was touched is known by looking
// again: the kernel sets a file's ctime at every change, and nobody can set it back. For trees of so few files that
// looking at each costs less than being told.
#pragma once

#include "hooks/index_file.hpp"

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>

namespace tidegate::hooks {

// Paths that may have been changed, deleted or added.
struct Touched {
    bool unknown = false;  // any may have been
    std::set<std::string> paths;

    [[nodiscard]] bool empty() const { return !unknown && paths.empty(); }
};

// How a checkout's files looked at some time, beside the index they were checked out by.
struct EarlyLook {
    std::shared_ptr<const IndexFile> index;
    std::set<std::string> otherwise{};  // paths of files that are not as it records them
};
[[nodiscard]] EarlyLook look_early(const std::string& root, std::shared_ptr<const IndexFile> index);

class TreeStamps {
  public:
    // Looks at everything now. `tree` is the checkout's own index. What is changed later is changed at `now` or after,
    // by the file system's clock.
    void take(std::string root, IndexFile tree, timespec now);
    // The same without looking again at files that were looked at before, and that the index has as it had them then.
    // False where a file is not as recorded: take() is to look at everything then.
    [[nodiscard]] bool take_after(const EarlyLook& before, std::string root, IndexFile tree, timespec now);
    // Every file was as the index recorded it when it was checked out.
    [[nodiscard]] bool as_recorded() const { return as_recorded_; }
    // Looks again. Files that are so new that a change might not show in their ctime are compared by content.
    [[nodiscard]] Touched touched(bool sha256) const;

  private:
    using Stamp = std::array<std::int64_t, 8>;
    struct Folder {
        Stamp stamp{};
        std::set<std::string>
            others;  // what it held beside the tree's, where its ctime may not show a change
    };
    [[nodiscard]] static Stamp stamp_of(const struct stat& info);
    [[nodiscard]] bool is_new(const struct stat& info) const;
    [[nodiscard]] std::set<std::string> not_of_tree(const std::string& folder) const;
    void begin(std::string root, IndexFile tree, timespec now);
    void look_at_folders(Touched& touched) const;

    std::string root_;
    std::optional<IndexFile> tree_;
    timespec now_{};
    bool as_recorded_ = true;
    std::vector<Stamp> files_;  // as the cursor walks; none where the index itself is the record
    std::map<std::string, Folder> folders_;
};

// The folders that hold the tree's files, all the way up; "" is the root.
[[nodiscard]] std::set<std::string> folders_of(const IndexFile& tree);

}  // namespace tidegate::hooks
