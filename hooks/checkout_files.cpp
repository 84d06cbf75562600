#include "hooks/checkout_files.hpp"

#include "hooks/tree.hpp"
#include "hooks/work_tree_blob.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>

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

void add_number(std::string& bytes, std::uint64_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255U);
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
        return index_stat(info, mode);
    }
    const Fd file(openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                         mode == FileMode::Executable ? 0777 : 0666));
    if (!file || !write_all(file.get(), content, name) || fstat(file.get(), &info) != 0) return std::nullopt;
    return index_stat(info, mode);
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
        auto stat = folder ? write_one(*folder, name_of_path(file.entry.path), file.entry.mode, content)
                           : std::nullopt;
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

std::string index_stat(const struct stat& info, FileMode mode) {
    std::string bytes;
    bytes.reserve(40);
    for (const auto& time : {info.st_ctim, info.st_mtim}) {
        add_number(bytes, static_cast<std::uint64_t>(time.tv_sec));
        add_number(bytes, static_cast<std::uint64_t>(time.tv_nsec));
    }
    add_number(bytes, info.st_dev);
    add_number(bytes, info.st_ino);
    add_number(bytes, static_cast<std::uint32_t>(mode));
    add_number(bytes, info.st_uid);
    add_number(bytes, info.st_gid);
    add_number(bytes, static_cast<std::uint64_t>(info.st_size));
    return bytes;
}

Result<bool> remove_files(int root, const std::vector<OldFile>& files) {
    Folders folders(root);
    for (const auto& file : files) {
        const auto folder = folders.open(parent_of(file.path));
        const auto name = name_of_path(file.path);
        struct stat info {};
        if (!folder || fstatat(*folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
        const auto mode = S_ISLNK(info.st_mode)         ? FileMode::Link
                          : !S_ISREG(info.st_mode)      ? FileMode::Submodule
                          : (info.st_mode & 0100U) != 0 ? FileMode::Executable
                                                        : FileMode::File;
        if (index_stat(info, mode) != file.stat) return false;
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
