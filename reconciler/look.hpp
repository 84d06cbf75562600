// What is declared: one look at the manifests branch, and the apps of the accepted revision that are for this
// host. Fetching and accepting are here; what follows for an app is decide.hpp's.
#pragma once

#include "reconciler/app_spec.hpp"
#include "reconciler/host.hpp"
#include "reconciler/schedule.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace tidegate::reconciler {

// One app's manifest at the accepted revision.
struct DeclaredApp {
    std::string app;
    std::string file;  // "production/web.yaml"
    std::string text;
    std::string digest;
    std::optional<AppSpec> spec;         // none where `wrong` is set
    std::optional<Error> wrong;          // cannot be read, or not be on this host
    std::optional<std::string> pending;  // a newer revision changes it and is refused: why
};

// The outcome of a look. Immutable once made; shared between threads.
struct Look {
    std::optional<Accepted> accepted;
    std::map<std::string, DeclaredApp> apps;
    std::shared_ptr<const Schedule> schedule;  // by tidegate.yaml of the accepted revision
    std::optional<shared::Oid> tip;            // the branch as it was seen
    bool left_out = false;             // the tip's message says [skip-deploy]: the next one is waited for
    std::optional<Error> refused;      // the tip may not be followed
    std::optional<Error> unreachable;  // the branch could not be looked at
    shared::WallTime at{};             // when this look ended
    std::optional<shared::WallTime>
        heard;                        // when a look last reached the remote and could follow it or refuse it
    shared::WallTime silent_since{};  // that, or when we began to ask
    shared::WallTime heard_saved{};   // what the journal knows of it
    std::optional<shared::WallTime> newest{};  // when the accepted revision was made, as it says itself
    shared::WallTime read{};                   // when all of this was last read, not only the tip asked for
};

// Fetches, verifies, accepts, reads. Never fails as a whole: what went wrong is in the Look, and the apps are
// those of the revision accepted before. Where the tip is what it was, and nothing was amiss, what was read then
// stands: at most for a quarter of an hour, since time zones, users and files of the host may change.
[[nodiscard]] std::shared_ptr<const Look> look(const Host& host, const std::shared_ptr<const Look>& before,
                                               int cancel_fd);
// tidegate.yaml at a revision; without one, the defaults. Invalid with its place where it cannot be read.
[[nodiscard]] Result<manifests::BranchRules> branch_rules(const shared::Repo& repo,
                                                          const shared::Oid& revision);
// Whether a manifest that has come while another one is deployed undoes that: only if it may begin itself, or is the
// one that runs. `app`'s, as the look has it.
[[nodiscard]] bool takes_over(const Look& look, const DeclaredApp& app, const Host& host);
// The apps of the accepted revision as they lie on this host, without asking anybody.
[[nodiscard]] std::shared_ptr<const Look> look_at_home(const Host& host);

}  // namespace tidegate::reconciler
