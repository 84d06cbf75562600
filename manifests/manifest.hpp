// A manifest: what one app is to be in one environment, `<environment>/<app>.yaml` on the manifests branch.
// Read strictly: unknown keys, wrong types and what cannot be right are Invalid at their place. What is valid
// here is valid everywhere; whether a host may and can do it is the host's question.
#pragma once

#include "manifests/limits.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/names.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tidegate::manifests {

// The longest manifest (or tidegate.yaml) that is read, in bytes.
inline constexpr size_t kLongestManifest = 256 << 10;

// A command: a text for `sh -c`, or a list that is executed as it is. One of the two is not empty.
struct Script {
    std::string shell;
    std::vector<std::string> argv;

    [[nodiscard]] bool empty() const { return shell.empty() && argv.empty(); }
    [[nodiscard]] std::string shown() const;  // one line, escaped, for people
    bool operator==(const Script&) const = default;
};

struct GitSource {
    shared::Url url;
    shared::Oid commit;
    std::optional<std::string> tag;  // must point at the commit; what people call the release
};
struct ArchiveSource {
    shared::Url url;  // https, http or file
    std::string sha256;
    std::vector<shared::Url> mirrors;  // asked in order where `url` does not give it
    int strip = 0;                     // leading folders of every name in it that are left out
};
struct OciSource {
    std::string ref;     // registry.example.com/web
    std::string digest;  // sha256:<64 hex digits>
};
using Source = std::variant<GitSource, ArchiveSource, OciSource>;

// Attestations that the manifest asks for beyond what the host does.
struct Require {
    std::vector<std::string> stages;
    int threshold = 1;  // distinct signers for each stage
};

struct Secret {
    std::string credential;  // name of a systemd credential, or …
    std::string file;        // … an absolute path
};

