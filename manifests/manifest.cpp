#include "manifests/manifest.hpp"

#include "manifests/read_document.hpp"
#include "manifests/sections.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/hash/sha256.hpp"

#include <algorithm>
#include <set>

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

Result<Manifest> parse_manifest(std::string file, std::string text) {
    return read_manifest(TRY(parse_yaml(std::move(file), std::move(text), {.bytes = kLongestManifest})));
}

Result<Manifest> read_manifest(const Document& document) {
    MapReader top(document, document.root(), "manifests");
    Manifest manifest;
    read_version(top);
    manifest.app = top.text("app", Required::Yes);
    if (!top.failed()) {
        if (auto good = check_name("app", manifest.app); !good)
            top.reject(*top.any("app"), std::move(good.error()));
    }
    manifest.release = read_release(top);
    manifest.require = read_require(top);
    manifest.hosts = top.text_map("hosts");
    if (const Value* hosts = top.map("hosts"))
        for (const auto& entry : hosts->map())
            if (!is_plain_name(entry.key))
                top.reject(entry.value, quoted(entry.key) + " is not a label's name");
    manifest.depends_on = read_depends_on(top, manifest.app);
    manifest.root = judged(top, "root", Required::Yes, fault_of_absolute_path);
    if (top.has("user")) manifest.user = judged(top, "user", Required::No, fault_of_user);
    read_shared(top, manifest);
    manifest.env = read_env(top);
    manifest.secrets = read_secrets(top, manifest);
    manifest.build = read_build(top);
    manifest.migrate = read_migrate(top, manifest);
    manifest.blue_green = read_strategy(top);
    manifest.activate = read_activate(top);
    manifest.health = read_health(top, manifest);
    manifest.soak = top.duration("soak", 0s, 0s, 24h * 30);
    manifest.rollout = read_rollout(top);
    nested(top, top.map("limits"), "limits",
           [&](MapReader& reader) { read_limits(reader, manifest.limits); });
    manifest.keep = static_cast<int>(top.integer("keep", 3, 1, 100));
    manifest.self_heal = top.boolean("self_heal", true);
    TRY(top.finish());
    return manifest;
}

std::string Script::shown() const {
    if (!shell.empty()) return escape_foreign(shell);
    std::vector<std::string> words;
    for (const auto& word : argv) words.push_back(escape_foreign(shell_quote(word)));
    return join(words, " ");
}

std::string_view name_of(UnitAction action) {
    switch (action) {
        case UnitAction::Start: return "start";
        case UnitAction::Stop: return "stop";
        case UnitAction::Restart: return "restart";
        case UnitAction::Reload: return "reload";
        case UnitAction::ReloadOrRestart: return "reload-or-restart";
        case UnitAction::Enable: return "enable";
    }
    return "restart";
}

std::string ActivateStep::shown() const {
    if (const auto* unit = std::get_if<UnitStep>(&what))
        return std::string(name_of(unit->action)) + " " + unit->unit;
    if (const auto* signal = std::get_if<SignalStep>(&what))
        return "signal " + signal->name + " to " + (signal->unit.empty() ? signal->pidfile : signal->unit);
    return "run " + std::get<Script>(what).shown();
}

std::string Manifest::label() const {
    if (const auto* source = git()) return source->tag ? *source->tag : source->commit.short_str();
    if (const auto* archive = std::get_if<ArchiveSource>(&release)) return archive->sha256.substr(0, 7);
    return std::get<OciSource>(release).digest.substr(7, 7);
}

bool Manifest::runs_commands() const {
    const auto is_script = [](const auto& step) { return std::holds_alternative<Script>(step.what); };
    return !build.empty() || migrate.any() || std::any_of(activate.begin(), activate.end(), is_script) ||
           std::any_of(health.begin(), health.end(), [&](const HealthCheck& check) {
               return is_script(check) || std::holds_alternative<DatabaseCheck>(check.what);
           });
}

std::string canonical_build(const Manifest& manifest) {
    Value canonical;
    if (!manifest.build.empty()) {
        Value steps(Value::List{});
        for (const auto& step : manifest.build) {
            Value words(Value::List{});
            for (const auto& word : step.run.argv) words.push(word);
            steps.push(step.run.shell.empty() ? words : Value(step.run.shell));
        }
        canonical.set("build", std::move(steps));
        Value env(Value::Map{});
        for (const auto& [name, value] : manifest.env) env.set(name, value);
        canonical.set("env", std::move(env));
    }
    const auto paths = [&](const char* key, const std::vector<RelPath>& all) {
        std::set<std::string> sorted;
        for (const auto& path : all) sorted.insert(path.str());
        Value list(Value::List{});
        for (const auto& path : sorted) list.push(path);
        if (!sorted.empty()) canonical.set(key, std::move(list));
    };
    paths("shared_dirs", manifest.shared_dirs);
    paths("shared_files", manifest.shared_files);
    if (const auto* archive = std::get_if<ArchiveSource>(&manifest.release); archive && archive->strip > 0)
        canonical.set("strip", static_cast<std::int64_t>(archive->strip));
    return canonical.is(Value::Kind::Null) ? std::string() : to_json(canonical);
}

std::string release_id(const Manifest& manifest) {
    std::string source;
    if (const auto* git = manifest.git())
        source = git->commit.str();
    else if (const auto* archive = std::get_if<ArchiveSource>(&manifest.release))
        source = archive->sha256;
    else
        source = std::get<OciSource>(manifest.release).digest.substr(7);
    return source.substr(0, 12) + "-" + sha256_hex(canonical_build(manifest)).substr(0, 8);
}

}  // namespace tidegate::manifests
