// What the reconciler needs of one manifest, in the types of its own parts. The manifest's text is kept whole in
// the journal; this is read from it again wherever it is needed, so that recovery needs no branch.
#pragma once

#include "manifests/manifest.hpp"
#include "reconciler/app_root.hpp"
#include "reconciler/commands.hpp"
#include "reconciler/health.hpp"
#include "reconciler/units.hpp"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tidegate::reconciler {

struct UnitStep {
    UnitVerb verb = UnitVerb::Restart;
    std::string unit;
    shared::Duration settle{1000};
};
struct SignalStep {
    std::string unit;     // its main process, or …
    std::string pidfile;  // … the one whose id is in this file
    int number = 0;
};
struct ActivateStep {
    std::variant<UnitStep, Script, SignalStep> what;
    shared::Duration timeout{90'000};
    std::string shown;  // "restart web.service"
};
struct BuildStep {
    Script run;
    shared::Duration timeout{900'000};
};

struct AppSpec {
    explicit AppSpec(ReleaseId id) : release(std::move(id)) {}

    std::string app;
    ReleaseId release;
    manifests::Source source;
    shared::Oid commit;  // the digest where the source is an archive or an artifact
    std::optional<std::string> tag;
    std::vector<std::string> stages;  // require
    int threshold = 1;
    std::map<std::string, std::string> hosts;
    std::vector<std::string> depends_on;
    std::string root;
    std::string user;
    SharedPaths shared;
    std::map<std::string, std::string> env;
    std::map<std::string, SecretSource> secrets;
    std::vector<BuildStep> build;
    std::optional<Script> up;
    std::optional<Script> down;
    std::optional<manifests::SqlMigrations> sql;
    std::optional<Script> backup;
    std::optional<Script> restore;
    bool compatible = false;
    shared::Duration migrate_timeout{600'000};
    std::optional<manifests::BlueGreen> blue_green;
    std::vector<ActivateStep> activate;
    std::vector<Probe> probes;
    shared::Duration soak{0};
    manifests::Limits limits;
    int keep = 3;
    bool self_heal = true;
    std::string runtime_digest;  // over what a running app sees of its manifest

    [[nodiscard]] std::string label() const { return tag ? *tag : commit.short_str(); }
    [[nodiscard]] bool migrates() const { return up || sql; }
    // Whether anything of it runs as a process of ours.
    [[nodiscard]] bool runs_commands() const;
};

// A manifest's text as it lies on the branch. `file` is only shown. Invalid and Unsupported carry their place.
[[nodiscard]] Result<AppSpec> read_app_spec(const std::string& file, const std::string& text);
// SHA-256 of the manifest's text: what holds and deployments are bound to.
[[nodiscard]] std::string manifest_digest(const std::string& text);

}  // namespace tidegate::reconciler
