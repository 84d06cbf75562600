// One try of one probe.
#include "reconciler/probes.hpp"

#include "reconciler/health.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tidegate::reconciler {

using namespace shared;

namespace {

ProbeAnswer bad(std::string words) {
    return {false, std::move(words), Duration(0)};
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

ProbeAnswer ask(const TcpProbe& probe, const HealthSite& site, int cancel_fd) {
    const auto address = parse_address(filled(probe.address, site));
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
    options.probes = true;
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
    return {state->well(), "is " + state->words(), Duration(0), state->restarts};
}

}  // namespace

std::string Probe::name() const {
    struct Namer {
        std::string operator()(const HttpProbe& probe) const { return escape_foreign(probe.url); }
        std::string operator()(const TcpProbe& probe) const { return "tcp " + escape_foreign(probe.address); }
        std::string operator()(const RunProbe& probe) const { return probe.script.shown(); }
        std::string operator()(const UnitProbe& probe) const { return escape_foreign(probe.unit); }
        std::string operator()(const SequenceProbe& probe) const {
            return "sequence from " +
                   (probe.requests.empty() ? "" : escape_foreign(probe.requests.front().url));
        }
        std::string operator()(const FileProbe& probe) const { return "file " + escape_foreign(probe.path); }
        std::string operator()(const DatabaseProbe& probe) const {
            return "database " + escape_foreign(probe.check.database);
        }
    };
    return std::visit(Namer{}, what);
}

std::string filled(std::string text, const HealthSite& site,
                   const std::map<std::string, std::string>& captured) {
    std::map<std::string, std::string> values;
    for (const auto& [name, value] : captured) values.emplace("{" + name + "}", value);
    if (site.commands != nullptr) {
        values["{release}"] = site.commands->release.str();
        values["{commit}"] = site.commands->commit.str();
        values["{version}"] = site.commands->label;
    }
    if (!site.instance.empty()) values["{instance}"] = site.instance;
    std::string out;
    for (size_t at = 0; at < text.size();) {
        const auto found = std::find_if(values.begin(), values.end(), [&](const auto& entry) {
            return text.compare(at, entry.first.size(), entry.first) == 0;
        });
        out += found == values.end() ? text.substr(at, 1) : found->second;
        at += found == values.end() ? 1 : found->first.size();
    }
    return out;
}

bool asks_instance(const Probe& probe) {
    const auto in = [](const std::string& text) { return text.find("{instance}") != std::string::npos; };
    if (const auto* http = std::get_if<HttpProbe>(&probe.what)) return in(http->url);
    if (const auto* tcp = std::get_if<TcpProbe>(&probe.what)) return in(tcp->address);
    if (const auto* sequence = std::get_if<SequenceProbe>(&probe.what))
        return std::any_of(sequence->requests.begin(), sequence->requests.end(),
                           [&](const HttpProbe& request) { return in(request.url); });
    return false;
}

ProbeAnswer try_probe(const Probe& probe, const HealthSite& site, int cancel_fd) {
    const auto started = std::chrono::steady_clock::now();
    auto answer = std::visit([&](const auto& what) { return ask(what, site, cancel_fd); }, probe.what);
    answer.took = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - started);
    if (site.log != nullptr) answer.words = site.log->mask(answer.words);
    return answer;
}

}  // namespace tidegate::reconciler
