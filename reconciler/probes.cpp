// One try of one probe.
#include "reconciler/health.hpp"
#include "shared/base/text.hpp"
#include "shared/net/http.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kBodyLooked = 1 << 20;
constexpr size_t kShown = 120;

std::string shown(std::string_view text) {
    return escape_foreign(text.substr(0, kShown)) + (text.size() > kShown ? "…" : "");
}

// "{release}" and "{commit}" in what an answer must hold.
std::string filled(std::string text, const HealthSite& site) {
    if (site.commands == nullptr) return text;
    const auto put = [&](std::string_view name, const std::string& value) {
        for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
            text.replace(at, name.size(), value);
    };
    put("{release}", site.commands->release.str());
    put("{commit}", site.commands->commit.str());
    return text;
}

ProbeAnswer bad(std::string words) {
    return {false, std::move(words), Duration(0)};
}

// What is wrong with an answer, empty for nothing.
std::string wrong_with(const HttpResponse& response, const HttpProbe& probe, const HealthSite& site) {
    const auto answered = "answered " + std::to_string(response.status);
    if (response.status != probe.status) return answered;
    const auto body = filled(probe.body, site);
    if (!body.empty() && response.body.find(body) == std::string::npos)
        return answered + " without `" + shown(body) + "`";
    for (const auto& [name, value] : probe.headers) {
        std::string key = name;
        for (auto& c : key) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        const auto wanted = filled(value, site);
        const auto found = response.headers.find(key);
        if (found == response.headers.end()) return answered + " without the header " + shown(key);
        if (found->second.find(wanted) == std::string::npos)
            return answered + " with " + shown(key) + ": " + shown(found->second) + ", wanted " +
                   shown(wanted);
    }
    return {};
}

ProbeAnswer ask(const HttpProbe& probe, const HealthSite& site, int cancel_fd) {
    HttpRequest request;
    request.url = probe.url;
    request.timeout = probe.within;
    request.body_limit = kBodyLooked;
    request.cancel_fd = cancel_fd;
    request.headers = {{"User-Agent", "tidegate-health"}};
    const auto response = http(request);
    if (response) {
        auto wrong = wrong_with(*response, probe, site);
        const bool good = wrong.empty();
        return {good, good ? "answered " + std::to_string(response->status) : std::move(wrong),
                response->took};
    }
    if (response.error().kind == ErrorKind::Timeout)
        return bad("gave no answer within " + human_duration(probe.within));
    return bad("gave no answer (" + response.error().message + ")");
}

struct HostPort {
    std::string host;
    std::string port;
};

std::optional<HostPort> parse_address(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon + 1 == text.size()) return std::nullopt;
    HostPort address{text.substr(0, colon), text.substr(colon + 1)};
    if (address.host.starts_with('[') && address.host.ends_with(']'))
        address.host = address.host.substr(1, address.host.size() - 2);
    if (address.host.empty()) address.host = "127.0.0.1";
    return address;
}

// Connects to one address: an errno value, 0 for success.
int connect_to(const addrinfo& address, int timeout_ms, int cancel_fd) {
    const Fd fd(socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return errno;
    if (connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    pollfd polled[2] = {{fd.get(), POLLOUT, 0}, {cancel_fd, POLLIN, 0}};
    const int ready = ::poll(polled, cancel_fd >= 0 ? 2 : 1, timeout_ms);
    if (ready < 0) return errno;
    if (ready == 0) return ETIMEDOUT;
    if (polled[0].revents == 0) return ECANCELED;
    int code = 0;
    socklen_t size = sizeof code;
    if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) return errno;
    return code;
}

ProbeAnswer ask(const TcpProbe& probe, const HealthSite&, int cancel_fd) {
    const auto address = parse_address(probe.address);
    if (!address) return bad("is not HOST:PORT");
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int code = getaddrinfo(address->host.c_str(), address->port.c_str(), &hints, &list);
    if (code != 0) return bad(std::string("cannot be looked up: ") + gai_strerror(code));
    int last = ECONNREFUSED;
    for (const addrinfo* entry = list; entry != nullptr && last != 0 && last != ECANCELED;
         entry = entry->ai_next)
        last = connect_to(*entry, static_cast<int>(probe.within.count()), cancel_fd);
    freeaddrinfo(list);
    if (last == 0) return {true, "accepted a connection", Duration(0)};
    if (last == ECONNREFUSED) return bad("refused the connection");
    if (last == ETIMEDOUT) return bad("took no connection within " + human_duration(probe.within));
    return bad(std::string("took no connection: ") + strerrordesc_np(last));
}

ProbeAnswer ask(const RunProbe& probe, const HealthSite& site, int cancel_fd) {
    if (site.commands == nullptr) return bad("has no release to run in");
    std::vector<std::string> secrets;
    for (const auto& [name, value] : site.commands->secrets) secrets.push_back(value);
    auto quiet = DeploymentLog::none(secrets);  // dozens of tries would fill the deployment's log
    RunOptions options;
    options.what = "probe";
    options.timeout = probe.within;
    options.cancel_fd = cancel_fd;
    const auto exit = run_script(probe.script, *site.commands, options, quiet);
    if (exit) return {true, "passed", exit->took};
    const auto& message = exit.error().message;
    return bad(message.starts_with("probe ") ? message.substr(6) : message);
}

ProbeAnswer ask(const UnitProbe& probe, const HealthSite& site, int) {
    if (site.units == nullptr) return bad("cannot be asked for");
    const auto state = site.units->state(probe.unit);
    if (!state) return bad("cannot be asked for: " + state.error().message);
    return {state->up(), "is " + state->words(), Duration(0)};
}

}  // namespace

std::string Probe::name() const {
    struct Namer {
        std::string operator()(const HttpProbe& probe) const { return escape_foreign(probe.url); }
        std::string operator()(const TcpProbe& probe) const { return "tcp " + escape_foreign(probe.address); }
        std::string operator()(const RunProbe& probe) const { return probe.script.shown(); }
        std::string operator()(const UnitProbe& probe) const { return escape_foreign(probe.unit); }
    };
    return std::visit(Namer{}, what);
}

ProbeAnswer try_probe(const Probe& probe, const HealthSite& site, int cancel_fd) {
    const auto started = std::chrono::steady_clock::now();
    auto answer = std::visit([&](const auto& what) { return ask(what, site, cancel_fd); }, probe.what);
    answer.took = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - started);
    if (site.log != nullptr) answer.words = site.log->mask(answer.words);
    return answer;
}

}  // namespace tidegate::reconciler
