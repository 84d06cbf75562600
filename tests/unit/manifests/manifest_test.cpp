#include "manifests/manifest.hpp"

#include "manifests/mistakes.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <string>

using namespace tidegate::manifests;
using namespace tidegate::shared;
using namespace std::chrono_literals;

namespace {

const std::string kCommit = "9fceb02d0ae598e95dc970b74767f19372d61af8";
const std::string kShort =
    "version: 1\napp: web\nroot: /srv/web\nrelease:\n  git: {url: "
    "https://git.example.com/web.git, commit: " +
    kCommit + "}\n";

Manifest parsed(const std::string& text) {
    auto manifest = parse_manifest("web.yaml", text);
    REQUIRE_MESSAGE(manifest.has_value(), manifest.error().line());
    return *manifest;
}

}  // namespace

TEST_CASE("manifest: limits are read at their place, and of two the lower counts") {
    const auto limits =
        parsed(kShort + "limits: {memory: 512MiB, cpu: 50%, tasks: 20, open_files: 64}\n").limits;
    const Limits wanted{512ULL << 20, 50, 20, 64};
    CHECK(limits == wanted);
    CHECK(parsed(kShort).limits == Limits{});
    for (const char* line :
         {"limits: {memory: lots}", "limits: {memory: 0MiB}", "limits: {memory: 99999999TiB}",
          "limits: {cpu: 1.5%}", "limits: {cpu: 50 %}", "limits: {tasks: many}", "limits: {open_files: 1}",
          "limits: {disk: 1GiB}", "limits: [1]"}) {
        CAPTURE(line);
        const auto wrong = parse_manifest("web.yaml", kShort + line + "\n");
        REQUIRE_FALSE(wrong.has_value());
        REQUIRE(wrong.error().where.has_value());
        CHECK(wrong.error().where->line == 6);
    }
    const Limits host{1ULL << 30, 0, 10, 0};
    const Limits both{512ULL << 20, 50, 10, 64};
    CHECK(lower(host, limits) == both);
    CHECK(shown_size(64ULL << 20) == "64MiB");
    CHECK(shown_size(1025) == "1025B");
}

TEST_CASE("manifest: the least one has safe defaults") {
    const auto manifest = parsed(kShort);
    CHECK(manifest.app == "web");
    REQUIRE(manifest.git() != nullptr);
    CHECK(manifest.git()->commit.str() == kCommit);
    CHECK(manifest.label() == "9fceb02");
    CHECK(manifest.keep == 3);
    CHECK(manifest.self_heal);
    CHECK(manifest.migrate.revertible());
    CHECK_FALSE(manifest.runs_commands());
    CHECK(canonical_build(manifest).empty());
    CHECK(release_id(manifest) == "9fceb02d0ae5-e3b0c442");
}

TEST_CASE("manifest: migrations may be files of SQL, with a backup around them") {
    const std::string head =
        "version: 1\napp: web\nrelease: {git: {url: 'https://git.example.com/web.git', commit: " + kCommit +
        "}}\nroot: /srv/web\nshared: {dirs: [storage]}\nsecrets: {DATABASE_URL: {credential: web-db}}\n";
    const auto psql =
        parsed(head +
               "migrate:\n  sql: {client: psql, folder: db/migrations, url: {env: DATABASE_URL}, wait: "
               "2m, out_of_order: true}\n  backup: [./bin/dump]\n  restore: ./bin/load\n");
    REQUIRE(psql.migrate.sql.has_value());
    CHECK(psql.migrate.sql->client == DatabaseClient::Psql);
    CHECK(psql.migrate.sql->folder == "db/migrations");
    CHECK(psql.migrate.sql->url == "DATABASE_URL");
    CHECK(psql.migrate.sql->wait == 2min);
    CHECK(psql.migrate.sql->out_of_order);
    CHECK(psql.migrate.backup->argv.size() == 1);
    CHECK(psql.migrate.restore->shell == "./bin/load");
    CHECK(psql.migrate.revertible());
    CHECK(psql.runs_commands());
    CHECK(psql.migrate.shown() == "db/migrations through psql");
    const auto mysql = parsed(
        head +
        "migrate: {sql: {client: mysql, folder: db, database: app, defaults_file: /etc/web/my.cnf}}\n");
    CHECK(mysql.migrate.sql->defaults_file == "/etc/web/my.cnf");
    CHECK(mysql.migrate.sql->wait == 1min);
    for (const char* file : {"storage/app.sqlite3", "/var/lib/web/app.sqlite3"})
        CHECK(parsed(head + "migrate: {sql: {client: sqlite3, folder: db, database: " + file + "}}\n")
                  .migrate.sql->database == file);
}

