#include "reconciler/backups.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr const char* kFolder = "backups";
constexpr size_t kTimeDigits = 16;  // 20261121T101500Z

Result<Fd> open_backups(const AppRoot& root) {
    return open_beneath(root.fd(), kFolder, O_RDONLY | O_DIRECTORY);
}

bool is_backup(const std::string& name) {
    if (name.size() < kTimeDigits + 2 || name[8] != 'T' || name[15] != 'Z' || name[kTimeDigits] != '-')
        return false;
    return name.find_first_not_of("0123456789", kTimeDigits + 1) == std::string::npos;
}

}  // namespace

std::string backup_name(std::int64_t deployment, WallTime started) {
    auto time = format_utc(started);
    time.erase(std::remove_if(time.begin(), time.end(), [](char c) { return c == '-' || c == ':'; }),
               time.end());
    return time + "-" + std::to_string(deployment);
}

Result<std::string> make_backup_folder(const AppRoot& root, const std::string& name) {
    const auto path = root.path() + "/" + kFolder;
    if (mkdirat(root.fd(), kFolder, 0755) != 0 && errno != EEXIST) return fail_errno("cannot make " + path);
    const auto folder = TRY(during("opening " + path, open_backups(root)));
    TRY(remove_tree(folder.get(), name));
    if (mkdirat(folder.get(), name.c_str(), 0700) != 0) return fail_errno("cannot make " + path + "/" + name);
    const auto made = TRY(open_beneath(folder.get(), name, O_RDONLY | O_DIRECTORY));
    const auto& user = root.user();
    if (user && fchown(made.get(), user->uid, user->gid) != 0)
        return fail_errno("cannot give " + path + "/" + name + " to " + user->user);
    return path + "/" + name;
}

Result<void> keep_backup(const AppRoot& root, const std::string& name) {
    const auto folder = TRY(open_backups(root));
    const auto made = TRY(open_beneath(folder.get(), name, O_RDONLY | O_DIRECTORY));
    TRY(sync_file_system(made.get(), "the backup " + name));
    return {};
}

Result<void> remove_backup(const AppRoot& root, const std::string& name) {
    const auto folder = open_backups(root);
    if (!folder && folder.error().kind == ErrorKind::NotFound) return {};
    if (!folder) return fail(folder.error());
    return remove_tree(folder->get(), name);
}

Result<void> forget_backups(const AppRoot& root, size_t keep) {
    const auto folder = TRY(open_backups(root));
    auto names = TRY(list_dir(folder.get()));
    names.erase(std::remove_if(names.begin(), names.end(), [](const auto& name) { return !is_backup(name); }),
                names.end());
    for (size_t at = 0; at + keep < names.size(); ++at) TRY(remove_tree(folder.get(), names[at]));
    return {};
}

}  // namespace tidegate::reconciler
