#include "reconciler/unpacked_source.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

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

UnpackedSource::UnpackedSource(const Host& host, std::string folder, BareStore store, std::string name,
                               std::string what)
    : host_(host),
      folder_(std::move(folder)),
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