TEST_CASE("manifest: every key is read") {
    const auto manifest = parsed(
        "version: 1\napp: web\n"
        "release: {git: {url: 'https://git.example.com/web.git', commit: " +
        kCommit +
        ", tag: v1.4.2}}\n"
        "require: {stages: [pre-push, nightly], threshold: 2}\n"
        "hosts: {role: web}\nroot: /srv/web\nuser: web\n"
        "shared: {dirs: [storage], files: [.env]}\n"
        "env: {APP_ENV: production, PORT: 8080}\n"
        "secrets: {DATABASE_URL: {credential: web-db}, KEY: {file: /etc/web/key}}\n"
        "build: [{run: composer install --no-dev, timeout: 3m}, {run: [make, all]}]\n"
        "migrate: {up: ./bin/migrate up, down: [./bin/migrate, down], timeout: 5m}\n"
        "activate: [{restart: web.service}, {reload: nginx.service, timeout: 5s}, {run: ./bin/restart}]\n"
        "health:\n"
        "  - http: {url: 'http://127.0.0.1:8080/healthz', status: 204, body: '\"ok\"', within: 2s, headers: "
        "{X-Release: '{release}'}}\n"
        "    for: 40s\n    successes: 3\n    interval: 2s\n    failures: 5\n"
        "  - tcp: 127.0.0.1:8080\n  - run: ./bin/smoke\n  - unit: web.service\n"
        "soak: 2m\nrollout: {waves: [canary, 25%, 100%], soak: 5m}\nkeep: 5\nself_heal: false\n");
    CHECK(manifest.label() == "v1.4.2");
    CHECK(manifest.require->stages == std::vector<std::string>{"pre-push", "nightly"});
    CHECK(manifest.require->threshold == 2);
    CHECK(manifest.hosts.at("role") == "web");
    CHECK(manifest.user == "web");
    CHECK(manifest.shared_dirs.at(0).str() == "storage");
    CHECK(manifest.shared_files.at(0).str() == ".env");
    CHECK(manifest.env.at("PORT") == "8080");
    CHECK(manifest.secrets.at("DATABASE_URL").credential == "web-db");
    CHECK(manifest.secrets.at("KEY").file == "/etc/web/key");
    CHECK(manifest.build.at(0).run.shell == "composer install --no-dev");
    CHECK(manifest.build.at(0).timeout == 3min);
    CHECK(manifest.build.at(1).run.argv == std::vector<std::string>{"make", "all"});
    CHECK(manifest.migrate.up->shell == "./bin/migrate up");
    CHECK(manifest.migrate.down->argv.size() == 2);
    CHECK(manifest.migrate.timeout == 5min);
    const auto& restart = std::get<UnitStep>(manifest.activate.at(0).what);
    CHECK(restart.action == UnitAction::Restart);
    CHECK(restart.unit == "web.service");
    CHECK(std::get<UnitStep>(manifest.activate.at(1).what).action == UnitAction::Reload);
    CHECK(manifest.activate.at(1).timeout == 5s);
    CHECK(std::get<Script>(manifest.activate.at(2).what).shell == "./bin/restart");
    const auto& http = manifest.health.at(0);
    CHECK(std::get<HttpCheck>(http.what).status.at(0) == std::pair(204, 204));
    CHECK(std::get<HttpCheck>(http.what).body == "\"ok\"");
    CHECK(std::get<HttpCheck>(http.what).headers.at("X-Release") == "{release}");
    CHECK(http.within == 2s);
    CHECK(http.patience == 40s);
    CHECK(http.successes == 3);
    CHECK(http.failures == 5);
    CHECK(std::get<TcpCheck>(manifest.health.at(1).what).address == "127.0.0.1:8080");
    CHECK(std::get<Script>(manifest.health.at(2).what).shell == "./bin/smoke");
    CHECK(manifest.health.at(2).within == 30s);
    CHECK(std::get<UnitCheck>(manifest.health.at(3).what).unit == "web.service");
    CHECK(manifest.soak == 2min);
    CHECK(manifest.rollout->waves.size() == 3);
    CHECK(manifest.rollout->soak == 5min);
    CHECK(manifest.keep == 5);
    CHECK_FALSE(manifest.self_heal);
    CHECK(manifest.runs_commands());
}

