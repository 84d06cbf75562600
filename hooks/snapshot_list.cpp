// What is kept, for people: how large, how old, whose.
#include "hooks/private_repo.hpp"
#include "hooks/snapshot.hpp"
#include "hooks/snapshot_state.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <sys/stat.h>

#include <filesystem>

namespace tidegate::hooks {

using namespace shared;

namespace {

std::uint64_t bytes_beneath(const std::string& path) {
    std::uint64_t bytes = 0;
    std::error_code code;
    for (std::filesystem::recursive_directory_iterator
             it(path, std::filesystem::directory_options::skip_permission_denied, code),
         end;
         !code && it != end; it.increment(code)) {
        struct stat info {};
        if (lstat(it->path().c_str(), &info) == 0) bytes += static_cast<std::uint64_t>(info.st_blocks) * 512;
    }
    return bytes;
}

WallTime changed_at(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return {};
    return WallTime(std::chrono::seconds(info.st_mtim.tv_sec));
}

std::string owner_of(const std::string& path) {
    const auto config = read_file(path + "/git/config", 1 << 16).value_or("");
    const auto line = std::string_view(config).substr(0, config.find('\n'));
    return std::string(line.starts_with(kSnapshotOf) ? line.substr(kSnapshotOf.size()) : std::string_view());
}

Result<std::vector<SnapshotInfo>> list_folder(const std::string& folder) {
    std::vector<SnapshotInfo> infos;
    const auto dir = open_dir(folder);
    if (!dir) return infos;
    for (const auto& stage : TRY(list_dir(dir->get()))) {
        SnapshotInfo info;
        info.stage = stage;
        info.path = folder + "/" + stage;
        info.tree = parse_state(read_file(info.path + "/state", 1 << 20).value_or("")).tree;
        info.bytes = bytes_beneath(info.path);
        info.used = changed_at(info.path + "/state");
        info.work_tree = owner_of(info.path);
        info.gone = !info.work_tree.empty() && !exists(info.work_tree);
        const auto lock = Lock::take(info.path + "/lock");
        info.in_use = !lock && lock.error().kind == ErrorKind::Locked;
        infos.push_back(std::move(info));
    }
    return infos;
}

}  // namespace

Result<std::vector<SnapshotInfo>> list_snapshots(const Repository& repo) {
    return list_folder(TRY(snapshots_of(repo)).path);
}

Result<std::vector<SnapshotInfo>> list_other_snapshots(const Repository& repo) {
    const auto own = TRY(snapshots_of(repo)).path;
    const auto base = own.substr(0, own.rfind('/'));
    std::vector<SnapshotInfo> all;
    const auto dir = open_dir(base);
    if (!dir) return all;
    for (const auto& name : TRY(list_dir(dir->get()))) {
        if (base + "/" + name == own) continue;
        for (auto& info : list_folder(base + "/" + name).value_or(std::vector<SnapshotInfo>()))
            all.push_back(std::move(info));
    }
    return all;
}

Result<size_t> clear_snapshots(const Repository& repo) {
    auto all = TRY(list_snapshots(repo));
    for (auto& other : TRY(list_other_snapshots(repo)))
        if (other.gone) all.push_back(std::move(other));
    size_t cleared = 0;
    for (const auto& info : all) {
        const auto lock = Lock::take(info.path + "/lock");
        if (!lock) continue;
        // The lock itself stays: another process may wait for this very file.
        for (const auto* part : {"/tree", "/git", "/state"}) TRY(remove_tree(info.path + part));
        ++cleared;
        if (info.gone) TRY(remove_tree(info.path));
    }
    return cleared;
}

}  // namespace tidegate::hooks
