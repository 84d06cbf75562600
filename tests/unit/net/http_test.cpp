#include "shared/net/http.hpp"

#include "shared/base/fd.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <thread>

using namespace tidegate::shared;

namespace {

// Answers one connection with `answer` and closes; port 0 picks a free one.
class OneAnswer {
  public:
    explicit OneAnswer(std::string answer) {
        listener_.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(listen(listener_.get(), 1) == 0);
        socklen_t size = sizeof address;
        getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, text = std::move(answer)] {
            const Fd client(accept(listener_.get(), nullptr, nullptr));
            char buffer[4096];
            (void)!read(client.get(), buffer, sizeof buffer);
            (void)!send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
        });
    }
    ~OneAnswer() {
        shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

  private:
    Fd listener_;
    int port_ = 0;
    std::thread thread_;
};

}  // namespace

TEST_CASE("http: status, headers and body come back") {
    const OneAnswer server("HTTP/1.1 503 Busy\r\nX-Version: 7\r\nContent-Length: 2\r\n\r\nno");
    HttpRequest request;
    request.url = server.url();
    const auto response = http(request);
    REQUIRE(response.has_value());
    CHECK(response->status == 503);
    CHECK(response->body == "no");
    CHECK(response->headers.find("x-version")->second == "7");
}

TEST_CASE("http: a body over the limit is cut, a redirect is not followed") {
    const OneAnswer server("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n" +
                           std::string(5000, 'x'));
    HttpRequest request;
    request.url = server.url();
    request.body_limit = 100;
    const auto response = http(request);
    REQUIRE(response.has_value());
    CHECK(response->status == 302);
    CHECK(response->body.size() == 100);
    CHECK(response->truncated);
}

TEST_CASE("http: only http and https are spoken, and private addresses are refused where asked (attack 25)") {
    HttpRequest request;
    request.url = "file:///etc/passwd";
    CHECK_FALSE(http(request).has_value());
    const OneAnswer server("HTTP/1.1 200 OK\r\n\r\n");
    request.url = server.url();
    request.public_only = true;
    const auto refused = http(request);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::Denied);
    request.public_only = false;
    CHECK(http(request).has_value());
}

TEST_CASE("http: nobody there is transient, nobody answering is a timeout") {
    HttpRequest request;
    request.url = "http://127.0.0.1:1/";
    const auto nobody = http(request);
    REQUIRE_FALSE(nobody.has_value());
    CHECK(nobody.error().kind == ErrorKind::Transient);
}

TEST_CASE("http: the environment's proxies are not used") {
    // Nobody listens there: a request that went by this proxy would fail.
    for (const char* name : {"http_proxy", "ALL_PROXY", "all_proxy"}) setenv(name, "http://127.0.0.1:1", 1);
    {
        const OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        HttpRequest request;
        request.url = server.url();
        const auto response = http(request);
        CHECK(response.has_value());
        // The server's thread waits for one connection: give it one if the request went elsewhere.
        if (!response)
            for (const char* name : {"http_proxy", "ALL_PROXY", "all_proxy"}) unsetenv(name);
        if (!response) (void)http(request);
    }
    for (const char* name : {"http_proxy", "ALL_PROXY", "all_proxy"}) unsetenv(name);
}
