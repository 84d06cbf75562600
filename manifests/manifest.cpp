#include "manifests/manifest.hpp"

#include "manifests/read_parts.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/doc/reader.hpp"
#include "shared/hash/sha256.hpp"

#include <algorithm>
#include <set>

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

std::string quoted(std::string_view text) {
    return "`" + escape_foreign(text.substr(0, 80)) + "`";
}

// Reads a text that one of the fault_of_… functions judges.
std::string judged(MapReader& reader, std::string_view key, Required required,
                   std::string (*fault_of)(std::string_view)) {
    auto text = reader.text(key, required);
    const Value* value = reader.any(key);
    if (value == nullptr || reader.failed()) return text;
    if (const auto fault = fault_of(text); !fault.empty())
        reader.reject(*value, "`" + std::string(key) + "` " + fault + ": " + quoted(text));
    return text;
}

// Runs `read` on the map at `key` with a reader of its own, and takes over its first error.
template <typename Read>
void nested(MapReader& reader, const Value* value, std::string what, Read read) {
    if (value == nullptr || reader.failed()) return;
    MapReader inner(reader.document(), *value, std::move(what));
    read(inner);
    if (auto done = inner.finish(); !done) reader.reject(std::move(done.error()));
}

// Exactly one of `keys` is there. Gives its index; nullopt with the error put at `value` otherwise.
std::optional<size_t> exactly_one(MapReader& reader, const Value& value, std::string_view what,
                                  const std::vector<std::string_view>& keys) {
    std::optional<size_t> found;
    for (size_t i = 0; i < keys.size(); ++i) {
        const Value* given = reader.any(keys[i]);
        if (given == nullptr) continue;
        if (found) {
            reader.reject(*given, std::string(what) + " has `" + std::string(keys[*found]) + "` and `" +
                                      std::string(keys[i]) + "`: it takes one of them");
            return std::nullopt;
        }
        found = i;
    }
    if (reader.failed() || found) return found;
    std::string offered;
    for (const auto key : keys) offered += (offered.empty() ? "" : " ") + std::string(key);
    reader.reject(value, std::string(what) + " needs one of: " + offered);
    return std::nullopt;
}

GitSource read_git(MapReader& reader) {
    GitSource source;
    if (auto url = reader.parsed<Url>("url", Url::parse, Required::Yes)) source.url = std::move(*url);
    if (auto commit = reader.parsed<Oid>("commit", Oid::parse, Required::Yes)) source.commit = *commit;
    if (!reader.failed() && source.commit.is_null())
        reader.reject(*reader.any("commit"), "`commit` is git's null id", "name the commit to release");
    source.tag = reader.optional_text("tag");
    if (source.tag && !reader.failed()) {
        if (auto name = RefName::parse("refs/tags/" + *source.tag); !name)
            reader.reject(*reader.any("tag"), std::move(name.error()));
    }
    return source;
}

ArchiveSource read_archive(MapReader& reader) {
    ArchiveSource source;
    if (auto url = reader.parsed<Url>("url", Url::parse, Required::Yes)) source.url = std::move(*url);
    const auto& scheme = source.url.scheme();
    if (!reader.failed() && scheme != "https" && scheme != "http" && scheme != "file")
        reader.reject(*reader.any("url"),
                      "an archive's `url` is https://, http:// or file:///, not " + scheme);
    source.sha256 = reader.text("sha256", Required::Yes);
    if (!reader.failed() && !is_hex(source.sha256, 64))
        reader.reject(*reader.any("sha256"), "`sha256` is 64 hexadecimal digits in lower case",
                      "sha256sum FILE prints it");
    return source;
}

OciSource read_oci(MapReader& reader) {
    OciSource source;
    source.ref = reader.text("ref", Required::Yes);
    const auto wrong = [](char c) {
        return std::string_view("abcdefghijklmnopqrstuvwxyz0123456789._-/:").find(c) ==
               std::string_view::npos;
    };
    if (!reader.failed() && (source.ref.front() == '-' || source.ref.find('/') == std::string::npos ||
                             std::any_of(source.ref.begin(), source.ref.end(), wrong)))
        reader.reject(*reader.any("ref"), "`ref` is registry/name in lower case, without tag and digest");
    source.digest = reader.text("digest", Required::Yes);
    const auto& digest = source.digest;
    if (!reader.failed() && !(digest.starts_with("sha256:") && is_hex(digest.substr(7), 64)))
        reader.reject(*reader.any("digest"), "`digest` is sha256: and 64 hexadecimal digits in lower case");
    return source;
}

