#include "reconciler/source.hpp"
#include "shared/base/text.hpp"

namespace tidegate::reconciler {

using namespace shared;

namespace {

Result<RefName> private_ref(const RefName& branch) {
    return RefName::parse("refs/tidegate/manifests/" + std::string(branch.short_str()));
}

}  // namespace

Result<ManifestsBranch> ManifestsBranch::open(const std::string& folder, Url url, RefName branch,
                                              SourceAccess access, TransferLimits limits) {
    TRY(private_ref(branch));
    // A mirror apart: those of the apps are shallow, and this one's whole history is judged.
    return ManifestsBranch(
        TRY(GitMirror::open(folder + "/manifests", std::move(url), std::move(access), limits)),
        std::move(branch));
}

Result<std::optional<Oid>> ManifestsBranch::seen() const {
    const auto repo = TRY(mirror_.repo());
    const auto ref = TRY(private_ref(branch_));
    const auto tip = TRY(repo.resolve(ref));
    if (tip) TRY(repo.commit(*tip));  // Broken where the mirror lost it
    return tip;
}

Result<ManifestsBranch::Tip> ManifestsBranch::look(int cancel_fd, std::optional<Oid> there) {
    if (!there) there = TRY(mirror_.look(branch_, cancel_fd));
    if (!there)
        return fail(ErrorKind::NotFound,
                    "there is no branch " + escape_foreign(branch_.short_str()) + " in " +
                        escape_foreign(mirror_.url().redacted()),
                    "push it, or mend `manifests.branch` in the host's configuration");
    const auto before = seen();
    if (before && *before == *there) return Tip{*there, false};
    const auto ref = TRY(private_ref(branch_));
    const auto now = TRY(mirror_.fetch_ref(branch_, ref, there, cancel_fd));
    return Tip{now, !before || *before != now};
}

}  // namespace tidegate::reconciler
