#include "parts_rig.hpp"
#include "reconciler/health.hpp"
#include "reconciler/probes.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <mutex>
#include <thread>

using namespace tidegate::reconciler;
using namespace tidegate::shared;

namespace {

// Answers each connection with the next of `answers`, the last one for ever; "" hangs.
class Server {
  public:
    explicit Server(std::vector<std::string> answers) : answers_(std::move(answers)) {
        listener_.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(listen(listener_.get(), 64) == 0);
        socklen_t size = sizeof address;
        REQUIRE(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~Server() {
        const std::uint64_t one = 1;
        (void)!::write(stop_.get(), &one, sizeof one);
        thread_.join();
    }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::string url() const { return "http://" + address() + "/healthz"; }
    [[nodiscard]] size_t asked() const { return asked_; }
    // What was asked, request after request.
    [[nodiscard]] std::string heard() const {
        const std::lock_guard lock(mutex_);
        return heard_;
    }

  private:
    // All of it: closed with something unread, the connection would take the answer with it.
    static std::string request_of(const Fd& connection) {
        constexpr std::string_view length = "Content-Length: ";
        std::string text;
        char piece[4096];
        while (true) {
            if (const auto end = text.find("\r\n\r\n"); end != std::string::npos) {
                const auto at = text.find(length);
                if (at > end || text.size() >= end + 4 + std::stoul(text.substr(at + length.size())))
                    return text;
            }
            const auto got = ::read(connection.get(), piece, sizeof piece);
            if (got <= 0) return text;
            text.append(piece, static_cast<size_t>(got));
        }
    }
    void serve() {
        std::vector<Fd> hanging;
        while (true) {
            pollfd polled[2] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
            ::poll(polled, 2, -1);
            if (polled[1].revents != 0) return;
            Fd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            const auto& answer = answers_[std::min<size_t>(asked_++, answers_.size() - 1)];
            if (answer.empty()) {
                hanging.push_back(std::move(connection));
                continue;
            }
            const auto request = request_of(connection);
            {
                const std::lock_guard lock(mutex_);
                heard_ += request;
            }
            (void)!::write(connection.get(), answer.data(), answer.size());
        }
    }
    std::vector<std::string> answers_;
    mutable std::mutex mutex_;
    std::string heard_;
    std::atomic<size_t> asked_{0};
    int port_ = 0;
    Fd listener_;
    Fd stop_{eventfd(0, EFD_CLOEXEC)};
    std::thread thread_;
};

std::string answer(int status, const std::string& body = "ok", const std::string& headers = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n" + headers + "\r\n" + body;
}

Probe quick(decltype(Probe::what) what, Duration patience = Duration(300)) {
    return Probe{std::move(what), patience, 1, Duration(10), 3};
}

HttpProbe http_probe(const Server& server, const std::string& body = "") {
    HttpProbe probe;
    probe.url = server.url();
    probe.body = body;
    probe.within = Duration(2000);
    return probe;
}

}  // namespace

TEST_CASE("health: an http probe tells the status, the missing text, and that nothing answers") {
    struct Case {
        std::string says;
        std::string words;
        bool good;
    };
    const std::vector<Case> cases{{answer(200), "answered 200", true},
                                  {answer(503), "answered 503", false},
                                  {answer(200, "starting"), "answered 200 without `ok`", false},
                                  {answer(302, "ok", "Location: /\r\n"), "answered 302", false}};
    for (const auto& [says, words, good] : cases) {
        const Server server({says});
        const auto tried = try_probe(quick(http_probe(server, "ok")), {}, -1);
        CHECK(tried.good == good);
        CHECK(tried.words == words);
    }
    HttpProbe nowhere;
    nowhere.url = "http://127.0.0.1:1/";
    const auto nobody = try_probe(quick(nowhere), {}, -1);
    CHECK_FALSE(nobody.good);
    CHECK(nobody.words.starts_with("gave no answer"));
}

TEST_CASE("health: an old version that answers 200 does not pass for the new one (attack 81)") {
    const Server server({answer(200, "ok", "X-Release: 1\r\n")});
    CommandSite site{"web", id_of("2"), id_of("1"), Oid::parse(std::string(40, 'c')).value(),
                     "/",   {},         {},         {}};
    const HealthSite health{&site, nullptr, nullptr};
    auto probe = http_probe(server);
    probe.headers = {{"x-release", "{release}"}};
    CHECK(try_probe(quick(probe), health, -1).words == "answered 200 with x-release: 1, wanted 2");
    site.release = id_of("1");
    CHECK(try_probe(quick(probe), health, -1).good);
}

TEST_CASE("health: waits until every probe passed often enough in a row") {
    const Server flapping({answer(503), answer(200), answer(503), answer(200), answer(200)});
    const Server listening({answer(200)});
    auto probe = quick(http_probe(flapping), Duration(20'000));
    probe.successes = 2;
    const auto verdict =
        wait_healthy({probe, quick(TcpProbe{listening.address(), Duration(1000)})}, {}).value();
    CHECK(verdict.healthy);
    CHECK(verdict.words == "2 probes passed");
    CHECK(verdict.probes[0].tries == 5);
}

TEST_CASE(
    "health: the verdict says which probe, its last answer, and for how long; the others are not waited "
    "for") {
    const Server bad({answer(503)});
    const Server good({answer(200)});
    auto slow = quick(TcpProbe{good.address(), Duration(1000)}, Duration(60'000));
    slow.successes = 1'000'000;
    const auto verdict = wait_healthy({slow, quick(http_probe(bad))}, {}).value();
    CHECK_FALSE(verdict.healthy);
    CHECK(verdict.words.starts_with(bad.url() + " answered 503 for "));
    CHECK(verdict.took < Duration(50'000));
    CHECK(verdict.probes[0].stopped);
}

TEST_CASE("health: a server that hangs fails in its time, and is given up at once when asked to") {
    const Server hanging({""});
    const auto verdict = wait_healthy({quick(http_probe(hanging))}, {}).value();
    CHECK_FALSE(verdict.healthy);
    CHECK(verdict.took < Duration(50'000));
    const auto before = std::chrono::steady_clock::now();
    const Fd cancel(eventfd(1, EFD_CLOEXEC));
    const auto cancelled = wait_healthy({quick(http_probe(hanging), Duration(60'000))}, {}, cancel.get());
    REQUIRE_FALSE(cancelled.has_value());
    CHECK(cancelled.error().kind == ErrorKind::Cancelled);
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(50));
}

TEST_CASE("health: tcp says refused, run says how it ended, a unit without systemd says so") {
    CHECK(try_probe(quick(TcpProbe{"127.0.0.1:1", Duration(500)}), {}, -1).words == "refused the connection");
    CHECK(try_probe(quick(TcpProbe{"nonsense", Duration(500)}), {}, -1).words == "is not HOST:PORT");
    const PartsRig rig;
    CommandSite site{"web",      id_of("2"), id_of("1"), Oid::parse(std::string(40, 'c')).value(),
                     rig.path(), {},         {},         {}};
    if (geteuid() == 0) {
        const passwd* entry = getpwnam("nobody");
        site.user = RunAs{entry->pw_uid, entry->pw_gid, "nobody"};
    }
    site.secrets = {{"TOKEN", "hunter22"}};
    const HealthSite health{&site, nullptr, nullptr};
    const auto run =
        try_probe(quick(RunProbe{Script{"echo $TOKEN; exit 7", {}}, Duration(5000)}), health, -1);
    CHECK(run.words == "failed: exit 7: [secret]");
    CHECK(try_probe(quick(RunProbe{Script{"true", {}}, Duration(5000)}), health, -1).good);
    if (exists("/run/systemd/system")) return;
    const auto units = host_units();
    const auto unit = try_probe(quick(UnitProbe{"web.service"}), {nullptr, nullptr, units.get()}, -1);
    CHECK_FALSE(unit.good);
    CHECK(unit.words.find("systemd does not run on this host") != std::string::npos);
}

TEST_CASE("health: the soak fails when a probe fails often enough in a row, and not for one bad answer") {
    const Server once({answer(200), answer(503), answer(200)});
    CHECK(watch_healthy({quick(http_probe(once))}, {}, Duration(300)).value().healthy);
    const Server dying({answer(200), answer(200), answer(503)});
    const auto verdict = watch_healthy({quick(http_probe(dying))}, {}, Duration(30'000)).value();
    CHECK_FALSE(verdict.healthy);
    CHECK(verdict.words.find("answered 503, ") != std::string::npos);
    CHECK(verdict.probes[0].tries == 5);
}

TEST_CASE("health: one that flaps through the soak fails it (attack 81)") {
    std::vector<std::string> answers;
    for (int i = 0; i < 100; ++i) answers.push_back(answer(i % 2 == 0 ? 200 : 503));
    const Server server(answers);
    const auto verdict = watch_healthy({quick(http_probe(server))}, {}, Duration(30'000)).value();
    CHECK_FALSE(verdict.healthy);
    CHECK(verdict.words.find("failed 6 of 12 times") != std::string::npos);
}

TEST_CASE("health: a look asks each probe once and waits for nobody") {
    const Server good({answer(200)});
    const Server bad({answer(500)});
    const auto verdict = check_healthy({quick(http_probe(good)), quick(http_probe(bad))}, {});
    CHECK_FALSE(verdict.healthy);
    CHECK(verdict.words == bad.url() + " answered 500");
    CHECK(good.asked() == 1);
    CHECK(bad.asked() == 1);
    CHECK(check_healthy({}, {}).healthy);
}

TEST_CASE("units: names that are none are refused before anything is asked (attack 84)") {
    for (const char* name : {"web.service", "web@1.service", "a-b_c.socket", "x.timer"})
        CHECK(check_unit_name(name));
    for (const char* name : {"", "web", "../x.service", "a\nb.service", "-H.service", "x y.service",
                             ".service", "web.mount", "a/b.service"})
        CHECK_FALSE(check_unit_name(name).has_value());
}

namespace {

CommandSite site_at(const std::string& folder) {
    CommandSite site{"web",  id_of("2"), id_of("1"), Oid::parse(std::string(40, 'c')).value(),
                     folder, {},         {},         {}};
    site.label = "v2";
    if (geteuid() == 0) {
        const passwd* entry = getpwnam("nobody");
        site.user = RunAs{entry->pw_uid, entry->pw_gid, "nobody"};
    }
    return site;
}

}  // namespace

TEST_CASE("health: json values, status ranges and requests of any method are asked") {
    const auto site = site_at("/");
    const HealthSite health{&site, nullptr, nullptr, "127.0.0.1:8081"};
    struct Case {
        std::string body;
        const char* pointer;
        const char* wanted;
        std::string words;
    };
    for (const auto& each : {
             Case{R"({"status":"ok"})", "/status", "ok", "answered 204"},
             Case{R"({"v":"v2"})", "/v", "{version}", "answered 204"},
             Case{R"({"v":"v1"})", "/v", "{version}", "answered 204 with /v: v1, wanted v2"},
             Case{R"({"a":[{"x/y":1}]})", "/a/0/x~1y", "1", "answered 204"},
             Case{R"({"a":[1]})", "/a/1", "1", "answered 204 without /a/1"},
             Case{R"({"a":true})", "/a", "true", "answered 204"},
             Case{"<html>", "/a", "1", "answered 204 with what is no JSON"},
         }) {
        CAPTURE(each.body);
        // An answer of 204 would have no body for curl; 2xx is what the range asks.
        const Server server({answer(203, each.body)});
        auto probe = http_probe(server);
        probe.status = {{200, 299}, {304, 304}};
        probe.method = "POST";
        probe.data = "who={instance}";
        probe.send = {{"X-Probe", "{commit}"}};
        probe.json = {{each.pointer, each.wanted}};
        auto expected = each.words;
        expected.replace(expected.find("204"), 3, "203");
        CHECK(try_probe(quick(probe), health, -1).words == expected);
        CHECK(server.heard().starts_with("POST /healthz "));
        CHECK(server.heard().find("X-Probe: cccc") != std::string::npos);
        CHECK(server.heard().find("who=127.0.0.1:8081") != std::string::npos);
    }
}

TEST_CASE("health: a login is one check, with its cookie and what was captured") {
    const Server server(
        {answer(200, "<input name=\"csrf\" value=\"t0k\">", "Set-Cookie: sid=1; HttpOnly\r\n"),
         answer(302, "", "Set-Cookie: sid=2\r\nSet-Cookie: theme=dark\r\nLocation: /account\r\n"),
         answer(200, R"({"user":"probe"})")});
    SequenceProbe login;
    for (int i = 0; i < 3; ++i) login.requests.push_back(http_probe(server));
    login.requests[0].capture["csrf"] = {"", "", "name=\"csrf\" value=\"", "\""};
    login.requests[1].method = "POST";
    login.requests[1].data = "csrf={csrf}";
    login.requests[1].status = {{300, 399}};
    login.requests[2].json = {{"/user", "probe"}};
    const auto good = try_probe(quick(login), {}, -1);
    CHECK_MESSAGE(good.good, good.words);
    const auto heard = server.heard();
    CHECK(heard.find("csrf=t0k") != std::string::npos);
    CHECK(heard.find("Cookie: sid=1") != std::string::npos);
    CHECK(heard.find("Cookie: sid=2; theme=dark") != std::string::npos);

    const Server closed({answer(200, "no form here")});
    for (auto& request : login.requests) request.url = closed.url();
    const auto bad = try_probe(quick(login), {}, -1);
    CHECK_FALSE(bad.good);
    CHECK(bad.words ==
          "request 1 of 3, GET " + closed.url() + ", answered 200 without what is captured as csrf");
}

TEST_CASE("health: a file must be there, young enough, and hold the text") {
    const PartsRig rig;
    const auto site = site_at(rig.path());
    const HealthSite health{&site, nullptr, nullptr};
    const auto words = [&](const FileProbe& probe) { return try_probe(quick(probe), health, -1).words; };
    CHECK(words({"beat", {}, {}}) == "is not there");
    rig.sh("echo v2 lives >beat; touch -d '1 hour ago' old; mkdir folder; mkfifo pipe");
    CHECK(try_probe(quick(FileProbe{"beat", Duration(60'000), "{version}"}), health, -1).good);
    CHECK(try_probe(quick(FileProbe{rig.path() + "/beat", {}, "lives"}), health, -1).good);
    CHECK(words({"beat", {}, "{commit}"}).starts_with("does not hold `"));
    CHECK(words({"old", Duration(60'000), {}}).starts_with("was last changed 1h"));
    CHECK(words({"folder", {}, {}}) == "is no file");
    CHECK(words({"pipe", {}, {}}) == "is no file");
}

TEST_CASE("health: a database answers through its client program") {
    const PartsRig rig;
    rig.sh(
        "chmod 777 . && sqlite3 db.sqlite 'create table users(n); insert into users values (7)' && chmod 666 "
        "db.sqlite");
    const auto site = site_at(rig.path());
    const HealthSite health{&site, nullptr, nullptr};
    DatabaseProbe probe{
        {tidegate::manifests::DatabaseClient::Sqlite3, "db.sqlite", "select n from users", "7"},
        Duration(20'000)};
    const auto good = try_probe(quick(probe), health, -1);
    CHECK_MESSAGE(good.good, good.words);
    probe.check.answer = "8";
    CHECK(try_probe(quick(probe), health, -1).words == "answered without `8`");
    probe.check.query = "select n from nowhere";
    CHECK(try_probe(quick(probe), health, -1).words.find("no such table: nowhere") != std::string::npos);
    probe.check.database = "missing.sqlite";
    CHECK_FALSE(try_probe(quick(probe), health, -1).good);
    CHECK_FALSE(exists(rig.path() + "/missing.sqlite"));
    // No password and no address is ever on these command lines.
    probe.check.client = tidegate::manifests::DatabaseClient::Mysql;
    CHECK(database_command(probe.check, Duration(3000)) ==
          std::vector<std::string>{"mysql", "--batch", "--skip-column-names", "--connect-timeout=3",
                                   "--database=missing.sqlite", "--execute=select n from nowhere"});
    probe.check.client = tidegate::manifests::DatabaseClient::Psql;
    CHECK(database_command(probe.check, Duration(3000)).front() == "psql");
}