Source read_release(MapReader& top) {
    Source source;
    const Value* value = top.map("release", Required::Yes);
    nested(top, value, "a release", [&](MapReader& reader) {
        const auto kind = exactly_one(reader, *value, "a release", {"git", "archive", "oci"});
        const auto as = [&](std::string_view key, auto read) {
            nested(reader, reader.map(key), "a release from " + std::string(key),
                   [&](MapReader& inner) { source = read(inner); });
        };
        if (!kind) return;
        if (*kind == 0) as("git", read_git);
        if (*kind == 1) as("archive", read_archive);
        if (*kind == 2) as("oci", read_oci);
    });
    return source;
}

std::optional<Require> read_require(MapReader& top) {
    const Value* value = top.map("require");
    if (value == nullptr) return std::nullopt;
    Require require;
    nested(top, value, "require", [&](MapReader& reader) {
        require.stages = reader.texts("stages");
        const Value* stages = reader.any("stages", Required::Yes);
        if (stages != nullptr && !reader.failed()) {
            if (require.stages.empty())
                reader.reject(*stages, "`stages` names no stage", "leave `require` out if none is needed");
            for (const auto& stage : require.stages)
                if (!is_plain_name(stage)) reader.reject(*stages, quoted(stage) + " is not a stage's name");
        }
        require.threshold = static_cast<int>(reader.integer("threshold", 1, 1, 20));
    });
    return require;
}

std::vector<RelPath> read_paths(MapReader& reader, std::string_view key) {
    std::vector<RelPath> paths;
    const auto texts = reader.texts(key);
    for (const auto& text : texts) {
        auto path = RelPath::parse(text);
        if (!path) {
            reader.reject(*reader.any(key), std::move(path.error()));
            break;
        }
        paths.push_back(std::move(*path));
    }
    return paths;
}

void read_shared(MapReader& top, Manifest& manifest) {
    const Value* value = top.map("shared");
    nested(top, value, "shared", [&](MapReader& reader) {
        manifest.shared_dirs = read_paths(reader, "dirs");
        manifest.shared_files = read_paths(reader, "files");
        std::vector<std::string> all;
        for (const auto& path : manifest.shared_dirs) all.push_back(path.str());
        for (const auto& path : manifest.shared_files) all.push_back(path.str());
        for (const auto& outer : all)
            for (const auto& inner : all) {
                const bool same = &outer != &inner && outer == inner;
                if (same || inner.starts_with(outer + "/"))
                    reader.reject(*value, "shared paths overlap: " + quoted(outer) + " and " + quoted(inner));
            }
    });
}

std::map<std::string, std::string> read_env(MapReader& top) {
    auto env = top.text_map("env");
    const Value* value = top.map("env");
    if (value == nullptr) return env;
    for (const auto& entry : value->map())
        if (const auto fault = fault_of_variable(entry.key); !fault.empty())
            top.reject(entry.value, quoted(entry.key) + " " + fault);
    return env;
}

std::map<std::string, Secret> read_secrets(MapReader& top, const Manifest& manifest) {
    std::map<std::string, Secret> secrets;
    const Value* value = top.map("secrets");
    if (value == nullptr) return secrets;
    for (const auto& entry : value->map()) {
        if (const auto fault = fault_of_variable(entry.key); !fault.empty())
            top.reject(entry.value, quoted(entry.key) + " " + fault);
        if (manifest.env.count(entry.key) != 0)
            top.reject(entry.value, quoted(entry.key) + " is in `env` too", "keep one of them");
        if (entry.value.is(Value::Kind::Text))
            top.reject(entry.value, "a secret is not written here: it says where the host has it",
                       "write {credential: NAME} or {file: /path}");
        nested(top, &entry.value, "a secret", [&](MapReader& reader) {
            auto& secret = secrets[entry.key];
            const auto kind = exactly_one(reader, entry.value, "a secret", {"credential", "file"});
            if (kind == size_t{1})
                secret.file = judged(reader, "file", Required::Yes, fault_of_absolute_path);
            if (kind != size_t{0}) return;
            secret.credential = reader.text("credential", Required::Yes);
            if (!reader.failed() && !is_plain_name(secret.credential))
                reader.reject(*reader.any("credential"), "`credential` is a plain name");
        });
    }
    return secrets;
}