TEST_CASE("manifest: what cannot be right is refused at its place") {
    struct Case {
        const char* lines;  // after the five lines of the least manifest
        const char* message;
        int column;
    };
    const Case cases[] = {
        {"relaese: x\n", "unknown key `relaese`", 1},
        {"comand: x\n", "unknown key `comand`", 1},
        {"user: root\n", "nothing of a release ever runs as root", 7},
        {"user: '0'\n", "is a number", 7},
        {"user: ''\n", "is not a user's name", 7},
        {"require: {}\n", "missing key `stages`", 10},
        {"require: {stages: []}\n", "names no stage", 19},
        {"require: {stages: [pre-push], threshold: 0}\n", "from 1 to 20", 42},
        {"shared: {dirs: [../x]}\n", "", 16},
        {"shared: {dirs: [.git]}\n", "", 16},
        {"shared: {dirs: [a, a/b]}\n", "overlap", 9},
        {"shared: {dirs: [a], files: [a]}\n", "overlap", 9},
        {"env: {1A: x}\n", "not a name of a variable", 11},
        {"env: {TIDEGATE_APP: x}\n", "reserved", 21},
        {"env: {DEBUG: on}\n", "`on` is a boolean", 14},
        {"env: [A=b]\n", "must be a map", 6},
        {"secrets: {KEY: hunter2}\n", "a secret is not written here", 16},
        {"secrets: {KEY: {}}\n", "needs one of: credential file", 16},
        {"secrets: {KEY: {credential: a, file: /b}}\n", "takes one of them", 0},
        {"secrets: {KEY: {credential: ../a}}\n", "plain name", 29},
        {"secrets: {KEY: {file: a}}\n", "must begin with /", 23},
        {"build: make\n", "must be a list", 8},
        {"build: [make]\n", "must be a map", 9},
        {"build: [{run: ''}]\n", "empty command", 15},
        {"build: [{run: []}]\n", "empty command", 15},
        {"build: [{}]\n", "missing key `run`", 9},
        {"migrate: {down: x}\n", "without `up` or `sql`", 10},
        {"migrate: {up: x, restore: y}\n", "without `backup`", 27},
        {"migrate: {up: x, sql: {client: psql, folder: db, database: web}}\n", "it takes one of them", 15},
        {"migrate: {down: x, sql: {client: psql, folder: db, database: web}}\n", "NNN_name.down.sql", 17},
        {"migrate: {sql: {client: oracle, folder: db, database: web}}\n", "", 25},
        {"migrate: {sql: {client: psql, folder: ../db, database: web}}\n", "", 39},
        {"migrate: {sql: {client: psql, folder: db}}\n", "needs one of: database url", 16},
        {"migrate: {sql: {client: psql, folder: db, url: {env: DATABASE_URL}}}\n", "neither in `env`", 54},
        {"migrate: {sql: {client: psql, folder: db, database: 'postgres://u:p@h/d'}}\n", "no addresses", 53},
        {"migrate: {sql: {client: psql, folder: db, database: web, defaults_file: /x}}\n", "mysql only", 73},
        {"migrate: {sql: {client: sqlite3, folder: db, database: app.db}}\n", "in no folder of `shared`", 56},
        {"migrate: {sql: {client: sqlite3, folder: db, database: /srv/web/current/a.db}}\n",
         "lies in a release", 56},
        {"migrate: {up: x, timeout: 5}\n", "", 27},
        {"migrate: {up: x, compatible: yes}\n", "true or false, not `yes`", 30},
        {"activate: [{restart: web}]\n", "not a unit's name", 22},
        {"activate: [{restart: ../x.service}]\n", "not a unit's name", 22},
        {"activate: [{restart: \"a\\nb.service\"}]\n", "not a unit's name", 22},
        {"activate: [{restart: -x.service}]\n", "not a unit's name", 22},
        {"activate: [{restart: a.service, run: x}]\n", "takes one of them", 0},
        {"activate: [{}]\n", "needs one of: start stop restart reload reload-or-restart enable run signal",
         12},
        {"health: [{}]\n", "needs one of: http tcp run unit sequence file database", 10},
        {"health: [{tcp: localhost}]\n", "must be host:port", 16},
        {"health: [{tcp: 'localhost:0'}]\n", "outside of 1 to 65535", 16},
        {"health: [{tcp: '::1:80'}]\n", "write [address]:port", 16},
        {"health: [{http: {url: 'ftp://x/'}}]\n", "", 23},
        {"health: [{http: {url: 'ssh://x/y'}}]\n", "http:// or https://", 23},
        {"health: [{http: {}}]\n", "missing key `url`", 17},
        {"health: [{http: {url: 'http://a/', status: 99}}]\n", "from 100 to 599", 44},
        {"health: [{unit: a.service, for: 5s, successes: 10}]\n", "can never pass", 10},
        {"health: [{unit: a.service, timeout: 5s}]\n", "unknown key `timeout`", 28},
        {"soak: -5s\n", "", 7},
        {"rollout: {waves: [canary]}\n", "the last wave must be 100%", 18},
        {"rollout: {waves: [50%, 25%, 100%]}\n", "must grow", 18},
        {"rollout: {waves: [50%, 0%, 100%]}\n", "neither a group's name", 18},
        {"keep: 0\n", "from 1 to 100", 7},
        {"keep: three\n", "whole number, not `three`", 7},
        {"self_heal: no\n", "true or false, not `no`", 12},
    };
    for (const auto& each : cases) {
        CAPTURE(std::string(each.lines));
        const auto manifest = parse_manifest("web.yaml", kShort + each.lines);
        REQUIRE_FALSE(manifest.has_value());
        CAPTURE(manifest.error().line());
        CHECK(manifest.error().kind == ErrorKind::Invalid);
        CHECK(manifest.error().message.find(each.message) != std::string::npos);
        REQUIRE(manifest.error().where.has_value());
        CHECK(manifest.error().where->line == 6);
        if (each.column > 0) CHECK(manifest.error().where->column == each.column);
    }
}

