// An HTTP client over libcurl: one request at a time, everything bounded, redirects never followed by
// themselves, the environment's proxies (http_proxy, ALL_PROXY …) never used.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/error.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::shared {

struct HttpResponse {
    int status = 0;
    std::multimap<std::string, std::string> headers;  // names in lower case
    std::string body;
    bool truncated = false;
    Duration took{0};
    std::optional<WallTime> certificate_ends;  // of the server's own certificate

    // The first header of that name (in lower case); empty where there is none.
    [[nodiscard]] std::string header(const std::string& name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string() : found->second;
    }
};

struct HttpRequest {
    std::string url;  // http:// or https:// only
    std::string method = "GET";
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    Duration timeout{10'000};     // for the whole exchange
    size_t body_limit = 1 << 20;  // a longer answer is cut there and `truncated` is set
    int cancel_fd = -1;           // readable: give up (Cancelled); not owned
    bool public_only = false;     // refuse loopback, private, link-local and metadata addresses (Denied)
    bool no_link_local = false;   // refuse link-local ones, the clouds' metadata services among them (Denied)
    // A transfer that brings fewer bytes a second for that long is given up (Timeout); 0: no such limit.
    std::uint64_t slowest = 0;
    Duration slow_for{30'000};
    std::optional<std::string> unix_socket;  // connect here instead
    std::optional<std::string> ca_file;
    bool want_certificate = false;  // https: fills certificate_ends
    // Called once when status and headers are there, before any of the body; an error ends the exchange with it.
    std::function<Result<void>(const HttpResponse&)> on_head;
    // Instead of collecting the body: called with each piece; an error ends the transfer with it.
    std::function<Result<void>(std::string_view)> on_body;
};

// Transient for what may pass (resolve, connect, reset), Timeout, Denied, Invalid for a wrong URL. Any status
// is a success here. Thread-safe.
[[nodiscard]] Result<HttpResponse> http(const HttpRequest& request);

// The same over connections that stay open between requests. One request at a time.
class HttpClient {
  public:
    HttpClient();
    ~HttpClient();
    HttpClient(HttpClient&&) noexcept;
    HttpClient& operator=(HttpClient&&) noexcept;
    [[nodiscard]] Result<HttpResponse> send(const HttpRequest& request);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace tidegate::shared
