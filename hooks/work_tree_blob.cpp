#include "hooks/work_tree_blob.hpp"

#include "hooks/blob_id.hpp"
#include "shared/base/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tidegate::hooks {

using namespace shared;

namespace {

std::optional<std::string> bytes_of(const std::string& path, FileMode mode, size_t limit) {
    if (mode == FileMode::Link) {
        char target[4096];
        const auto length = readlink(path.c_str(), target, sizeof target);
        if (length <= 0 || length == sizeof target) return std::nullopt;
        return std::string(target, static_cast<size_t>(length));
    }
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
    auto content = read_fd(file.get(), limit, path);
    return content ? std::optional(std::move(*content)) : std::nullopt;
}

}  // namespace

std::optional<std::string> blob_in_work_tree(const Repository& repo, const TreeEntry& entry, size_t limit) {
    if (repo.work_tree.empty()) return std::nullopt;
    auto content = bytes_of(repo.work_tree + "/" + entry.path, entry.mode, limit);
    if (content && blob_id(*content, repo.sha256) != entry.oid) content.reset();
    return content;
}

}  // namespace tidegate::hooks