std::vector<BuildStep> read_build(MapReader& top) {
    std::vector<BuildStep> steps;
    const Value* list = top.list("build");
    if (list == nullptr) return steps;
    for (const auto& item : list->list())
        nested(top, &item, "build steps", [&](MapReader& reader) {
            auto& step = steps.emplace_back();
            if (auto script = read_script(reader, "run", Required::Yes)) step.run = std::move(*script);
            step.timeout = reader.duration("timeout", step.timeout, 1s, 24h);
        });
    return steps;
}

Migrate read_migrate(MapReader& top) {
    Migrate migrate;
    const Value* value = top.map("migrate");
    nested(top, value, "migrate", [&](MapReader& reader) {
        migrate.line = value->line;
        migrate.column = value->column;
        migrate.up = read_script(reader, "up");
        migrate.down = read_script(reader, "down");
        migrate.compatible = reader.boolean("compatible", false);
        migrate.timeout = reader.duration("timeout", migrate.timeout, 1s, 24h);
        if (!migrate.up && !reader.failed())
            reader.reject(*value, "`migrate` without `up` migrates nothing", "add `up: …` or leave it out");
    });
    return migrate;
}

ActivateStep read_activate_step(MapReader& reader, const Value& value) {
    ActivateStep step;
    const auto kind =
        exactly_one(reader, value, "an activate step", {"start", "stop", "restart", "reload", "run"});
    step.timeout = reader.duration("timeout", step.timeout, 1s, 1h);
    if (!kind) return step;
    if (*kind == 4) {
        if (auto script = read_script(reader, "run")) step.what = std::move(*script);
        return step;
    }
    constexpr std::string_view kKeys[] = {"start", "stop", "restart", "reload"};
    step.what =
        UnitStep{static_cast<UnitAction>(*kind), judged(reader, kKeys[*kind], Required::Yes, fault_of_unit)};
    return step;
}

std::vector<ActivateStep> read_activate(MapReader& top) {
    std::vector<ActivateStep> steps;
    const Value* list = top.list("activate");
    if (list == nullptr) return steps;
    for (const auto& item : list->list())
        nested(top, &item, "activate steps",
               [&](MapReader& reader) { steps.push_back(read_activate_step(reader, item)); });
    return steps;
}

HttpCheck read_http(MapReader& reader, Duration& within) {
    HttpCheck check;
    if (auto url = reader.parsed<Url>("url", Url::parse, Required::Yes)) {
        check.url = url->str();
        if (url->scheme() != "http" && url->scheme() != "https")
            reader.reject(*reader.any("url"), "a check's `url` is http:// or https://");
    }
    check.status = static_cast<int>(reader.integer("status", 200, 100, 599));
    check.body = reader.text("body", "");
    check.headers = reader.text_map("headers");
    within = reader.duration("within", within, 10ms, 10min);
    return check;
}