TEST_CASE("manifest: sources that cannot be right are refused") {
    const std::string head = "version: 1\napp: web\nroot: /srv/web\n";
    struct Case {
        std::string release;
        const char* message;
    };
    const std::string sum(64, 'a');
    const Case cases[] = {
        {"", "missing key `release`"},
        {"release: {}\n", "needs one of: git archive oci"},
        {"release: {git: {}, oci: {}}\n", "takes one of them"},
        {"release: {git: {url: 'https://h/x.git'}}\n", "missing key `commit`"},
        {"release: {git: {url: 'https://h/x.git', commit: abc}}\n", ""},
        {"release: {git: {url: 'https://h/x.git', commit: '" + std::string(40, '0') + "'}}\n", "null id"},
        {"release: {git: {url: 'https://h/x.git', commit: " + std::string(40, '1') + "}}\n", "64 bits"},
        {"release: {git: {url: 'ext::sh -c x', commit: " + kCommit + "}}\n", ""},
        {"release: {git: {url: '-oProxyCommand=x', commit: " + kCommit + "}}\n", ""},
        {"release: {git: {url: 'https://h/x.git', commit: " + kCommit + ", tag: 1.20}}\n",
         "`1.20` is a number"},
        {"release: {git: {url: 'https://h/x.git', commit: " + kCommit + ", tag: 'a b'}}\n", ""},
        {"release: {git: {url: 'https://h/x.git', commit: " + kCommit + ", branch: main}}\n",
         "unknown key `branch`"},
        {"release: {archive: {url: 'https://h/x.tar.zst'}}\n", "missing key `sha256`"},
        {"release: {archive: {url: 'https://h/x.tar.zst', sha256: ''}}\n", "is empty"},
        {"release: {archive: {url: 'https://h/x.tar.zst', sha256: " + sum.substr(1) + "}}\n",
         "64 hexadecimal"},
        {"release: {archive: {url: 'ssh://h/x', sha256: " + sum + "}}\n", "https://, http:// or file:///"},
        {"release: {oci: {ref: h/web, digest: 'md5:00'}}\n", "`digest` is sha256:"},
        {"release: {oci: {ref: 'h/web@sha256:1', digest: 'sha256:" + sum + "'}}\n", "without tag and digest"},
        {"release: {oci: {ref: 'h:5000/web:latest', digest: 'sha256:" + sum + "'}}\n",
         "without tag and digest"},
        {"release: {oci: {ref: 'h/../web', digest: 'sha256:" + sum + "'}}\n", "without tag and digest"},
        {"release: {oci: {ref: 'h/', digest: 'sha256:" + sum + "'}}\n", "without tag and digest"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.release);
        const auto manifest = parse_manifest("web.yaml", head + each.release);
        REQUIRE_FALSE(manifest.has_value());
        CAPTURE(manifest.error().line());
        CHECK(manifest.error().message.find(each.message) != std::string::npos);
        CHECK(manifest.error().where->line >= 1);
    }
    for (const char* root : {"srv/web", "/", "/srv/../etc", "/srv//web", "/srv/web/", "''", "/srv/./web"}) {
        CAPTURE(std::string(root));
        CHECK_FALSE(parse_manifest("w", "version: 1\napp: web\nrelease: {oci: {ref: h/w, digest: 'sha256:" +
                                            sum + "'}}\nroot: " + root + "\n")
                        .has_value());
    }
    for (const char* version : {"2", "'1'", "1.0", "~"})
        CHECK_FALSE(parse_manifest("w", "version: " + std::string(version) + kShort.substr(10)).has_value());
    for (const char* app : {"Web", "a/b", "..", "''", "-x", "1.0"})
        CHECK_FALSE(
            parse_manifest("w", "version: 1\napp: " + std::string(app) + kShort.substr(19)).has_value());
}

