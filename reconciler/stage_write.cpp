#include "reconciler/stage_write.hpp"

#include "reconciler/blob_file.hpp"
#include "reconciler/parallel.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <iterator>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr std::string_view kLfsPointer = "version https://git-lfs.github.com/spec/v1\n";
constexpr size_t kLongestPointer = 1024;
constexpr size_t kFilesOfOneThread = 200;  // fewer are not worth a thread

// The folder a file goes into, opened once for all its files: paths come in tree order.
class FolderStack {
  public:
    explicit FolderStack(int top) : top_(top) {}

    // The folder of `path`, and what is left: the name.
    Result<int> enter(const std::string& path, std::string& name) {
        const auto slash = path.rfind('/');
        name = path.substr(slash == std::string::npos ? 0 : slash + 1);
        const auto folder = std::string_view(path).substr(0, slash == std::string::npos ? 0 : slash);
        if (folder == last_) return here();
        last_ = folder;
        const auto parts = split(path, '/');
        size_t same = 0;
        while (same < open_.size() && same + 1 < parts.size() && open_[same].first == parts[same]) ++same;
        open_.resize(same);
        for (size_t i = same; i + 1 < parts.size(); ++i) TRY(descend(std::string(parts[i]), path));
        return here();
    }

  private:
    [[nodiscard]] int here() const { return open_.empty() ? top_ : open_.back().second.get(); }

