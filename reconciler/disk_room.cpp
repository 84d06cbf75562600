#include "reconciler/disk_room.hpp"

#include <sys/statvfs.h>

namespace tidegate::reconciler {

using namespace shared;

namespace {

Result<struct statvfs> disk_of(int fd) {
    struct statvfs disk {};
    if (fstatvfs(fd, &disk) != 0) return fail_errno("cannot see how much disk is free");
    return disk;
}

std::uint64_t free_of(const struct statvfs& disk) {
    return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

}  // namespace

std::string human_bytes(std::uint64_t bytes) {
    constexpr std::uint64_t kMega = 1 << 20;
    if (bytes < 10 * kMega) return std::to_string((bytes + 1023) / 1024) + " KiB";
    return std::to_string((bytes + kMega - 1) / kMega) + " MiB";
}

Result<std::uint64_t> free_bytes(int fd) {
    return free_of(TRY(disk_of(fd)));
}

Result<void> check_room(int fd, const std::string& what, const DiskNeed& need, std::uint64_t spare) {
    const auto disk = TRY(disk_of(fd));
    const auto free = free_of(disk);
    if (need.bytes > free || spare > free - need.bytes)
        return fail(ErrorKind::NoSpace,
                    what + " needs " + human_bytes(need.bytes) +
                        (spare > 0 ? " and " + human_bytes(spare) + " to spare" : "") + "; " +
                        human_bytes(free) + " are free",
                    "free some disk, or lower `keep`; it is tried again by itself");
    if (disk.f_files != 0 && need.inodes > disk.f_favail)
        return fail(ErrorKind::NoSpace,
                    what + " needs " + std::to_string(need.inodes) + " inodes; " +
                        std::to_string(disk.f_favail) + " are free",
                    "remove small files, or lower `keep`; it is tried again by itself");
    return {};
}

}  // namespace tidegate::reconciler