TEST_CASE("manifest: a release's folder depends on what is built, and on nothing else") {
    const auto id = [](const std::string& more) { return release_id(parsed(kShort + more)); };
    const auto plain = id("");
    CHECK(id("keep: 5\nhealth: [{tcp: 'localhost:80'}]\nactivate: [{run: x}]\n") == plain);
    CHECK(id("env: {A: b}\n") == plain);
    const auto built = id("build: [{run: make}]\n");
    CHECK(built != plain);
    CHECK(id("build: [{run: make, timeout: 1h}]\n") == built);
    CHECK(id("build: [{run: [make]}]\n") != built);
    CHECK(id("build: [{run: make}]\nenv: {A: b}\n") != built);
    CHECK(id("shared: {dirs: [a, b]}\n") != plain);
    CHECK(id("shared: {dirs: [a, b]}\n") == id("shared: {dirs: [b, a]}\n"));
    CHECK(id("shared: {dirs: [a]}\n") != id("shared: {files: [a]}\n"));
    CHECK(built.size() == 21);
}

TEST_CASE("manifest: a migration needs a way back, or to need none") {
    CHECK(parsed(kShort + "migrate: {up: a, down: b}\n").migrate.revertible());
    CHECK(parsed(kShort + "migrate: {up: a, compatible: true}\n").migrate.revertible());
    CHECK_FALSE(parsed(kShort + "migrate: {up: a}\n").migrate.revertible());
}

