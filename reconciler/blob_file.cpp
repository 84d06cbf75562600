#include "reconciler/blob_file.hpp"

#include "shared/base/files.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"
#include "shared/git/git.hpp"
#include "shared/hash/sha1.hpp"

#include <fcntl.h>

#include <cerrno>

namespace tidegate::reconciler {

using namespace shared;

namespace {

const Duration kLongest{3'600'000};

tl::unexpected<Error> broken(const BlobFile& file, const std::string& why) {
    return fail(ErrorKind::Broken, "the object " + file.blob.str() + " " + why + ": " + file.shown);
}

// libgit2 streams no packed object, so git writes it; and git does not hash what it streams, so we do.
Result<void> stream(const Repo& repo, const BlobFile& file, int fd) {
    GitCall call;
    call.args = {"cat-file", "blob", file.blob.str()};
    call.git_dir = repo.git_dir();
    call.timeout = kLongest;
    call.output_limit = 4096;
    call.config = {"core.bigFileThreshold=1m"};  // below it git holds them in memory
    call.cancel_fd = file.cancel_fd;
    const auto git = TRY(Git::find(GitConfig::Closed));
    Sha1 hash;
    hash.update("blob " + std::to_string(file.size) + std::string(1, '\0'));
    std::uint64_t size = 0;
    Result<void> written;
    auto command = git.command(call);
    command.on_output = [&](Stream from, std::string_view bytes) {
        if (from != Stream::Out || !written) return;
        hash.update(bytes);
        size += bytes.size();
        written = write_all(fd, bytes, file.shown);
    };
    const auto exit = TRY(shared::run(command));
    TRY(written);
    if (!exit.ok()) {
        auto error = git_failure(call, exit);
        if (error.kind == ErrorKind::Failed) error.kind = ErrorKind::Broken;
        return fail(std::move(error).during("writing " + file.shown));
    }
    if (size != file.size || hash.finish_hex() != file.blob.str()) return broken(file, "is corrupt");
    return {};
}

}  // namespace

Result<struct stat> write_blob_file(const Repo& repo, int dir, const std::string& name,
                                    const BlobFile& file) {
    if (file.size <= kLargeBlob) {
        auto content = repo.blob(file.blob, file.size);
        if (!content) {
            if (content.error().kind == ErrorKind::NotFound) content.error().kind = ErrorKind::Broken;
            return fail(std::move(content.error()).during("writing " + file.shown));
        }
        return write_new_file(dir, name, *content, file.mode, file.owner, file.shown);
    }
    const Fd fd(openat(dir, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return fail_errno("cannot write " + file.shown);
    ScopeExit undo([&] { unlinkat(dir, name.c_str(), 0); });
    TRY(stream(repo, file, fd.get()));
    if (file.owner && geteuid() == 0 && fchown(fd.get(), file.owner->uid, file.owner->gid) != 0)
        return fail_errno("cannot change the owner of " + file.shown);
    struct stat info {};
    if (fchmod(fd.get(), file.mode) != 0 || fstat(fd.get(), &info) != 0)
        return fail_errno("cannot write " + file.shown);
    undo.dismiss();
    return info;
}

}  // namespace tidegate::reconciler
