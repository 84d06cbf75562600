#include "reconciler/host_config.hpp"

#include "manifests/limits.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kConfigLimit = 256 << 10;
constexpr Duration kDay{86'400'000};
constexpr Duration kStaleAfter{3'600'000};
constexpr const char* kPathHint = "as in /srv/web: no `..`, no `//`, no `/` at the end";
constexpr std::string_view kKnownProtocols[] = {"https", "ssh", "http", "git", "file"};

bool absolute_and_plain(const std::string& path) {
    return path.size() > 1 && path.front() == '/' && path.find('\0') == std::string::npos &&
           std::filesystem::path(path).lexically_normal().string() == path;
}

// A path key: absolute, no "..", "//" or trailing "/".
std::optional<std::string> path_key(MapReader& reader, std::string_view key) {
    const Value* value = reader.any(key);
    if (value == nullptr) return std::nullopt;
    auto path = reader.optional_text(key);
    if (!path) return std::nullopt;
    if (!absolute_and_plain(*path)) {
        reader.reject(*value, "`" + std::string(key) + "` must be an absolute path without `..`: " + *path,
                      kPathHint);
        return std::nullopt;
    }
    return path;
}

void unsupported(MapReader& reader, const Value& value, std::string message, std::string hint) {
    reader.reject(value, std::move(message), std::move(hint));
}

Result<void> read_host(const Document& document, const Value& value, HostConfig& config) {
    MapReader host(document, value, "host");
    config.name = host.text("name", Required::Yes);
    config.environment = host.text("environment", Required::Yes);
    config.labels = host.text_map("labels");
    for (const auto& [key, text] : {std::pair{"name", config.name}, {"environment", config.environment}}) {
        const Value* place = host.any(key);
        if (place == nullptr) continue;
        if (auto ok = check_name(key, text); !ok) host.reject(*place, ok.error());
    }
    return host.finish();
}

