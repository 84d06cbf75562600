#include "reconciler/unpacked_source.hpp"

#include "reconciler/disk_room.hpp"
#include "shared/archive/archive.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr Duration kPatience{3'600'000};  // somebody else may be unpacking a large one
constexpr size_t kDigits = 64;

bool is_download(const std::string& name) {
    return name.size() >= kDigits && name.find_first_not_of("0123456789abcdef") >= kDigits;
}

}  // namespace

UnpackedSource::UnpackedSource(const Host& host, const AppSpec& spec, BareStore store, std::string name,
                               std::string what)
    : host_(host),
      folder_(folder_of(host, spec)),
      root_(spec.root),
      store_(std::move(store)),
      name_(std::move(name)),
      what_(std::move(what)) {}

std::string UnpackedSource::folder_of(const Host& host, const AppSpec& spec) {
    return host.sources_folder() + "/apps/" + spec.app;
}

Result<BareStore> UnpackedSource::store_of(const Host& host, const AppSpec& spec) {
    return BareStore::open(folder_of(host, spec) + "/store.git",
                           "what archives of " + spec.app + " unpack to");
}

ArchiveLimits UnpackedSource::limits() const {
    const auto& limits = host_.config.limits;
    return {limits.release, limits.file, limits.files};
}

Download UnpackedSource::wanted(std::string what, std::string sha256, int cancel_fd) const {
    Download wanted;
    wanted.what = std::move(what);
    wanted.sha256 = std::move(sha256);
    wanted.folder = folder_;
    wanted.limit = host_.config.limits.download;
    wanted.access = [this](const Url& url) { return host_.source_access(url); };
    wanted.cancel_fd = cancel_fd;
    return wanted;
}

Result<void> UnpackedSource::fetch(int cancel_fd) {
    if (imported(store_, name_)) return {};
    const auto locked = TRY(store_.lock(kPatience, cancel_fd));
    TRY(store_.prepare());
    if (imported(store_, name_)) return {};
    TRY(before_import(cancel_fd));
    TRY(check_rooms(cancel_fd));
    auto done = [&]() -> Result<void> {
        const auto import = TRY(ObjectImport::begin(store_));
        UnpackedTree tree(strip());
        TRY(bring(*import, tree, cancel_fd));
        if (tree.top().children.empty())
            return fail(ErrorKind::Invalid, "nothing of it is left for a release",
                        strip() > 0 ? "`strip: " + std::to_string(strip()) +
                                          "` leaves out more folders than its names have"
                                    : "it holds no file");
        TRY(import->finish(tree, name_, what_));
        return {};
    }();
    // What was refused is not worth keeping, and what was taken over lies in the store.
    if (done || done.error().kind == ErrorKind::Invalid) remove_downloads();
    if (!done) TRY(store_.prepare());  // the half written pack goes
    return during("unpacking " + what_, std::move(done));
}

// What an archive unpacks to stands in its headers, between the contents: it is read through once before anything is
// written, unless the disk holds the most that one of its size may unpack to. The store takes about as much as the archive does.
Result<void> UnpackedSource::check_rooms(int cancel_fd) const {
    const Fd store = TRY(open_dir(folder_));
    const Fd root = TRY(open_dir(exists(root_) ? root_ : folder_));
    std::vector<Fd> files;
    std::uint64_t packed = 0;
    for (const auto& path : archives()) {
        files.emplace_back(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        struct stat info {};
        if (!files.back() || fstat(files.back().get(), &info) != 0) return fail_errno("cannot read " + path);
        packed += static_cast<std::uint64_t>(info.st_size);
    }
    const auto plenty = std::min(limits().bytes, most_unpacked(packed)) + packed + kSpareBytes;
    if (TRY(free_bytes(store.get())) >= plenty && TRY(free_bytes(root.get())) >= plenty) return {};
    DiskNeed release;
    ArchiveVisitor count;
    count.entry = [&](const ArchiveEntry& entry) -> Result<Take> {
        release.add_file(entry.type == ArchiveEntry::Type::Folder ? kDiskBlock : entry.size);
        return Take::Nothing;
    };
    for (const auto& file : files) TRY(read_archive(file.get(), limits(), cancel_fd, count));
    struct stat one {};
    struct stat other {};
    const bool one_disk =
        fstat(store.get(), &one) == 0 && fstat(root.get(), &other) == 0 && one.st_dev == other.st_dev;
    if (one_disk)
        release.bytes += packed;
    else
        TRY(check_room(store.get(), what_ + ", unpacked,", {packed, 0}, kSpareBytes));
    return check_room(root.get(), what_ + ", unpacked,", release, kSpareBytes);
}

void UnpackedSource::remove_downloads() const {
    const auto dir = open_dir(folder_);
    if (!dir) return;
    const auto names = list_dir(dir->get());
    if (!names) return;
    for (const auto& name : *names)
        if (is_download(name) && name.size() == kDigits) unlinkat(dir->get(), name.c_str(), 0);
}

Result<Oid> UnpackedSource::commit() const {
    if (const auto commit = imported(store_, name_)) return *commit;
    return fail(ErrorKind::Broken, what_ + " was unpacked, but cannot be read");
}

// Downloads that were given up and proofs of what is gone go, too.
Result<void> UnpackedSource::keep_only(const std::vector<Oid>& ids) {
    TRY(store_.keep_only(ids));
    const Fd dir = TRY(open_dir(folder_));
    for (const auto& name : TRY(list_dir(dir.get()))) {
        const bool wanted =
            std::any_of(ids.begin(), ids.end(), [&](const Oid& id) { return name.starts_with(id.str()); });
        if (is_download(name) && !wanted) TRY(remove_tree(dir.get(), name));
    }
    return {};
}

}  // namespace tidegate::reconciler