struct BuildStep {
    Script run;
    shared::Duration timeout{900'000};
};

enum class DatabaseClient { Psql, Mysql, Sqlite3 };
[[nodiscard]] std::string_view name_of(DatabaseClient client);  // "psql"

// Migrations that Tidegate itself applies: a folder of NNN_name.up.sql and NNN_name.down.sql in the release, through the
// database's own client as `user`. What is not said here comes by the client's own variables in `env` and `secrets`.
struct SqlMigrations {
    DatabaseClient client = DatabaseClient::Psql;
    std::string folder;    // of the release
    std::string database;  // name, or for sqlite3 the file: absolute, or of the release in a shared folder
    std::string url;       // instead: the variable of `env` or `secrets` that has the address; psql and mysql
    std::string defaults_file;      // mysql: the only file of options it reads; absolute
    shared::Duration wait{60'000};  // for the lock, while another host or process migrates
    bool out_of_order = false;      // a lower number than an applied one may come later
};

// One of `up` and `sql`, or neither: nothing migrates.
struct Migrate {
    std::optional<Script> up;
    std::optional<Script> down;
    std::optional<SqlMigrations> sql;
    std::optional<Script> backup;   // before the first migration that changes something
    std::optional<Script> restore;  // where a deployment is undone and there is no way down, or it fails
    bool compatible = false;        // the former release runs on the new schema
    shared::Duration timeout{600'000};
    int line = 0;  // of `migrate`, for those who complain about it
    int column = 0;

    [[nodiscard]] bool any() const { return up || sql; }
    // A deployment can be taken back: nothing migrates, or there is a way back, or none is needed. With `sql` the
    // release's files have the last word, on the host.
    [[nodiscard]] bool revertible() const { return !up || down || compatible || restore; }
    [[nodiscard]] std::string shown() const;  // "./bin/migrate up", "db/migrations through psql"
};

enum class UnitAction { Start, Stop, Restart, Reload, ReloadOrRestart, Enable };
[[nodiscard]] std::string_view name_of(UnitAction action);  // "restart"

struct UnitStep {
    UnitAction action = UnitAction::Restart;
    std::string unit;
    shared::Duration settle{1000};  // after the job is done the unit must stay up for so long
};
// To the main process of `unit`, or to the process whose id is in `pidfile`; one of the two is not empty.
struct SignalStep {
    std::string unit;
    std::string pidfile;  // absolute
    int number = 0;       // of signal(7)
    std::string name;     // "HUP"
};
struct ActivateStep {
    std::variant<UnitStep, Script, SignalStep> what;
    shared::Duration timeout{90'000};

    [[nodiscard]] std::string shown() const;  // "restart web.service", "signal HUP to web.service", a command
};

// `strategy: blue-green`: two instances of one template unit take turns behind a proxy.
struct BlueGreen {
    enum class Proxy { Nginx, Haproxy };
    std::string unit;  // "web@.service"; its instances are web@blue and web@green
    std::string blue;  // host:port where each listens
    std::string green;
    shared::Duration drain{10'000};  // from the proxy's switch to the end of the former instance
    Proxy proxy = Proxy::Nginx;
    std::string upstream;  // the upstream's or backend's name in the proxy
    std::string reload;    // the proxy's unit
};

// Where a value of an answer is taken from; one of the three.
struct Capture {
    std::string header;
    std::string json;    // a JSON pointer (RFC 6901)
    std::string after;   // the text between this …
    std::string before;  // … and this
};
// In texts {release}, {commit} and {version} stand for the release's own, {instance} for the address of the instance
// that is asked, and in a sequence {name} for what was captured.
struct HttpCheck {
    std::string url;  // http:// or https://
    std::string method = "GET";
    std::map<std::string, std::string> send;                 // request's headers
    std::string data;                                        // request's body
    std::vector<std::pair<int, int>> status = {{200, 200}};  // ranges, ends included; one must hold
    std::string body;                                        // must be in the answer's body
    std::map<std::string, std::string> headers;              // of the answer; the value must be in it
    std::map<std::string, std::string> json;                 // pointers into the answer, and what is there
    shared::Duration tls{0};                 // the certificate is valid for so long yet; 0: not asked
    std::string ca;                          // absolute path of a file of certificates to trust
    std::map<std::string, Capture> capture;  // of a sequence: for the requests after it
    shared::Duration within{5000};           // of a sequence: for this request
};
// Requests in order, as one check: a login. Cookies are kept from one to the next.
struct SequenceCheck {
    std::vector<HttpCheck> requests;
};
struct FileCheck {
    std::string path;             // absolute, or of the release
    shared::Duration younger{0};  // changed within this time; 0: not asked
    std::string content;          // must be in it; empty: not asked
};
// One query through the client program, as `user`; host, port and password by its own variables (PGHOST, PGPASSWORD,
// MYSQL_PWD …) in `env` and `secrets`.
struct DatabaseCheck {
    DatabaseClient client = DatabaseClient::Psql;
    std::string database;  // name, or for sqlite3 the file
    std::string query = "select 1";
    std::string answer;  // must be in what it prints; empty: anything
};
struct TcpCheck {
    std::string address;  // host:port
};
struct UnitCheck {
    std::string unit;
};
struct HealthCheck {
    std::variant<HttpCheck, TcpCheck, Script, UnitCheck, SequenceCheck, FileCheck, DatabaseCheck> what;
    shared::Duration after{0};          // the app is left alone for so long first
    shared::Duration patience{30'000};  // `for`: must pass within this time
    int successes = 1;                  // so many times in a row
    shared::Duration interval{1000};    // from one try to the next
    shared::Duration within{5000};      // how long one try may take; `run` has 30s unless it is said
    int failures = 3;                   // in the soak: so many in a row fail it
};

struct Rollout {
    std::vector<std::string> waves;  // names of host groups ("canary") and shares ("25%"), in order
    shared::Duration soak{0};        // between waves
};

struct Manifest {
    std::string app;
    Source release;
    std::optional<Require> require;
    std::map<std::string, std::string> hosts;  // labels a host must have; empty: every host
    std::vector<std::string> depends_on;  // apps of the environment that come first, where a host has them
    std::string root;                     // absolute, normal
    std::string user;                     // empty: not given
    std::vector<shared::RelPath> shared_dirs;
    std::vector<shared::RelPath> shared_files;
    std::map<std::string, std::string> env;
    std::map<std::string, Secret> secrets;
    std::vector<BuildStep> build;
    Migrate migrate;
    std::optional<BlueGreen> blue_green;
    std::vector<ActivateStep> activate;
    std::vector<HealthCheck> health;
    shared::Duration soak{0};
    std::optional<Rollout> rollout;
    Limits limits;  // of its commands; a host may set lower ones
    int keep = 3;
    bool self_heal = true;

    // nullptr for other sources.
    [[nodiscard]] const GitSource* git() const { return std::get_if<GitSource>(&release); }
    // What people call the release: the tag, a short commit, or the beginning of a digest.
    [[nodiscard]] std::string label() const;
    // Whether anything of it runs as a process on the host (so that `user` is needed where the daemon is root).
    [[nodiscard]] bool runs_commands() const;
};

// `file` is only shown. Invalid with file, line and column.
[[nodiscard]] Result<Manifest> parse_manifest(std::string file, std::string text);

// What decides, beside the source, what a release's folder holds: the build steps, the environment they see,
// and the shared paths that are linked into it. Compact JSON with sorted keys; empty where there is none of
// it.
[[nodiscard]] std::string canonical_build(const Manifest& manifest);
// The folder's name: the first 12 digits of the commit (of the digest for other sources), "-", and the first 8
// of the SHA-256 of canonical_build(). Deterministic, so that a rollback finds the release that is there.
[[nodiscard]] std::string release_id(const Manifest& manifest);

}  // namespace tidegate::manifests