Result<void> read_manifests(const Document& document, const Value& value, HostConfig& config) {
    MapReader reader(document, value, "manifests");
    config.manifests_url = reader.parsed<Url>("url", Url::parse, Required::Yes);
    config.manifests_branch = reader.parsed<RefName>("branch", RefName::branch);
    if (!config.manifests_branch) config.manifests_branch = TRY(RefName::branch("deploy"));
    config.interval = reader.duration("interval", config.interval, Duration(1000), kDay);
    config.stale_after = reader.duration("stale_after", std::max(kStaleAfter, config.interval * 3),
                                         Duration(1000), kDay * 365);
    if (const Value* given = reader.any("stale_after");
        given != nullptr && config.stale_after < config.interval * 2)
        reader.reject(*given, "`stale_after` is shorter than two intervals: one lost look would be reported",
                      "give it at least " + human_duration(config.interval * 2));
    if (reader.any("quiet_after") != nullptr)
        config.quiet_after = reader.duration("quiet_after", kDay, Duration(60'000), kDay * 3650);
    config.ssh_key = path_key(reader, "ssh_key");
    config.known_hosts = path_key(reader, "known_hosts");
    return reader.finish();
}

Result<void> read_trust(const Document& document, const Value& value, HostConfig& config) {
    MapReader trust(document, value, "trust");
    if (auto path = path_key(trust, "allowed_signers")) config.allowed_signers = *path;
    config.signed_manifests = trust.choice("manifests", {"signed", "unsigned"}, 0) == 0;
    config.attestations =
        static_cast<AttestationRule>(trust.choice("attestations", {"required", "when-asked", "off"}, 0));
    config.approvals = static_cast<int>(trust.integer("approvals", 0, 0, 100));
    config.accept = trust.parsed<Oid>("accept", Oid::parse);
    config.redirects = trust.texts("redirects");
    for (const auto& begin : config.redirects)
        if (!begin.starts_with("https://") || std::count(begin.begin(), begin.end(), '/') < 3)
            trust.reject(*trust.any("redirects"), "not how an address begins: " + begin.substr(0, 200),
                         "https://HOST/ and, if that is meant, the beginning of a path");
    if (const Value* list = trust.any("protocols")) {
        config.protocols = trust.texts("protocols");
        for (const auto& name : config.protocols)
            if (std::find(std::begin(kKnownProtocols), std::end(kKnownProtocols), name) ==
                std::end(kKnownProtocols))
                trust.reject(*list, "unknown protocol `" + name + "`", "known: https ssh http git file");
    }
    return trust.finish();
}

Result<SourceRule> read_access(const Document& document, const Value& value) {
    MapReader reader(document, value, "credentials");
    SourceRule access;
    access.match = reader.text("match", Required::Yes);
    access.ssh_key = path_key(reader, "ssh_key");
    access.ssh_agent = path_key(reader, "ssh_agent");
    access.known_hosts = path_key(reader, "known_hosts");
    access.ca = path_key(reader, "ca");
    if (const Value* token = reader.map("token")) {
        MapReader inner(document, *token, "token");
        access.token_credential = inner.optional_text("credential");
        access.token_file = path_key(inner, "file");
        access.user = inner.optional_text("user");
        access.bearer = inner.choice("as", {"basic", "bearer"}, 0) == 1;
        if (access.token_credential.has_value() == access.token_file.has_value())
            inner.reject(*token, "a token is either `credential: NAME` or `file: PATH`",
                         "keep one of the two");
        if (auto ok = inner.finish(); !ok) reader.reject(ok.error());
    }
    TRY(reader.finish());
    return access;
}

// What a host loosens: paths that its apps' commands may write, and fences that are left out.
Loosened loosened_of(MapReader& reader) {
    Loosened loosened;
    loosened.writable = reader.texts("writable");
    for (const auto& path : loosened.writable)
        if (!absolute_and_plain(path))
            reader.reject(*reader.any("writable"), "must be an absolute path without `..`: " + path,
                          kPathHint);
    for (const auto& name : reader.texts("allow")) {
        const auto known = std::find(std::begin(kFences), std::end(kFences), name);
        if (known == std::end(kFences))
            reader.reject(*reader.any("allow"), "the sandbox has no fence `" + name + "`",
                          "known: " + join({std::begin(kFences), std::end(kFences)}, " "));
        loosened.allow.insert(name);
    }
    return loosened;
}

// Parts that the format names and this build lacks: their harmless value passes, anything else is refused.
void read_not_built(MapReader& top, const Document& document) {
    for (const char* key : {"status", "webhook"})
        if (const Value* value = top.any(key); value != nullptr && !value->is(Value::Kind::Null))
            unsupported(top, *value, "`" + std::string(key) + "` is not supported by this build",
                        "remove the key; `tidegatectl status --json` tells the same facts");
    if (const Value* fleet = top.map("fleet")) {
        MapReader reader(document, *fleet, "fleet");
        const Value* backend = reader.any("backend");
        if (reader.text("backend", "none") != "none" && backend != nullptr)
            unsupported(reader, *backend, "fleet backends are not supported by this build",
                        "use `fleet: {backend: none}`");
        if (auto ok = reader.finish(); !ok) top.reject(ok.error());
    }
    if (const Value* notify = top.list("notify"); notify != nullptr && !notify->list().empty())
        unsupported(top, *notify, "notifications are not supported by this build", "use `notify: []`");
}

void read_log(MapReader& top, const Document& document, HostConfig& config) {
    const Value* log = top.map("log");
    if (log == nullptr) return;
    MapReader reader(document, *log, "log");
    config.log_format = reader.choice("format", {"json", "text"}, 0) == 0 ? LogFormat::Json : LogFormat::Text;
    if (auto level = reader.parsed<LogLevel>("level", parse_log_level)) config.log_level = *level;
    if (auto ok = reader.finish(); !ok) top.reject(ok.error());
}

void read_roots(MapReader& top, HostConfig& config) {
    const Value* roots = top.any("roots", Required::Yes);
    config.roots = top.texts("roots");
    if (roots == nullptr || top.failed()) return;
    if (config.roots.empty())
        top.reject(*roots, "`roots` is empty: no app could be placed anywhere",
                   "name the folders that apps live in: [/srv]");
    for (const auto& root : config.roots)
        if (!absolute_and_plain(root))
            top.reject(*roots, "a root must be an absolute path below `/`: " + root, kPathHint);
}

void read_credentials(MapReader& top, const Document& document, HostConfig& config) {
    const Value* list = top.list("credentials");
    if (list == nullptr) return;
    for (const Value& item : list->list()) {
        auto access = read_access(document, item);
        if (!access) {
            top.reject(access.error());
            return;
        }
        config.credentials.push_back(std::move(*access));
    }
}

Result<void> read_limits(const Document& document, const Value& value, HostConfig& config) {
    MapReader reader(document, value, "limits");
    const auto size = [&](std::string_view key, std::uint64_t& limit) {
        const auto text = reader.optional_text(key);
        if (!text) return;
        if (const auto bytes = manifests::size_of(*text))
            limit = *bytes;
        else
            reader.reject(*reader.any(key), "not a size: `" + text->substr(0, 80) + "`",
                          "digits and a unit: 500MiB, 8GiB");
    };
    size("download", config.limits.download);
    size("release", config.limits.release);
    size("file", config.limits.file);
    config.limits.files = static_cast<std::uint64_t>(
        reader.integer("files", static_cast<std::int64_t>(config.limits.files), 1, 100'000'000));
    manifests::read_limits(reader, config.command_limits);
    return reader.finish();
}

Result<void> read_loosened(const Document& document, const Value& value, Loosened& loosened) {
    MapReader reader(document, value, "sandbox");
    loosened = loosened_of(reader);
    return reader.finish();
}

// `sandbox: auto`, or a map with `mode` and what is loosened.
Result<void> read_sandbox(const Document& document, const Value& value, HostConfig& config) {
    MapReader reader(document, value, "sandbox");
    config.sandbox = static_cast<SandboxMode>(reader.choice("mode", {"auto", "systemd", "process"}, 0));
    config.loosened[""] = loosened_of(reader);
    if (const Value* apps = reader.map("apps"))
        for (const auto& entry : apps->map()) {
            if (auto ok = check_name("app", entry.key); !ok) reader.reject(entry.value, ok.error());
            if (auto ok = read_loosened(document, entry.value, config.loosened[entry.key]); !ok)
                reader.reject(ok.error());
        }
    return reader.finish();
}

template <typename Read>
void nested(MapReader& top, const Document& document, std::string_view key, Required required,
            HostConfig& config, Read read) {
    const Value* value = top.map(key, required);
    if (value == nullptr) return;
    if (auto ok = read(document, *value, config); !ok) top.reject(ok.error());
}

Result<void> check_owner(const struct stat& facts, const std::string& path, std::string_view what,
                         bool root_too) {
    const uid_t self = geteuid();
    if (facts.st_uid != self && !(root_too && facts.st_uid == 0))
        return fail(ErrorKind::Permission,
                    std::string(what) + " belongs to user " + std::to_string(facts.st_uid) + ": " + path,
                    "make it ours: chown " + std::to_string(self) + " " + path);
    // The sticky bit keeps others from replacing what is ours in a shared folder such as /tmp.
    if ((facts.st_mode & 0022) != 0 && !(S_ISDIR(facts.st_mode) && root_too && (facts.st_mode & S_ISVTX)))
        return fail(ErrorKind::Permission, std::string(what) + " may be written by others: " + path,
                    "take that away: chmod go-w " + path);
    return {};
}

}  // namespace

Result<HostConfig> parse_host_config(std::string file, std::string text) {
    HostConfig config;
    config.file = file;
    const Document document = TRY(parse_yaml(std::move(file), std::move(text)));
    MapReader top(document, document.root(), "tidegated.yaml");
    if (const Value* version = top.any("version", Required::Yes);
        version != nullptr && top.integer("version", 1, 0, 1'000'000) != 1)
        unsupported(top, *version, "version " + version->text() + " of this file is not known",
                    "this build reads version 1");
    nested(top, document, "host", Required::Yes, config, read_host);
    nested(top, document, "manifests", Required::Yes, config, read_manifests);
    nested(top, document, "trust", Required::No, config, read_trust);
    read_credentials(top, document, config);
    nested(top, document, "limits", Required::No, config, read_limits);
    if (const Value* sandbox = top.any("sandbox"); sandbox != nullptr && !sandbox->is(Value::Kind::Map))
        config.sandbox = static_cast<SandboxMode>(top.choice("sandbox", {"auto", "systemd", "process"}, 0));
    else
        nested(top, document, "sandbox", Required::No, config, read_sandbox);
    read_roots(top, config);
    if (auto path = path_key(top, "state")) config.state = *path;
    if (auto path = path_key(top, "socket")) config.socket = *path;
    read_not_built(top, document);
    read_log(top, document, config);
    TRY(top.finish());
    if (std::find(config.protocols.begin(), config.protocols.end(), config.manifests_url->scheme()) ==
        config.protocols.end()) {
        const Value* url = document.root().find("manifests")->find("url");
        return fail(Error{
            ErrorKind::Denied,
            "manifests.url uses " + config.manifests_url->scheme() + ", which trust.protocols does not name",
            "add it there if you mean it: protocols: [https, ssh, " + config.manifests_url->scheme() + "]",
            document.where(*url, static_cast<int>(url->text().size())),
            {}});
    }
    return config;
}

Result<HostConfig> load_host_config(const std::string& file) {
    if (!exists(file))
        return fail(ErrorKind::NotFound, "there is no configuration at " + file,
                    "write it (docs/host-reference.md), or name another with --config");
    TRY(check_private(file, "the configuration"));
    return parse_host_config(file, TRY(read_file(file, kConfigLimit)));
}

Result<ReloadedConfig> reload_config(const HostConfig& running) {
    ReloadedConfig out{TRY(load_host_config(running.file)), {}};
    auto& fresh = out.config;
    const auto keep = [&](const char* key, auto& value, const auto& former) {
        if (value == former) return;
        value = former;
        out.needs_restart.emplace_back(key);
    };
    keep("host.name", fresh.name, running.name);
    keep("host.environment", fresh.environment, running.environment);
    keep("state", fresh.state, running.state);
    keep("socket", fresh.socket, running.socket);
    keep("log.format", fresh.log_format, running.log_format);
    if (fresh.manifests_url->str() != running.manifests_url->str() ||
        fresh.manifests_branch->str() != running.manifests_branch->str()) {
        fresh.manifests_url = running.manifests_url;
        fresh.manifests_branch = running.manifests_branch;
        out.needs_restart.emplace_back("manifests.url, manifests.branch");
    }
    return out;
}

Result<void> check_private(const std::string& path, std::string_view what) {
    struct stat facts {};
    if (stat(path.c_str(), &facts) != 0) return fail_errno(path);
    return check_owner(facts, path, what, true);
}

Result<void> prepare_folders(const HostConfig& config) {
    TRY(during("preparing the state folder", make_dirs(config.state, 0700)));
    struct stat facts {};
    if (lstat(config.state.c_str(), &facts) != 0) return fail_errno(config.state);
    if (!S_ISDIR(facts.st_mode))
        return fail(ErrorKind::Exists, "the state folder is not a folder: " + config.state);
    TRY(check_owner(facts, config.state, "the state folder", false));
    const auto folder = std::filesystem::path(config.socket).parent_path().string();
    TRY(during("preparing the socket's folder", make_dirs(folder, 0755)));
    return check_private(folder, "the socket's folder");
}

bool root_allowed(const HostConfig& config, const std::string& root) {
    if (!absolute_and_plain(root)) return false;
    return std::any_of(config.roots.begin(), config.roots.end(), [&](const std::string& allowed) {
        return root == allowed ||
               (root.size() > allowed.size() && root.starts_with(allowed) && root[allowed.size()] == '/');
    });
}

}  // namespace tidegate::reconciler
