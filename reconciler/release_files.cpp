#include "reconciler/release_files.hpp"

#include "shared/base/files.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>

#include <cerrno>

namespace tidegate::reconciler {

using namespace shared;

namespace {

using Digest = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;

constexpr int kDeepest = 200;

Result<void> walk_into(int dir, const std::string& prefix, int depth, size_t& left,
                       const std::function<Result<void>(const std::string&, int, const std::string&,
                                                        const struct stat&)>& visit) {
    if (depth > kDeepest)
        return fail(ErrorKind::Invalid,
                    "folders deeper than 200 levels: " + escape_foreign(prefix.substr(0, 200)));
    for (const auto& name : TRY(list_dir(dir))) {
        if (left-- == 0) return fail(ErrorKind::Invalid, "too many files in a release");
        struct stat info {};
        if (fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) continue;
            return fail_errno("cannot read " + escape_foreign(prefix + name));
        }
        if (S_ISDIR(info.st_mode)) {
            const Fd below(openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            if (!below) return fail_errno("cannot read " + escape_foreign(prefix + name));
            TRY(walk_into(below.get(), prefix + name + "/", depth + 1, left, visit));
        } else if (S_ISREG(info.st_mode) || S_ISLNK(info.st_mode)) {
            TRY(visit(prefix + name, dir, name, info));
        }
    }
    return {};
}

}  // namespace

Result<struct stat> write_new_file(int dir, const std::string& name, std::string_view content, mode_t mode,
                                   const Owner& owner, const std::string& shown) {
    const Fd fd(openat(dir, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return fail_errno("cannot write " + shown);
    TRY(write_all(fd.get(), content, shown));
    if (owner && geteuid() == 0 && fchown(fd.get(), owner->uid, owner->gid) != 0)
        return fail_errno("cannot change the owner of " + shown);
    struct stat info {};
    if (fchmod(fd.get(), mode) != 0 || fstat(fd.get(), &info) != 0)
        return fail_errno("cannot write " + shown);
    return info;
}

Result<struct stat> write_new_link(int dir, const std::string& name, const std::string& target,
                                   const std::string& shown) {
    struct stat info {};
    if (symlinkat(target.c_str(), dir, name.c_str()) != 0 ||
        fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_errno("cannot make the link " + shown);
    return info;
}

Result<std::string> digest_of(int fd, Origin origin, size_t like, const std::string& shown) {
    struct stat info {};
    if (fstat(fd, &info) != 0) return fail_errno("cannot read " + shown);
    const Digest digest(EVP_MD_CTX_new());
    const bool sha1 = origin == Origin::Git && like == 40;
    bool good = digest && EVP_DigestInit_ex(digest.get(), sha1 ? EVP_sha1() : EVP_sha256(), nullptr) == 1;
    if (good && origin == Origin::Git) {
        const auto header = "blob " + std::to_string(info.st_size);
        good = EVP_DigestUpdate(digest.get(), header.c_str(), header.size() + 1) == 1;
    }
    char buffer[65536];
    while (good) {
        const ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno("cannot read " + shown);
        if (got == 0) break;
        good = EVP_DigestUpdate(digest.get(), buffer, static_cast<size_t>(got)) == 1;
    }
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!good || EVP_DigestFinal_ex(digest.get(), out, &length) != 1)
        return fail(ErrorKind::Io, "cannot hash " + shown);
    return hex(std::string_view(reinterpret_cast<const char*>(out), length));
}

Result<void> walk_release(int dir, size_t most,
                          const std::function<Result<void>(const std::string&, int, const std::string&,
                                                           const struct stat&)>& visit) {
    return walk_into(dir, "", 0, most, visit);
}

Result<void> check_cancelled(int cancel_fd) {
    pollfd cancel{cancel_fd, POLLIN, 0};
    if (cancel_fd >= 0 && ::poll(&cancel, 1, 0) > 0) return fail(ErrorKind::Cancelled, "cancelled");
    return {};
}

}  // namespace tidegate::reconciler
