// What is declared: one look at the manifests branch, and the apps of the accepted revision that are for this
// host. Fetching and accepting are here; what follows for an app is decide.hpp's.
#pragma once

#include "reconciler/app_spec.hpp"
#include "reconciler/host.hpp"

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
    std::optional<shared::Oid> tip;         // the branch as it was seen
    std::optional<Error> refused;           // the tip may not be followed
    std::optional<Error> unreachable;       // the branch could not be looked at
    shared::WallTime at{};                  // when this look ended
    std::optional<shared::WallTime> heard;  // when a look last reached the remote
};

// Fetches, verifies, accepts, reads. Never fails as a whole: what went wrong is in the Look, and the apps are
// those of the revision accepted before.
[[nodiscard]] std::shared_ptr<const Look> look(const Host& host, const std::shared_ptr<const Look>& before,
                                               int cancel_fd);
// The apps of the accepted revision as they lie on this host, without asking anybody.
[[nodiscard]] std::shared_ptr<const Look> look_at_home(const Host& host);

}  // namespace tidegate::reconciler
