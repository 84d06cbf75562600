#include "reconciler/control_server.hpp"

#include "shared/base/clock.hpp"
#include "shared/base/files.hpp"
#include "shared/doc/json.hpp"

#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kMostClients = 32;
constexpr size_t kMostRequest = 64 << 10;
constexpr std::chrono::seconds kPatience{10};  // for a request to come whole, and for an answer to be taken

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail(ErrorKind::Invalid, "the socket's path is too long: " + path,
                    "at most " + std::to_string(sizeof address.sun_path - 1) + " bytes; change `socket`");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

// A socket that a killed daemon left is in the way; one that answers belongs to a living one.
Result<void> clear_the_way(const std::string& path, const sockaddr_un& address) {
    struct stat facts {};
    if (lstat(path.c_str(), &facts) != 0) return {};
    if (!S_ISSOCK(facts.st_mode))
        return fail(ErrorKind::Exists, path + " is there and is no socket", "remove it, or change `socket`");
    const Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return fail(ErrorKind::Locked, "another tidegated answers at " + path);
    if (unlink(path.c_str()) != 0) return fail_errno(path);
    return {};
}

bool in_group(uid_t uid, gid_t primary, gid_t group) {
    if (primary == group) return true;
    const passwd* user = getpwuid(uid);
    if (user == nullptr) return false;
    int count = 256;
    std::vector<gid_t> groups(256);
    if (getgrouplist(user->pw_name, user->pw_gid, groups.data(), &count) < 0) return false;
    groups.resize(static_cast<size_t>(std::max(count, 0)));
    return std::find(groups.begin(), groups.end(), group) != groups.end();
}

Result<Fd> listen_at(const std::string& path) {
    const auto address = TRY(address_of(path));
    TRY(clear_the_way(path, address));
    Fd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener) return fail_errno("socket");
    const mode_t before = umask(0177);  // never, not for a moment, open to others
    const int bound = bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    umask(before);
    if (bound != 0) return fail_errno(path);
    struct stat folder {};
    if (stat(std::filesystem::path(path).parent_path().c_str(), &folder) != 0) return fail_errno(path);
    if (folder.st_gid != getegid() && folder.st_gid != 0 &&
        chown(path.c_str(), static_cast<uid_t>(-1), folder.st_gid) == 0)
        chmod(path.c_str(), 0660);
    if (listen(listener.get(), 16) != 0) return fail_errno(path);
    return listener;
}

}  // namespace

struct ControlServer::Client {
    Fd fd;
    Peer peer;
    std::string in;
    std::string out;
    bool asked = false;  // its request was handed on
    MonoTime until{};
};

bool may_speak(const Peer& peer, uid_t self, gid_t group, bool group_allowed) {
    if (peer.uid == 0 || peer.uid == self) return true;
    return group_allowed && in_group(peer.uid, peer.gid, group);
}

Result<std::unique_ptr<ControlServer>> ControlServer::start(const std::string& path, Fd passed, Log log,
                                                            Handler handler) {
    const bool is_passed = static_cast<bool>(passed);
    auto listener = is_passed ? std::move(passed) : TRY(listen_at(path));
    Fd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) return fail_errno("eventfd");
    std::unique_ptr<ControlServer> server(
        new ControlServer(std::move(listener), std::move(wake), path, std::move(log), std::move(handler)));
    server->passed_ = is_passed;
    server->thread_ = std::thread([self = server.get()] { self->serve(); });
    return server;
}

ControlServer::ControlServer(Fd listener, Fd wake, std::string path, Log log, Handler handler)
    : listener_(std::move(listener)),
      wake_(std::move(wake)),
      path_(std::move(path)),
      log_(std::move(log)),
      handler_(std::move(handler)) {}

void ControlServer::end() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
    if (thread_.joinable()) thread_.join();
}

ControlServer::~ControlServer() {
    end();
    if (!passed_) ::unlink(path_.c_str());
}

