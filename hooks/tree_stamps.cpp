#include "hooks/tree_stamps.hpp"

#include "hooks/blob_id.hpp"
#include "hooks/checkout_files.hpp"
#include "shared/base/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <tuple>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLargest = 4 << 20;  // what is compared by content here; git does it with larger files

std::pair<std::string_view, std::string_view> parts_of(std::string_view path) {
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos) return {{}, path};
    return {path.substr(0, slash), path.substr(slash + 1)};
}

// Walks the files of a tree, each folder opened once. No link is followed.
class FileWalk {
  public:
    FileWalk(const std::string& root, const IndexFile& tree) : cursor_(tree) {
        if (auto opened = open_dir(root)) root_ = std::move(*opened);
    }
    // To the next one, without looking at it.
    bool step() {
        while (cursor_.next())
            if (cursor_.entry().mode != FileMode::Submodule) return true;
        return false;
    }
    void look() {
        const auto [folder, name] = parts_of(cursor_.entry().path);
        enter(folder);
        name_ = name;
        found_ = folder_ >= 0 && fstatat(folder_, name_.c_str(), &info_, AT_SYMLINK_NOFOLLOW) == 0;
        if (!found_) info_ = {};
    }
    bool next() {
        if (!step()) return false;
        look();
        return true;
    }
    [[nodiscard]] const IndexEntry& entry() const { return cursor_.entry(); }
    [[nodiscard]] const struct stat& info() const { return info_; }

