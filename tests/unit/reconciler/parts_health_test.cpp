#include "parts_rig.hpp"
#include "reconciler/health.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
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

  private:
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
            char request[4096];
            (void)!::read(connection.get(), request, sizeof request);
            (void)!::write(connection.get(), answer.data(), answer.size());
        }
    }
    std::vector<std::string> answers_;
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
    return {server.url(), 200, body, {}, Duration(2000)};
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
    const auto nobody =
        try_probe(quick(HttpProbe{"http://127.0.0.1:1/", 200, "", {}, Duration(1000)}), {}, -1);
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
    CHECK(verdict.words.starts_with(bad.url() + " answered 503 for 0."));
    CHECK(verdict.took < Duration(10'000));
    CHECK(verdict.probes[0].stopped);
}

TEST_CASE("health: a server that hangs fails in its time, and is given up at once when asked to") {
    const Server hanging({""});
    const auto verdict = wait_healthy({quick(http_probe(hanging))}, {}).value();
    CHECK_FALSE(verdict.healthy);
    CHECK(verdict.took < Duration(3000));
    const auto before = std::chrono::steady_clock::now();
    const Fd cancel(eventfd(1, EFD_CLOEXEC));
    const auto cancelled = wait_healthy({quick(http_probe(hanging), Duration(60'000))}, {}, cancel.get());
    REQUIRE_FALSE(cancelled.has_value());
    CHECK(cancelled.error().kind == ErrorKind::Cancelled);
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::milliseconds(700));
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