TEST_CASE("manifest: every activation step is read, and what makes no sense of it is refused") {
    const auto manifest =
        parsed(kShort +
               "activate:\n  - {reload-or-restart: web.service, settle: 3s}\n  - enable: web.timer\n"
               "  - signal: {unit: web.service, signal: USR2}\n"
               "  - {signal: {pidfile: /run/web.pid, signal: HUP}, timeout: 5s}\n");
    const auto& unit = std::get<UnitStep>(manifest.activate.at(0).what);
    CHECK(unit.action == UnitAction::ReloadOrRestart);
    CHECK(unit.settle == 3s);
    CHECK(std::get<UnitStep>(manifest.activate.at(1).what).action == UnitAction::Enable);
    CHECK(std::get<SignalStep>(manifest.activate.at(2).what).number == SIGUSR2);
    CHECK(manifest.activate.at(2).shown() == "signal USR2 to web.service");
    CHECK(manifest.activate.at(3).shown() == "signal HUP to /run/web.pid");

    struct Case {
        const char* step;
        const char* says;
    };
    for (const auto& each : {
             Case{"{stop: web.service, settle: 1s}", "`settle` says nothing of `stop`"},
             Case{"{run: ./x, settle: 1s}", "`settle` says nothing of `run`"},
             Case{"signal: {unit: web.service, signal: KILL}", "`signal` cannot be `KILL`"},
             Case{"signal: {unit: web.service}", "missing key `signal`"},
             Case{"signal: {unit: web.service, pidfile: /run/x, signal: HUP}", "it takes one of them"},
             Case{"signal: {pidfile: web.pid, signal: HUP}", "must begin with /"},
             Case{"restart: ../x.service", "is not a unit's name"},
             Case{"restart: \"x.service\\nreboot.target\"", "is not a unit's name"},
             Case{"restart: --force.service", "is not a unit's name"},
         }) {
        const auto& step = each.step;
        const auto* says = each.says;
        CAPTURE(step);
        const auto wrong = parse_manifest("web.yaml", kShort + "activate:\n  - " + step + "\n");
        REQUIRE_FALSE(wrong.has_value());
        CHECK_MESSAGE(wrong.error().message.find(says) != std::string::npos, wrong.error().line());
        REQUIRE(wrong.error().where);
        CHECK(wrong.error().where->line == 7);
    }
}

TEST_CASE("manifest: strategy blue-green needs its instances and upstream, and they need it") {
    const std::string instances =
        "instances: {unit: web@.service, blue: '127.0.0.1:1', green: '127.0.0.1:2', drain: 3s}\n";
    const std::string upstream = "upstream: {proxy: haproxy, name: web, reload: haproxy.service}\n";
    const auto both = parsed(kShort + "strategy: blue-green\n" + instances + upstream +
                             "health: [{http: {url: 'http://{instance}/'}}, {tcp: '{instance}'}]\n")
                          .blue_green;
    REQUIRE(both);
    CHECK(both->unit == "web@.service");
    CHECK(both->green == "127.0.0.1:2");
    CHECK(both->drain == 3s);
    CHECK(both->proxy == BlueGreen::Proxy::Haproxy);
    CHECK_FALSE(parsed(kShort + "strategy: in-place\n").blue_green);

    struct Case {
        std::string lines;
        const char* says;
    };
    for (const auto& each : {Case{"strategy: blue-green\n" + upstream, "needs `instances`"},
                             Case{instances, "needs `strategy: blue-green`"},
                             Case{"strategy: blue-green\n" + instances, "needs `upstream`"},
                             Case{"strategy: bluegreen\n", "`strategy` cannot be"},
                             Case{"strategy: blue-green\n" + upstream +
                                      "instances: {unit: web.service, blue: 'a:1', green: 'a:2'}\n",
                                  "is no template"},
                             Case{"strategy: blue-green\n" + upstream +
                                      "instances: {unit: web@.service, blue: 'a:1', green: 'a:1'}\n",
                                  "at one address"},
                             Case{"health: [{http: {url: 'http://{instance}/'}}]\n", "http://{instance}/"},
                             Case{"health: [{tcp: '{instance}'}]\n", "must be host:port"}}) {
        const auto& lines = each.lines;
        const auto* says = each.says;
        CAPTURE(lines);
        const auto wrong = parse_manifest("web.yaml", kShort + lines);
        REQUIRE_FALSE(wrong.has_value());
        CHECK_MESSAGE(wrong.error().line().find(says) != std::string::npos, wrong.error().line());
    }
}

