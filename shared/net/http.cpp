#include "shared/net/http.hpp"

#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <mutex>

namespace tidegate::shared {

namespace {

void start_curl_once() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// What the callbacks of one exchange write to. They are called from C: nothing in them throws across.
struct Exchange {
    const HttpRequest* request = nullptr;
    CURL* curl = nullptr;
    bool head_seen = false;
    HttpResponse response;
    std::optional<Error> stopped;  // a callback of the caller's said no
    bool cancelled = false;
    bool refused_address = false;
};

// Whether the caller goes on with an answer that begins like this.
bool show_head(Exchange& exchange) noexcept {
    if (exchange.head_seen) return true;
    exchange.head_seen = true;
    long status = 0;
    curl_easy_getinfo(exchange.curl, CURLINFO_RESPONSE_CODE, &status);
    exchange.response.status = static_cast<int>(status);
    if (!exchange.request->on_head) return true;
    auto taken = exchange.request->on_head(exchange.response);
    if (!taken) exchange.stopped = std::move(taken.error());
    return !exchange.stopped;
}

size_t take_body(char* bytes, size_t size, size_t count, void* user) noexcept {
    auto& exchange = *static_cast<Exchange*>(user);
    const std::string_view piece(bytes, size * count);
    if (!show_head(exchange)) return 0;
    if (exchange.request->on_body) {
        auto taken = exchange.request->on_body(piece);
        if (!taken) exchange.stopped = std::move(taken.error());
        return taken ? piece.size() : 0;
    }
    auto& body = exchange.response.body;
    const auto room = exchange.request->body_limit - std::min(exchange.request->body_limit, body.size());
    body += piece.substr(0, room);
    if (piece.size() <= room) return piece.size();
    exchange.response.truncated = true;
    return 0;
}

size_t take_header(char* bytes, size_t size, size_t count, void* user) noexcept {
    auto& exchange = *static_cast<Exchange*>(user);
    const std::string_view line(bytes, size * count);
    constexpr size_t kMostHeaders = 200;
    constexpr size_t kLongestHeader = 16384;
    const auto colon = line.find(':');
    if (line.starts_with("HTTP/")) exchange.response.headers.clear();
    if (colon == std::string_view::npos) return line.size();
    if (exchange.response.headers.size() >= kMostHeaders || line.size() > kLongestHeader) return 0;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    exchange.response.headers.emplace(std::move(name), std::string(trim(line.substr(colon + 1))));
    return line.size();
}

int watch_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
    auto& exchange = *static_cast<Exchange*>(user);
    if (exchange.request->cancel_fd < 0) return 0;
    pollfd cancel{exchange.request->cancel_fd, POLLIN, 0};
    exchange.cancelled = ::poll(&cancel, 1, 0) > 0;
    return exchange.cancelled ? 1 : 0;
}

bool is_public_v4(std::uint32_t address) {
    const auto in = [&](std::uint32_t net, int bits) {
        return (address >> (32 - bits)) == (net >> (32 - bits));
    };
    return !(in(0x00000000, 8) || in(0x0A000000, 8) || in(0x64400000, 10) || in(0x7F000000, 8) ||
             in(0xA9FE0000, 16) || in(0xAC100000, 12) || in(0xC0000000, 24) || in(0xC0A80000, 16) ||
             in(0xC6120000, 15) || in(0xE0000000, 4) || in(0xF0000000, 4));
}

bool is_public(const sockaddr& address) {
    if (address.sa_family == AF_INET)
        return is_public_v4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
    if (address.sa_family != AF_INET6) return false;
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
        std::uint32_t v4 = 0;
        std::memcpy(&v4, &v6.s6_addr[12], sizeof v4);
        return is_public_v4(ntohl(v4));
    }
    return (v6.s6_addr[0] & 0xE0) == 0x20;  // 2000::/3, global unicast
}

bool is_link_local(const sockaddr& address) {
    if (address.sa_family == AF_INET)
        return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 16 == 0xA9FE;
    if (address.sa_family != AF_INET6) return true;
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == 0xA9 && v6.s6_addr[13] == 0xFE;
    constexpr unsigned char kMetadata[] = {0xFD, 0x00, 0x0E, 0xC2};  // fd00:ec2::254
    return IN6_IS_ADDR_LINKLOCAL(&v6) || std::memcmp(v6.s6_addr, kMetadata, sizeof kMetadata) == 0;
}

curl_socket_t open_checked_socket(void* user, curlsocktype, curl_sockaddr* address) noexcept {
    auto& exchange = *static_cast<Exchange*>(user);
    const bool refused =
        exchange.request->public_only ? !is_public(address->addr) : is_link_local(address->addr);
    if (refused) {
        exchange.refused_address = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

ErrorKind kind_of(CURLcode code) {
    switch (code) {
        case CURLE_OPERATION_TIMEDOUT: return ErrorKind::Timeout;
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL: return ErrorKind::Invalid;
        case CURLE_PEER_FAILED_VERIFICATION: return ErrorKind::Denied;
        default: return ErrorKind::Transient;
    }
}

using Curl = Handle<CURL, curl_easy_cleanup>;
using HeaderList = Handle<curl_slist, curl_slist_free_all>;

void set_limits(CURL* curl, const HttpRequest& request) {
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    // The environment's proxies would connect on our behalf: past the check of addresses, and a probe of this host
    // would be answered by another machine.
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     static_cast<long>(std::max<Duration::rep>(request.timeout.count(), 1)));
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (request.want_certificate) curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
    if (request.slowest > 0) {
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(request.slowest));
        curl_easy_setopt(
            curl, CURLOPT_LOW_SPEED_TIME,
            static_cast<long>(std::chrono::ceil<std::chrono::seconds>(request.slow_for).count()));
    }
    if (request.ca_file) curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file->c_str());
    if (request.unix_socket) curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket->c_str());
}