void ControlServer::answer(Connection connection, const Value& value) {
    {
        const std::lock_guard lock(mutex_);
        answers_[connection] = to_json(value) + "\n";
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
}

void ControlServer::deliver() {
    std::uint64_t count = 0;
    (void)!::read(wake_.get(), &count, sizeof count);
    std::map<Connection, std::string> answers;
    {
        const std::lock_guard lock(mutex_);
        answers.swap(answers_);
    }
    for (auto& [connection, text] : answers) {
        const auto found = clients_.find(connection);
        if (found == clients_.end()) continue;
        found->second->out = std::move(text);
        found->second->until = std::chrono::steady_clock::now() + kPatience;
    }
}

void ControlServer::take() {
    Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    ucred credentials{};
    socklen_t size = sizeof credentials;
    struct stat facts {};
    if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return;
    const bool group_allowed = stat(path_.c_str(), &facts) == 0 && (facts.st_mode & 0060) == 0060;
    const Peer peer{credentials.uid, credentials.gid, credentials.pid};
    if (!may_speak(peer, geteuid(), facts.st_gid, group_allowed)) {
        log_.warning("refused a caller of the control socket", {{"uid", std::to_string(peer.uid)}});
        return;
    }
    if (clients_.size() >= kMostClients) return;
    auto client = std::make_unique<Client>();
    client->fd = std::move(fd);
    client->peer = peer;
    client->until = std::chrono::steady_clock::now() + kPatience;
    clients_.emplace(next_++, std::move(client));
}

bool ControlServer::read_from(Client& client) {
    char buffer[4096];
    const ssize_t got = ::read(client.fd.get(), buffer, sizeof buffer);
    if (got == 0) return client.asked && client.out.empty() ? false : client.asked;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (client.asked) return true;  // one request a connection; more is read and dropped
    client.in.append(buffer, static_cast<size_t>(got));
    return client.in.size() <= kMostRequest;
}

bool ControlServer::write_to(Client& client) {
    const ssize_t sent = ::send(client.fd.get(), client.out.data(), client.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    client.out.erase(0, static_cast<size_t>(sent));
    return !client.out.empty();
}

void ControlServer::serve() {
    while (true) {
        {
            const std::lock_guard lock(mutex_);
            if (ending_) return;
        }
        std::vector<pollfd> polled{{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
        std::vector<Connection> ids{0, 0};
        int timeout = -1;
        const auto now = std::chrono::steady_clock::now();
        for (const auto& [id, client] : clients_) {
            const bool has_answer = !client->out.empty();
            polled.push_back({client->fd.get(), static_cast<short>(has_answer ? POLLOUT : POLLIN), 0});
            ids.push_back(id);
            if (client->asked && !has_answer) continue;  // waits for us, not we for it
            const auto left = std::chrono::duration_cast<Duration>(client->until - now).count() + 1;
            timeout = timeout < 0 ? static_cast<int>(std::max<Duration::rep>(left, 0))
                                  : std::min(timeout, static_cast<int>(std::max<Duration::rep>(left, 0)));
        }
        if (poll(polled.data(), polled.size(), timeout) < 0 && errno != EINTR) return;
        if (polled[0].revents != 0) deliver();
        for (size_t index = 2; index < polled.size(); ++index) {
            const auto found = clients_.find(ids[index]);
            auto& client = *found->second;
            bool stays = true;
            if ((polled[index].revents & POLLOUT) != 0)
                stays = write_to(client);
            else if (polled[index].revents != 0)
                stays = read_from(client);
            const bool waits_for_us = client.asked && client.out.empty();
            if (!waits_for_us && std::chrono::steady_clock::now() > client.until) stays = false;
            if (!stays) {
                clients_.erase(found);
                continue;
            }
            const auto end = client.in.find('\n');
            if (client.asked || end == std::string::npos) continue;
            client.asked = true;
            const auto request = parse_json(client.in.substr(0, end), {kMostRequest, 8});
            if (request && request->is(Value::Kind::Map)) {
                handler_(ids[index], client.peer, *request);
            } else {
                Value wrong;
                wrong.set("error", "the request is no JSON object");
                wrong.set("exit", 2);
                client.out = to_json(wrong) + "\n";
            }
        }
        if (polled[1].revents != 0) take();
    }
}

}  // namespace tidegate::reconciler
