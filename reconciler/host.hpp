// What every part of the running daemon stands on: configuration, journal, clock, log, units. Borrowed by all,
// owned by the daemon.
#pragma once

#include "reconciler/host_config.hpp"
#include "reconciler/journal.hpp"
#include "reconciler/source.hpp"
#include "reconciler/trust.hpp"
#include "reconciler/units.hpp"
#include "reconciler/work_slots.hpp"

#include <string>

namespace tidegate::reconciler {

struct Host {
    const HostConfig& config;
    Journal& journal;
    const shared::Clock& clock;
    shared::Log log;
    Units& units;
    const NamedSlots& fetches;  // for fetch, by the source's server
    const WorkSlots& slots;     // for stage and build
    const WorkSlots& watches;   // for comparing a release with its record, which is held in memory meanwhile
    GitRemotes& remotes;        // connections to git servers

    [[nodiscard]] TrustPolicy policy() const;
    // What time it is for questions of trust; saves it, warns in the log.
    [[nodiscard]] shared::WallTime trusted_now() const;
    // The allowed signers; an empty list where nothing needs a signature and there is no file.
    [[nodiscard]] Result<shared::AllowedSigners> allowed() const;
    [[nodiscard]] Result<SourceAccess> manifests_access() const;
    // By the longest `match` that begins the address.
    [[nodiscard]] Result<SourceAccess> source_access(const shared::Url& url) const;
    [[nodiscard]] std::string sources_folder() const { return config.state + "/sources"; }
    [[nodiscard]] std::string manifests_folder() const { return config.state + "/manifests"; }
    [[nodiscard]] std::string log_path(const std::string& app, std::int64_t deployment) const;
};

}  // namespace tidegate::reconciler
