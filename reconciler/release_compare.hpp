// A release folder that somebody else made, beside the tree of the commit it is said to come from.
#pragma once

#include "reconciler/app_root.hpp"
#include "reconciler/integrity.hpp"
#include "shared/repo/repo.hpp"

#include <map>
#include <string>
#include <vector>

namespace tidegate::reconciler {

struct ReleaseComparison {
    size_t same = 0;
    std::vector<std::string> changed;  // other content, kind or mode than in the commit
    std::vector<std::string> missing;
    size_t linked_away = 0;   // files of the commit in whose place is a link to ROOT/shared
    size_t extra = 0;         // files that the commit does not hold: a build's, REVISION
    bool leaves_out = false;  // .gitattributes says export-ignore or export-subst: `git archive` obeys it
    // Links of the release that lead to ROOT/shared: path → path below shared/.
    std::map<std::string, std::string> shared_links;
    // Of the files that are as in the commit. The others may change as they like: nobody knows what they should be.
    IntegrityRecord record;
};

// Compares every file; changes nothing. `commit` is in `repo`, `identity` what the record says it is made from.
// Invalid for a release or a tree beyond all measure, Cancelled.
[[nodiscard]] Result<ReleaseComparison> compare_release(const AppRoot& root, const ReleaseId& id,
                                                        const shared::Repo& repo, const shared::Oid& commit,
                                                        const shared::Oid& identity, int cancel_fd);
// The part of compare_release() that asks no commit: the links to ROOT/shared.
[[nodiscard]] Result<std::map<std::string, std::string>> shared_links_of(const AppRoot& root,
                                                                         const ReleaseId& id);

// The path below shared/ to which the link at `path` of a release leads, by its text; empty where it leads elsewhere.
// `root` is the app's root: links may be absolute.
[[nodiscard]] std::string shared_target(const std::string& root, const std::string& path,
                                        const std::string& text);

}  // namespace tidegate::reconciler
