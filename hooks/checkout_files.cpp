#include "hooks/checkout_files.hpp"

#include "hooks/tree.hpp"
#include "hooks/work_tree_blob.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <endian.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLargest = 4 << 20;  // a file; git streams larger ones
constexpr int kFolder = O_PATH | O_DIRECTORY;

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string name_of_path(const std::string& path) {
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

// Folders beneath a root; sorted paths ask for the same one again and again. No link is followed.
class Folders {
  public:
    explicit Folders(int root) : root_(root) {}
    // The descriptor stays ours. nullopt: not there, or no folder.
    std::optional<int> open(const std::string& path) {
        if (path.empty()) return root_;
        if (path == path_) return folder_.get();
        auto folder = open_beneath(root_, path, kFolder);
        if (!folder) return std::nullopt;
        folder_ = std::move(*folder);
        path_ = path;
        return folder_.get();
    }
    std::optional<int> make(const std::string& path) {
        if (auto there = open(path)) return there;
        const auto above = make(parent_of(path));
        if (!above || mkdirat(*above, name_of_path(path).c_str(), 0777) != 0) return std::nullopt;
        return open(path);
    }
    // The folder and those above it, as far as they are empty.
    void drop_empty(std::string path) {
        for (; !path.empty(); path = parent_of(path)) {
            const auto above = open(parent_of(path));
            if (!above || unlinkat(*above, name_of_path(path).c_str(), AT_REMOVEDIR) != 0) return;
        }
    }

  private:
    int root_;
    std::string path_;
    Fd folder_;
};

FileMode mode_of(const struct stat& info) {
    if (S_ISLNK(info.st_mode)) return FileMode::Link;
    if (!S_ISREG(info.st_mode)) return FileMode::Submodule;
    return (info.st_mode & 0100U) != 0 ? FileMode::Executable : FileMode::File;
}

bool is_as(const struct stat& info, std::string_view stat) {
    return IndexStat(info, mode_of(info)).bytes() == stat;
}

// nullopt: something is in the way.
std::optional<std::string> write_one(int folder, const std::string& name, FileMode mode,
                                     const std::string& content) {
    struct stat info {};
    if (mode == FileMode::Link) {
        if (content.find('\0') != std::string::npos ||
            symlinkat(content.c_str(), folder, name.c_str()) != 0 ||
            fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
            return std::nullopt;
        return std::string(IndexStat(info, mode).bytes());
    }
    const Fd file(openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                         mode == FileMode::Executable ? 0777 : 0666));
    if (!file || !write_all(file.get(), content, name) || fstat(file.get(), &info) != 0) return std::nullopt;
    return std::string(IndexStat(info, mode).bytes());
}

// Over the file that is there: no inode is given up and none made, and its folder stays as it is. One that has another
// name too, or cannot be written, is replaced. nullopt: it is not what the index says.
std::optional<std::string> write_over_one(int folder, const std::string& name, FileMode mode,
                                          std::string_view old, const std::string& content) {
    struct stat info {};
    {
        const Fd file(openat(folder, name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (file && fstat(file.get(), &info) == 0 && info.st_nlink == 1) {
            if (!is_as(info, old) || !write_all(file.get(), content, name)) return std::nullopt;
            const auto size = static_cast<off_t>(content.size());
            if (info.st_size > size && ftruncate(file.get(), size) != 0) return std::nullopt;
            if (fstat(file.get(), &info) != 0) return std::nullopt;
            return std::string(IndexStat(info, mode).bytes());
        }
    }
    if (fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !is_as(info, old) ||
        unlinkat(folder, name.c_str(), 0) != 0)
        return std::nullopt;
    return write_one(folder, name, mode, content);
}

class Writer {
  public:
    Writer(int root, const Repository& repo) : folders_(root), repo_(repo) {}

    Result<bool> write(std::vector<NewFile>& files) {
        for (auto& file : files) {
            const auto content = blob_in_work_tree(repo_, file.entry, kLargest);
            if (content && !put(file, *content)) return false;
            if (!content) missing_.push_back(&file);
        }
        return write_missing();
    }

  private:
    bool put(NewFile& file, const std::string& content) {
        const auto folder = folders_.make(parent_of(file.entry.path));
        if (!folder) return false;
        const auto name = name_of_path(file.entry.path);
        auto stat = file.old.empty() ? write_one(*folder, name, file.entry.mode, content)
                                     : write_over_one(*folder, name, file.entry.mode, file.old, content);
        if (!stat) return false;
        file.stat = std::move(*stat);
        return true;
    }

    Result<bool> write_missing() {
        std::vector<Oid> oids;
        for (const auto* file : missing_) oids.push_back(file->entry.oid);
        bool good = true;
        TRY(read_blobs(repo_, oids, kLargest,
                       [&](size_t index, std::uint64_t size, const std::string& content) {
                           good = good && size == content.size() && put(*missing_[index], content);
                       }));
        return good;
    }

    Folders folders_;
    const Repository& repo_;
    std::vector<NewFile*> missing_;
};

}  // namespace

IndexStat::IndexStat(const struct stat& info, FileMode mode) {
    const std::array<std::uint64_t, 10> words{static_cast<std::uint64_t>(info.st_ctim.tv_sec),
                                              static_cast<std::uint64_t>(info.st_ctim.tv_nsec),
                                              static_cast<std::uint64_t>(info.st_mtim.tv_sec),
                                              static_cast<std::uint64_t>(info.st_mtim.tv_nsec),
                                              info.st_dev,
                                              info.st_ino,
                                              static_cast<std::uint32_t>(mode),
                                              info.st_uid,
                                              info.st_gid,
                                              static_cast<std::uint64_t>(info.st_size)};
    for (size_t i = 0; i < words.size(); ++i) {
        const auto word = htobe32(static_cast<std::uint32_t>(words[i]));
        std::memcpy(bytes_.data() + 4 * i, &word, sizeof word);
    }
}

Result<bool> remove_files(int root, const std::vector<OldFile>& files) {
    Folders folders(root);
    for (const auto& file : files) {
        const auto folder = folders.open(parent_of(file.path));
        const auto name = name_of_path(file.path);
        struct stat info {};
        if (!folder || fstatat(*folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
        if (!is_as(info, file.stat)) return false;
        if (unlinkat(*folder, name.c_str(), 0) != 0)
            return fail_errno("cannot remove " + escape_foreign(file.path));
    }
    for (const auto& file : files) folders.drop_empty(parent_of(file.path));
    return true;
}

Result<bool> write_files(int root, const Repository& repo, std::vector<NewFile>& files) {
    return Writer(root, repo).write(files);
}

}  // namespace tidegate::hooks