    Result<void> descend(const std::string& part, const std::string& path) {
        if (mkdirat(here(), part.c_str(), 0755) != 0 && errno != EEXIST)
            return fail_errno("cannot make the folder of " + escape_foreign(path));
        Fd next(openat(here(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next) return fail_errno("cannot open the folder of " + escape_foreign(path));
        struct stat info {};
        const bool wrong_mode = fstat(next.get(), &info) != 0 || (info.st_mode & 07777) != 0755;
        if (wrong_mode && fchmod(next.get(), 0755) != 0)  // the umask
            return fail_errno("cannot make the folder of " + escape_foreign(path));
        open_.emplace_back(part, std::move(next));
        return {};
    }

    int top_;
    std::vector<std::pair<std::string, Fd>> open_;
    std::string last_;  // the folder of the last path; "" is the top
};

// The folder that shared files come from, opened once for those that follow each other: each name is then one step.
class SourceFolder {
  public:
    // -1 where it cannot be opened.
    int open(const ShareIndex::Source& source, std::string& name) {
        const auto slash = source.path.rfind('/');
        if (slash == std::string::npos) {
            name = source.path;
            return source.folder;
        }
        name = source.path.substr(slash + 1);
        const auto path = std::string_view(source.path).substr(0, slash);
        if (source.folder == release_ && path == path_) return folder_.get();
        release_ = source.folder;
        path_ = path;
        folder_.reset(openat(release_, path_.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        return folder_.get();
    }

  private:
    int release_ = -1;
    std::string path_;
    Fd folder_;
};

// One thread's share of the files, which follow each other in the tree.
class Writer {
  public:
    Writer(const std::string& git_dir, const StageRequest& request, const StagePlan& plan, int folder,
           Owner owner, const std::atomic<bool>& stop)
        : git_dir_(git_dir),
          request_(request),
          plan_(plan),
          folders_(folder),
          owner_(std::move(owner)),
          stop_(stop) {}

    Result<StageReport> write(size_t first, size_t last) {
        report_.record.entries.reserve(last - first);
        for (size_t i = first; i < last; ++i) {
            const auto& file = plan_.files[i];
            if (++report_.files % 64 == 0) TRY(check_cancelled(request_.cancel_fd));
            if (stop_) break;
            std::string name;
            const int dir = TRY(folders_.enter(file.path, name));
            auto print = TRY(put(dir, name, file));
            report_.record.entries.push_back({file.path, Origin::Git, file.digest, print});
        }
        return std::move(report_);
    }

    // Links and empty folders: few.
    Result<StageReport> write_rest() {
        for (const auto& link : plan_.links) {
            std::string name;
            const int dir = TRY(folders_.enter(link.path, name));
            const auto info = TRY(write_new_link(dir, name, link.target, escape_foreign(link.path)));
            report_.record.entries.push_back(
                {link.path, Origin::Link, hex(link.target), Fingerprint::of(info)});
        }
        for (const auto& path : plan_.folders) {
            std::string name;
            (void)TRY(folders_.enter(path + "/.", name));
        }
        return std::move(report_);
    }

  private:
    [[nodiscard]] mode_t mode_of(const PlannedFile& file) const {
        if (request_.has_build) return file.executable ? 0755 : 0644;
        return file.executable ? 0555 : 0444;
    }

    // What cannot be shared after all (changed meanwhile, too many links) is written.
    Result<Fingerprint> put(int dir, const std::string& name, const PlannedFile& file) {
        if (file.way == FileWay::Reflink) {
            auto cloned = clone(dir, name, file);
            if (cloned) return Fingerprint::of(*cloned);
            if (cloned.error().kind == ErrorKind::NoSpace) return fail(std::move(cloned.error()));
        }
        if (file.way == FileWay::HardLink && link(dir, name, file)) {
            // As the other release's record has it, so that both are kept in the same piece.
            auto print = file.source->print;
            print.single_link = false;
            return print;
        }
        return Fingerprint::of(TRY(from_objects(dir, name, file)));
    }

    // Linked first and looked at then, by its new name: what is looked at is what the release holds.
    bool link(int dir, const std::string& name, const PlannedFile& file) {
        std::string there;
        const int from = sources_.open(*file.source, there);
        if (from < 0 || linkat(from, there.c_str(), dir, name.c_str(), 0) != 0) return false;
        struct stat info {};
        const bool same = fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                          S_ISREG(info.st_mode) && file.source->print.matches(Fingerprint::of(info));
        if (same)
            ++report_.hard_linked;
        else
            unlinkat(dir, name.c_str(), 0);
        return same;
    }

    Result<struct stat> clone(int dir, const std::string& name, const PlannedFile& file) {
        const auto shown = escape_foreign(file.path);
        const Fd from(
            openat(file.source->folder, file.source->path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        struct stat info {};
        // Looked at through the descriptor that is cloned: the file may be its user's.
        const bool same =
            from && fstat(from.get(), &info) == 0 && file.source->print.matches(Fingerprint::of(info));
        if (!same) return fail(ErrorKind::Broken, "changed meanwhile: " + shown);
        const Fd to(openat(dir, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!to) return fail_errno("cannot write " + shown);
        ScopeExit undo([&] { unlinkat(dir, name.c_str(), 0); });
        if (ioctl(to.get(), FICLONE, from.get()) != 0) return fail_errno("cannot clone " + shown);
        if (owner_ && geteuid() == 0 && fchown(to.get(), owner_->uid, owner_->gid) != 0)
            return fail_errno("cannot change the owner of " + shown);
        if (fchmod(to.get(), mode_of(file)) != 0 || fstat(to.get(), &info) != 0)
            return fail_errno("cannot write " + shown);
        undo.dismiss();
        ++report_.reflinked;
        return info;
    }

    // libgit2's objects are one thread's: each opens the repository when it first needs it.
    Result<const Repo*> repo() {
        if (!repo_) repo_.emplace(TRY(Repo::open(git_dir_)));
        return &*repo_;
    }

    Result<void> check_pointer(const Oid& oid, const PlannedFile& file) {
        if (!plan_.has_lfs || file.size >= kLongestPointer) return {};
        const auto* objects = TRY(repo());
        const auto text = objects->blob(oid, kLongestPointer);
        if (!text || !text->starts_with(kLfsPointer)) return {};
        return fail(ErrorKind::Unsupported,
                    "a Git LFS pointer stands for a file: " + escape_foreign(file.path),
                    "its content is not in the repository; commit the file itself, or release an archive");
    }

    Result<struct stat> from_objects(int dir, const std::string& name, const PlannedFile& file) {
        const auto oid = TRY(Oid::parse(file.digest));
        TRY(check_pointer(oid, file));
        const auto* objects = TRY(repo());
        const auto info = TRY(write_blob_file(
            *objects, dir, name,
            {oid, file.size, mode_of(file), owner_, escape_foreign(file.path), request_.cancel_fd}));
        ++report_.written;
        report_.bytes_written += file.size;
        return info;
    }

    const std::string& git_dir_;
    const StageRequest& request_;
    const StagePlan& plan_;
    FolderStack folders_;
    SourceFolder sources_;
    Owner owner_;
    const std::atomic<bool>& stop_;
    std::optional<Repo> repo_;
    StageReport report_;
};

void add(StageReport& sum, StageReport part) {
    sum.files += part.files;
    sum.reflinked += part.reflinked;
    sum.hard_linked += part.hard_linked;
    sum.written += part.written;
    sum.bytes_written += part.bytes_written;
    auto& entries = part.record.entries;
    sum.record.entries.insert(sum.record.entries.end(), std::make_move_iterator(entries.begin()),
                              std::make_move_iterator(entries.end()));
}

// What a file costs beside its bytes, in bytes: so that threads get equal work.
constexpr std::uint64_t kEach = 16 << 10;

// Where each thread's share begins, and the end of the last.
std::vector<size_t> shares_of(const StagePlan& plan) {
    const auto& files = plan.files;
    const auto cost = [](const PlannedFile& file) {
        return kEach + (file.way == FileWay::Write ? file.size : 0);
    };
    const size_t threads = threads_for(files.size(), kFilesOfOneThread);
    std::uint64_t total = 0;
    for (const auto& file : files) total += cost(file);
    std::vector<size_t> shares{0};
    std::uint64_t sum = 0;
    for (size_t i = 0; i < files.size() && shares.size() < threads; ++i) {
        sum += cost(files[i]);
        if (sum * threads >= total * shares.size()) shares.push_back(i + 1);
    }
    shares.push_back(files.size());
    return shares;
}

}  // namespace

Result<StageReport> write_planned(const Repo& repo, const StageRequest& request, const StagePlan& plan,
                                  int folder, const Owner& owner) {
    const auto shares = shares_of(plan);
    std::vector<Result<StageReport>> parts(shares.size() - 1, StageReport{});
    std::atomic<bool> stop{false};
    const auto work = [&](size_t i) {
        parts[i] = Writer(repo.git_dir(), request, plan, folder, owner, stop).write(shares[i], shares[i + 1]);
        if (!parts[i]) stop = true;
    };
    in_parallel(parts.size(), work);
    for (auto& part : parts)
        if (!part) return part;
    auto sum = TRY(Writer(repo.git_dir(), request, plan, folder, owner, stop).write_rest());
    sum.record.entries.reserve(plan.files.size() + plan.links.size());
    for (auto& part : parts) add(sum, std::move(*part));
    return sum;
}

}  // namespace tidegate::reconciler
