#include "reconciler/app_spec.hpp"

#include "manifests/approval.hpp"
#include "shared/hash/sha256.hpp"

#include <utility>

namespace tidegate::reconciler {

using namespace shared;
namespace mf = manifests;

namespace {

Script script_of(const mf::Script& script) {
    return {script.shell, script.argv};
}

std::optional<Script> script_of(const std::optional<mf::Script>& script) {
    if (!script) return std::nullopt;
    return script_of(*script);
}

UnitVerb verb_of(mf::UnitAction action) {
    switch (action) {
        case mf::UnitAction::Start: return UnitVerb::Start;
        case mf::UnitAction::Stop: return UnitVerb::Stop;
        case mf::UnitAction::Restart: return UnitVerb::Restart;
        case mf::UnitAction::Reload: return UnitVerb::Reload;
        case mf::UnitAction::ReloadOrRestart: return UnitVerb::ReloadOrRestart;
        case mf::UnitAction::Enable: return UnitVerb::Enable;
    }
    return UnitVerb::Restart;
}

ActivateStep step_of(const mf::ActivateStep& step) {
    if (const auto* unit = std::get_if<mf::UnitStep>(&step.what))
        return {UnitStep{verb_of(unit->action), unit->unit, unit->settle}, step.timeout, step.shown()};
    if (const auto* signal = std::get_if<mf::SignalStep>(&step.what))
        return {SignalStep{signal->unit, signal->pidfile, signal->number}, step.timeout, step.shown()};
    return {script_of(std::get<mf::Script>(step.what)), step.timeout, step.shown()};
}

Probe probe_of(const mf::HealthCheck& check) {
    Probe probe{TcpProbe{}, check.patience, check.successes, check.interval, check.failures, check.after};
    struct Take {
        const mf::HealthCheck& check;
        Probe& probe;
        void operator()(HttpProbe http) const {
            http.within = check.within;
            probe.what = std::move(http);
        }
        void operator()(const mf::TcpCheck& tcp) const { probe.what = TcpProbe{tcp.address, check.within}; }
        void operator()(const mf::Script& script) const {
            probe.what = RunProbe{script_of(script), check.within};
        }
        void operator()(const mf::UnitCheck& unit) const { probe.what = UnitProbe{unit.unit}; }
        void operator()(SequenceProbe sequence) const { probe.what = std::move(sequence); }
        void operator()(FileProbe file) const { probe.what = std::move(file); }
        void operator()(const mf::DatabaseCheck& database) const {
            probe.what = DatabaseProbe{database, check.within};
        }
    };
    std::visit(Take{check, probe}, check.what);
    return probe;
}

// What a running app sees of its manifest beyond its release's folder, whose name says the rest.
std::string runtime_digest(const mf::Manifest& manifest) {
    Sha256 hash;
    const auto script = [&](const mf::Script& of) {
        hash.field(of.shell);
        hash.field(std::to_string(of.argv.size()));
        for (const auto& word : of.argv) hash.field(word);
    };
    hash.field(manifest.root);
    hash.field(manifest.user);
    hash.field("env");
    for (const auto& [name, value] : manifest.env) {
        hash.field(name);
        hash.field(value);
    }
    hash.field("secrets");
    for (const auto& [name, secret] : manifest.secrets) {
        hash.field(name);
        hash.field(secret.credential);
        hash.field(secret.file);
    }
    hash.field("activate");
    for (const auto& step : manifest.activate) {
        if (const auto* unit = std::get_if<mf::UnitStep>(&step.what)) {
            hash.field(name_of(unit->action));
            hash.field(unit->unit);
        } else if (std::holds_alternative<mf::SignalStep>(step.what)) {
            hash.field(step.shown());
        } else {
            script(std::get<mf::Script>(step.what));
        }
    }
    // What an activation leaves running lives under them.
    if (const auto& limits = manifest.limits; limits != mf::Limits{})
        for (const auto number : {limits.memory, limits.cpu, limits.tasks, limits.open_files})
            hash.field(std::to_string(number));
    if (const auto& both = manifest.blue_green)
        for (const auto* text : {&both->unit, &both->blue, &both->green, &both->upstream, &both->reload})
            hash.field(*text);
    return hash.finish_hex();
}

// What the source is, whatever its kind: a commit's id, or a SHA-256, which has the form of one.
Result<Oid> identity_of(const mf::Source& source) {
    if (const auto* git = std::get_if<mf::GitSource>(&source)) return git->commit;
    if (const auto* archive = std::get_if<mf::ArchiveSource>(&source)) return Oid::parse(archive->sha256);
    return Oid::parse(std::get<mf::OciSource>(source).digest.substr(std::string_view("sha256:").size()));
}

Error unsupported(const std::string& file, std::string what, std::string hint) {
    return {ErrorKind::Unsupported, std::move(what) + ": " + file, std::move(hint), {}, {}};
}

}  // namespace

bool AppSpec::runs_commands() const {
    bool any = !build.empty() || migrates() || down;
    for (const auto& step : activate) any = any || std::holds_alternative<Script>(step.what);
    for (const auto& probe : probes)
        any = any || std::holds_alternative<RunProbe>(probe.what) ||
              std::holds_alternative<DatabaseProbe>(probe.what);
    return any;
}

Result<AppSpec> read_app_spec(const std::string& file, const std::string& text) {
    const auto manifest = TRY(mf::parse_manifest(file, text));
    if (manifest.rollout)
        return fail(unsupported(file, "this build knows no rollout waves",
                                "leave `rollout` out: a wave that is ignored would be every host at once"));
    AppSpec spec(TRY(ReleaseId::parse(mf::release_id(manifest))));
    spec.app = manifest.app;
    spec.source = manifest.release;
    spec.commit = TRY(identity_of(manifest.release));
    if (const auto* git = manifest.git()) spec.tag = git->tag;
    if (manifest.require) {
        spec.stages = manifest.require->stages;
        spec.threshold = manifest.require->threshold;
    }
    spec.hosts = manifest.hosts;
    spec.depends_on = manifest.depends_on;
    spec.root = manifest.root;
    spec.user = manifest.user;
    spec.shared = {manifest.shared_dirs, manifest.shared_files};
    spec.env = manifest.env;
    for (const auto& [name, secret] : manifest.secrets)
        spec.secrets.emplace(name, SecretSource{secret.credential, secret.file});
    for (const auto& step : manifest.build) spec.build.push_back({script_of(step.run), step.timeout});
    spec.up = script_of(manifest.migrate.up);
    spec.down = script_of(manifest.migrate.down);
    spec.sql = manifest.migrate.sql;
    spec.backup = script_of(manifest.migrate.backup);
    spec.restore = script_of(manifest.migrate.restore);
    spec.compatible = manifest.migrate.compatible;
    spec.migrate_timeout = manifest.migrate.timeout;
    spec.blue_green = manifest.blue_green;
    for (const auto& step : manifest.activate) spec.activate.push_back(step_of(step));
    for (const auto& check : manifest.health) spec.probes.push_back(probe_of(check));
    spec.soak = manifest.soak;
    spec.limits = manifest.limits;
    spec.keep = manifest.keep;
    spec.self_heal = manifest.self_heal;
    spec.runtime_digest = runtime_digest(manifest);
    return spec;
}

std::string manifest_digest(const std::string& text) {
    return mf::manifest_digest(text);
}

}  // namespace tidegate::reconciler
