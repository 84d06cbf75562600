// AppRoot::link_shared: what outlives releases is lent to each by links.
#include "reconciler/app_root.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace tidegate::reconciler {

using namespace shared;

namespace {

struct Place {
    Fd folder;
    std::string name;
    size_t depth = 0;  // folders between the top and the name
};

// The folder that holds `path` below `top`; missing folders are made, and given to `owner`. No link is
// followed.
Result<Place> place_of(int top, const RelPath& path, const std::optional<RunAs>& owner,
                       const std::string& shown) {
    Place place;
    place.folder.reset(fcntl(top, F_DUPFD_CLOEXEC, 3));
    if (!place.folder) return fail_errno("cannot open " + shown);
    const auto parts = split(path.str(), '/');
    place.depth = parts.size() - 1;
    place.name = parts.back();
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
        const std::string part(parts[i]);
        const bool made = mkdirat(place.folder.get(), part.c_str(), 0755) == 0;
        if (!made && errno != EEXIST) return fail_errno("cannot make the folder " + shown);
        Fd next(openat(place.folder.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next && (errno == ELOOP || errno == ENOTDIR))
            return fail(ErrorKind::Invalid, "something else stands where a folder must be: " + shown,
                        "a path in `shared` may not lie below a link or a file");
        if (!next) return fail_errno("cannot open " + shown);
        if (made && owner && geteuid() == 0 && fchown(next.get(), owner->uid, owner->gid) != 0)
            return fail_errno("cannot change the owner of " + shown);
        place.folder = std::move(next);
    }
    return place;
}

bool is_there(const Place& place) {
    struct stat info {};
    return fstatat(place.folder.get(), place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<void> make_shared_folder(const Place& place, const std::optional<RunAs>& owner,
                                const std::string& shown) {
    if (is_there(place)) return {};
    if (mkdirat(place.folder.get(), place.name.c_str(), 0755) != 0)
        return fail_errno("cannot make the folder " + shown);
    if (!owner || geteuid() != 0) return {};
    if (fchownat(place.folder.get(), place.name.c_str(), owner->uid, owner->gid, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_errno("cannot change the owner of " + shown);
    return {};
}

Result<void> link_one(int release, const RelPath& path) {
    const auto shown = escape_foreign(path.str()) + " in the release";
    const Place place = TRY(place_of(release, path, std::nullopt, shown));
    TRY(remove_tree(place.folder.get(), place.name));
    // Up from the name's folder to the release, to releases/, to ROOT.
    std::string target = "../../";
    for (size_t i = 0; i < place.depth; ++i) target += "../";
    target += "shared/" + path.str();
    if (symlinkat(target.c_str(), place.folder.get(), place.name.c_str()) != 0)
        return fail_errno("cannot make the link " + shown);
    return {};
}

}  // namespace

Result<std::vector<std::string>> AppRoot::link_shared(int release, const SharedPaths& paths) const {
    std::vector<std::string> missing;
    for (const auto& path : paths.dirs) {
        const auto shown = escape_foreign(path_ + "/shared/" + path.str());
        const Place place = TRY(place_of(shared_.get(), path, user_, shown));
        TRY(make_shared_folder(place, user_, shown));
        TRY(link_one(release, path));
    }
    for (const auto& path : paths.files) {
        const auto shown = escape_foreign(path_ + "/shared/" + path.str());
        const Place place = TRY(place_of(shared_.get(), path, user_, shown));
        if (!is_there(place)) missing.push_back(path.str());
        TRY(link_one(release, path));
    }
    return missing;
}

}  // namespace tidegate::reconciler