HealthCheck read_check(MapReader& reader, const Value& value) {
    HealthCheck check;
    const auto kind = exactly_one(reader, value, "a health check", {"http", "tcp", "run", "unit"});
    if (kind == size_t{2}) check.within = 30s;
    check.within = reader.duration("within", check.within, 10ms, 10min);
    check.patience = reader.duration("for", check.patience, 10ms, 24h);
    check.successes = static_cast<int>(reader.integer("successes", 1, 1, 1000));
    check.failures = static_cast<int>(reader.integer("failures", 3, 1, 1000));
    check.interval = reader.duration("interval", check.interval, 10ms, 1h);
    if (!kind) return check;
    if (*kind == 0)
        nested(reader, reader.map("http"), "http checks",
               [&](MapReader& inner) { check.what = read_http(inner, check.within); });
    if (*kind == 1) check.what = TcpCheck{judged(reader, "tcp", Required::Yes, fault_of_address)};
    if (*kind == 2) {
        if (auto script = read_script(reader, "run")) check.what = std::move(*script);
    }
    if (*kind == 3) check.what = UnitCheck{judged(reader, "unit", Required::Yes, fault_of_unit)};
    if (!reader.failed() && check.interval * (check.successes - 1) > check.patience)
        reader.reject(value,
                      "this check can never pass: " + std::to_string(check.successes) + " successes every " +
                          human_duration(check.interval) + " take longer than " +
                          human_duration(check.patience),
                      "raise `for`, or lower `successes` or `interval`");
    return check;
}

std::vector<HealthCheck> read_health(MapReader& top) {
    std::vector<HealthCheck> checks;
    const Value* list = top.list("health");
    if (list == nullptr) return checks;
    for (const auto& item : list->list())
        nested(top, &item, "health checks",
               [&](MapReader& reader) { checks.push_back(read_check(reader, item)); });
    return checks;
}

// "25%" → 25, nullopt for anything else.
std::optional<int> share_of(std::string_view wave) {
    if (!wave.ends_with('%') || wave.size() < 2 || wave.size() > 4) return std::nullopt;
    int share = 0;
    for (const char c : wave.substr(0, wave.size() - 1)) {
        if (c < '0' || c > '9') return std::nullopt;
        share = share * 10 + (c - '0');
    }
    if (share < 1 || share > 100) return std::nullopt;
    return share;
}

std::optional<Rollout> read_rollout(MapReader& top) {
    const Value* value = top.map("rollout");
    if (value == nullptr) return std::nullopt;
    Rollout rollout;
    nested(top, value, "rollout", [&](MapReader& reader) {
        rollout.waves = reader.texts("waves");
        const Value* waves = reader.any("waves", Required::Yes);
        rollout.soak = reader.duration("soak", 0s, 0s, 24h * 30);
        if (waves == nullptr || reader.failed()) return;
        int last = 0;
        for (const auto& wave : rollout.waves) {
            const auto share = share_of(wave);
            if (!share && !is_plain_name(wave))
                return reader.reject(*waves,
                                     quoted(wave) + " is neither a group's name nor a share such as 25%");
            if (share && *share <= last) return reader.reject(*waves, "shares of waves must grow");
            if (share) last = *share;
        }
        if (last != 100)
            reader.reject(*waves, "the last wave must be 100%",
                          "otherwise some hosts would never be reached");
    });
    return rollout;
}

}  // namespace

Result<Manifest> parse_manifest(std::string file, std::string text) {
    const auto document = TRY(parse_yaml(std::move(file), std::move(text), {.bytes = kLongestManifest}));
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
    manifest.root = judged(top, "root", Required::Yes, fault_of_absolute_path);
    if (top.has("user")) manifest.user = judged(top, "user", Required::No, fault_of_user);
    read_shared(top, manifest);
    manifest.env = read_env(top);
    manifest.secrets = read_secrets(top, manifest);
    manifest.build = read_build(top);
    manifest.migrate = read_migrate(top);
    manifest.activate = read_activate(top);
    manifest.health = read_health(top);
    manifest.soak = top.duration("soak", 0s, 0s, 24h * 30);
    manifest.rollout = read_rollout(top);
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
    }
    return "restart";
}

std::string Manifest::label() const {
    if (const auto* source = git()) return source->tag ? *source->tag : source->commit.short_str();
    if (const auto* archive = std::get_if<ArchiveSource>(&release)) return archive->sha256.substr(0, 7);
    return std::get<OciSource>(release).digest.substr(7, 7);
}

bool Manifest::runs_commands() const {
    const auto is_script = [](const auto& step) { return std::holds_alternative<Script>(step.what); };
    return !build.empty() || migrate.up || std::any_of(activate.begin(), activate.end(), is_script) ||
           std::any_of(health.begin(), health.end(), is_script);
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