    // As it was checked out, as far as can be told without reading it.
    [[nodiscard]] bool as_recorded() const {
        const bool type = entry().mode == FileMode::Link
                              ? !S_ISDIR(info_.st_mode)  // a plain file, where core.symlinks is false
                              : S_ISREG(info_.st_mode) &&
                                    ((info_.st_mode & 0100U) != 0) == (entry().mode == FileMode::Executable);
        return found_ && type && IndexStat(info_, entry().mode).bytes() == entry().stat;
    }
    [[nodiscard]] bool holds_its_blob(bool sha256) const {
        std::string content;
        if (S_ISLNK(info_.st_mode)) {
            auto target = read_link(folder_, name_);
            if (!target) return false;
            content = std::move(*target);
        } else {
            const Fd file(openat(folder_, name_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
            auto bytes = file ? read_fd(file.get(), kLargest, name_) : fail(ErrorKind::NotFound, name_);
            if (!bytes) return false;
            content = std::move(*bytes);
        }
        return blob_id(content, sha256) == entry().as_tree_entry().oid;
    }

  private:
    void enter(std::string_view path) {
        if (entered_ && path == path_) return;
        entered_ = true;
        path_ = path;
        inner_.reset();
        folder_ = root_.get();
        if (path.empty() || !root_) return;
        if (auto opened = open_beneath(root_.get(), path_, O_PATH | O_DIRECTORY)) inner_ = std::move(*opened);
        folder_ = inner_.get();
    }

    IndexCursor cursor_;
    Fd root_;
    Fd inner_;
    bool entered_ = false;
    std::string path_;
    int folder_ = -1;
    std::string name_;
    struct stat info_ {};
    bool found_ = false;
};

}  // namespace

std::set<std::string> folders_of(const IndexFile& tree) {
    std::set<std::string> folders{""};
    std::string last;
    for (IndexCursor cursor(tree); cursor.next();) {
        auto folder = parts_of(cursor.entry().path).first;
        if (folder == last) continue;  // entries are sorted
        last = folder;
        while (!folder.empty() && folders.emplace(folder).second) folder = parts_of(folder).first;
    }
    return folders;
}

TreeStamps::Stamp TreeStamps::stamp_of(const struct stat& info) {
    return {static_cast<std::int64_t>(info.st_dev),
            static_cast<std::int64_t>(info.st_ino),
            static_cast<std::int64_t>(info.st_mode),
            info.st_size,
            info.st_mtim.tv_sec,
            info.st_mtim.tv_nsec,
            info.st_ctim.tv_sec,
            info.st_ctim.tv_nsec};
}

bool TreeStamps::is_new(const struct stat& info) const {
    return std::tie(info.st_ctim.tv_sec, info.st_ctim.tv_nsec) >= std::tie(now_.tv_sec, now_.tv_nsec);
}

void TreeStamps::begin(std::string root, IndexFile tree, timespec now) {
    root_ = std::move(root);
    tree_ = std::move(tree);
    now_ = now;
    as_recorded_ = true;
    files_.clear();
    folders_.clear();
    for (const auto& path : folders_of(*tree_)) {
        struct stat info {};
        (void)lstat((root_ + "/" + path).c_str(), &info);
        auto& folder = folders_[path];
        folder.stamp = stamp_of(info);
        if (is_new(info)) folder.others = not_of_tree(path);
    }
}

void TreeStamps::take(std::string root, IndexFile tree, timespec now) {
    begin(std::move(root), std::move(tree), now);
    files_.reserve(tree_->size());
    for (FileWalk walk(root_, *tree_); walk.next();) {
        files_.push_back(stamp_of(walk.info()));
        as_recorded_ = as_recorded_ && walk.as_recorded();
    }
}

EarlyLook look_early(const std::string& root, std::shared_ptr<const IndexFile> index) {
    EarlyLook look{std::move(index)};
    for (FileWalk walk(root, *look.index); walk.next();)
        if (!walk.as_recorded()) look.otherwise.emplace(walk.entry().path);
    return look;
}

bool TreeStamps::take_after(const EarlyLook& before, std::string root, IndexFile tree, timespec now) {
    begin(std::move(root), std::move(tree), now);
    IndexCursor old(*before.index);
    bool more = old.next();
    for (FileWalk walk(root_, *tree_); walk.step();) {
        const auto& entry = walk.entry();
        while (more && old.entry().path < entry.path) more = old.next();
        const bool same = more && old.entry().path == entry.path && old.entry().oid == entry.oid &&
                          old.entry().stat == entry.stat;
        if (!same) walk.look();
        if (same ? before.otherwise.contains(std::string(entry.path)) : !walk.as_recorded()) return false;
    }
    return true;
}

std::set<std::string> TreeStamps::not_of_tree(const std::string& folder) const {
    std::set<std::string> names;
    const auto opened = open_dir(root_ + "/" + folder);
    if (!opened) return names;
    for (auto& name : list_dir(opened->get()).value_or(std::vector<std::string>()))
        names.insert(std::move(name));
    const auto inside = folder.empty() ? "" : folder + "/";
    for (IndexCursor cursor(*tree_); cursor.next();) {
        auto path = cursor.entry().path;
        if (!path.starts_with(inside)) continue;
        path.remove_prefix(inside.size());
        names.erase(std::string(path.substr(0, path.find('/'))));
    }
    if (folder.empty()) names.erase(".git");
    return names;
}

void TreeStamps::look_at_folders(Touched& touched) const {
    for (const auto& [path, before] : folders_) {
        struct stat info {};
        (void)lstat((root_ + "/" + path).c_str(), &info);
        const auto stamp = stamp_of(info);
        // Another folder, or a link to one: what is in it says nothing about the tree.
        for (const auto what : {0U, 1U, 2U})
            touched.unknown = touched.unknown || stamp[what] != before.stamp[what];
        if (touched.unknown) return;
        if (stamp == before.stamp && !is_new(info)) continue;
        for (const auto& name : not_of_tree(path))
            if (!before.others.contains(name)) touched.paths.insert(path.empty() ? name : path + "/" + name);
    }
}

Touched TreeStamps::touched(bool sha256) const {
    Touched touched;
    look_at_folders(touched);
    size_t number = 0;
    for (FileWalk walk(root_, *tree_); !touched.unknown && walk.next(); ++number) {
        const bool same = files_.empty() ? walk.as_recorded() : stamp_of(walk.info()) == files_[number];
        if (same && (!is_new(walk.info()) || walk.holds_its_blob(sha256))) continue;
        touched.paths.emplace(walk.entry().path);
    }
    return touched;
}

}  // namespace tidegate::hooks