TEST_CASE("manifest: every kind of health check is read, and nonsense is refused") {
    const auto health = parsed(kShort +
                               "health:\n"
                               "  - http: {url: 'https://a/', status: [200, 204, '300-399'], method: POST, "
                               "data: x, send: {A: b}, "
                               "json: {/a/0: 1}, tls: 14d, ca: /etc/ca.pem}\n"
                               "    after: 5s\n"
                               "  - sequence:\n"
                               "      - {url: 'http://a/', capture: {token: {json: /token}}}\n"
                               "      - {url: 'http://a/{token}', within: 2s}\n"
                               "  - file: {path: storage/beat, younger: 5m, content: ok}\n"
                               "  - database: {client: sqlite3, database: /srv/web/shared/db.sqlite, query: "
                               "select 2, answer: '2'}\n")
                            .health;
    REQUIRE(health.size() == 4);
    CHECK(health[0].after == 5s);
    const auto& http = std::get<HttpCheck>(health[0].what);
    CHECK(http.status == std::vector<std::pair<int, int>>{{200, 200}, {204, 204}, {300, 399}});
    CHECK(http.json.at("/a/0") == "1");
    CHECK(http.tls == 24h * 14);
    const auto& sequence = std::get<SequenceCheck>(health[1].what);
    REQUIRE(sequence.requests.size() == 2);
    CHECK(sequence.requests[0].capture.at("token").json == "/token");
    CHECK(sequence.requests[1].within == 2s);
    CHECK(std::get<FileCheck>(health[2].what).younger == 5min);
    CHECK(std::get<DatabaseCheck>(health[3].what).client == DatabaseClient::Sqlite3);
    CHECK(health[3].within == 30s);

    struct Case {
        std::string check;
        const char* says;
    };
    for (const auto& each : {
             Case{"http: {url: 'http://a/', status: 200-}", "from 100 to 599"},
             Case{"http: {url: 'http://a/', status: 299-200}", "from 100 to 599"},
             Case{"http: {url: 'http://a/', json: {status: ok}}", "is no JSON pointer"},
             Case{"http: {url: 'http://a/', tls: 1d}", "`url` is http://"},
             Case{"http: {url: 'http://a/{token}'}", "http://a/{token}"},
             Case{"http: {url: 'http://a/', capture: {a: {json: /a}}}", "unknown key `capture`"},
             Case{"sequence: []", "is empty"},
             Case{"sequence: [{url: 'http://a/', capture: {a: {after: x}}}]", "go together"},
             Case{"sequence: [{url: 'http://a/', capture: {commit: {json: /a}}}]", "cannot be the name"},
             Case{"file: {path: ../x}", ".."},
             Case{"database: {client: oracle, database: x}", "`client` cannot be"},
             Case{"database: {client: psql, database: 'postgres://u:p@h/x'}", "no addresses and passwords"},
             Case{"database: {client: psql, database: '-x'}", "is not a database's name"},
         }) {
        const auto& check = each.check;
        const auto* says = each.says;
        CAPTURE(check);
        const auto wrong = parse_manifest("web.yaml", kShort + "health:\n  - " + check + "\n");
        REQUIRE_FALSE(wrong.has_value());
        CHECK_MESSAGE(wrong.error().line().find(says) != std::string::npos, wrong.error().line());
    }
}

TEST_CASE("manifest: all mistakes are told wherever the first one is told, and none where none is") {
    const auto folder = std::string(TIDEGATE_SOURCE_DIR) + "/manifests/examples/production/";
    for (const auto& name : {"web.yaml", "docs.yaml", "api.yaml"}) {
        const auto text = read_file(folder + name, 1 << 20);
        if (!text) continue;
        CHECK(mistakes_of_manifest(name, *text).empty());
        const auto lines = split(*text, '\n');
        // Each line left out, said twice, and each value made another kind.
        for (size_t at = 0; at < lines.size(); ++at) {
            for (const std::string_view change : {"", "twice", ": [x]", ": {a: 1}", ": ~", ": -1"}) {
                std::string changed;
                for (size_t i = 0; i < lines.size(); ++i) {
                    const auto line = std::string(lines[i]);
                    const auto colon = line.find(": ");
                    if (i != at || change == "twice") changed += line + "\n";
                    if (i != at || change.empty()) continue;
                    if (change == "twice")
                        changed += line + "\n";
                    else
                        changed += line.substr(0, colon) + std::string(change) + "\n";
                }
                const auto first = parse_manifest(name, changed);
                const auto all = mistakes_of_manifest(name, changed);
                CAPTURE(changed);
                REQUIRE(all.empty() == first.has_value());
            }
        }
    }
    CHECK(mistakes_of_manifest("a", "keep: 0\nuser: root\nzz: 1\n").size() >= 3);
}