void set_callbacks(CURL* curl, Exchange& exchange) {
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
    if (!exchange.request->public_only && !exchange.request->no_link_local) return;
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_checked_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &exchange);
}

// "Expire date:Nov 21 05:57:50 2036 GMT" of the first certificate, the server's own.
std::optional<WallTime> end_of_certificate(CURL* curl) {
    curl_certinfo* chain = nullptr;
    if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == nullptr ||
        chain->num_of_certs < 1)
        return std::nullopt;
    constexpr std::string_view kName = "Expire date:";
    for (const curl_slist* field = chain->certinfo[0]; field != nullptr; field = field->next) {
        const std::string_view text(field->data);
        if (!text.starts_with(kName)) continue;
        std::tm time{};
        if (strptime(field->data + kName.size(), "%b %d %H:%M:%S %Y GMT", &time) == nullptr)
            return std::nullopt;
        return WallTime(std::chrono::seconds(timegm(&time)));
    }
    return std::nullopt;
}

using CurlMulti = Handle<CURLM, curl_multi_cleanup>;

// curl_easy_perform() that is given up at once when cancel_fd gets readable: curl alone looks up once a second.
CURLcode perform(CURLM* multi, CURL* curl, Exchange& exchange) {
    if (multi == nullptr || curl_multi_add_handle(multi, curl) != CURLM_OK) return CURLE_OUT_OF_MEMORY;
    CURLcode result = CURLE_ABORTED_BY_CALLBACK;
    const int cancel_fd = exchange.request->cancel_fd;
    for (int running = 1; running > 0 && !exchange.cancelled;) {
        if (curl_multi_perform(multi, &running) != CURLM_OK) result = CURLE_RECV_ERROR;
        if (running == 0 || result == CURLE_RECV_ERROR) break;
        curl_waitfd cancel{cancel_fd, CURL_WAIT_POLLIN, 0};
        curl_multi_poll(multi, &cancel, cancel_fd >= 0 ? 1 : 0, 1000, nullptr);
        exchange.cancelled = cancel_fd >= 0 && cancel.revents != 0;
    }
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left))
        if (message->msg == CURLMSG_DONE) result = message->data.result;
    curl_multi_remove_handle(multi, curl);
    return result;
}

}  // namespace

struct HttpClient::State {
    CurlMulti multi;  // holds the connections
};

HttpClient::HttpClient() : state_(std::make_unique<State>()) {
    start_curl_once();
    state_->multi.reset(curl_multi_init());
}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<HttpResponse> http(const HttpRequest& request) {
    return HttpClient().send(request);
}

Result<HttpResponse> HttpClient::send(const HttpRequest& request) {
    const Curl curl(curl_easy_init());
    if (!curl) return fail(ErrorKind::Transient, "cannot start an HTTP request");
    Exchange exchange;
    exchange.request = &request;
    exchange.curl = curl.get();
    char why[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(curl.get(), CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, why);
    set_limits(curl.get(), request);
    set_callbacks(curl.get(), exchange);
    if (request.method == "HEAD") curl_easy_setopt(curl.get(), CURLOPT_NOBODY, 1L);
    if (!request.body.empty()) {
        curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, request.body.data());
        curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.body.size()));
    }
    if (request.method != "HEAD") curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
    HeaderList headers;
    for (const auto& [name, value] : request.headers) {
        const auto line = name + ": " + value;
        if (line.find_first_of("\r\n") != std::string::npos)
            return fail(ErrorKind::Invalid, "a line break in the HTTP header " + escape_foreign(name));
        curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
        if (longer == nullptr) return fail(ErrorKind::Transient, "out of memory");
        (void)headers.release();
        headers.reset(longer);
    }
    if (headers) curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());

    const auto started = std::chrono::steady_clock::now();
    const CURLcode code = perform(state_->multi.get(), curl.get(), exchange);
    exchange.response.took = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - started);
    if (code == CURLE_OK || exchange.head_seen) (void)show_head(exchange);
    if (request.want_certificate) exchange.response.certificate_ends = end_of_certificate(curl.get());
    if (exchange.stopped) return fail(std::move(*exchange.stopped));
    if (code == CURLE_OK || exchange.response.truncated) return std::move(exchange.response);
    if (exchange.cancelled) return fail(ErrorKind::Cancelled, "cancelled");
    if (exchange.refused_address)
        return fail(ErrorKind::Denied,
                    request.public_only ? "the address is not public" : "the address is link-local",
                    request.public_only
                        ? "loopback, private, link-local and metadata addresses are refused here"
                        : "link-local addresses, the metadata services of clouds among them, are refused");
    return fail(kind_of(code), escape_foreign(why[0] != '\0' ? why : curl_easy_strerror(code)));
}

}  // namespace tidegate::shared
