#include "reconciler/ssh_connections.hpp"

#include "shared/base/files.hpp"
#include "shared/base/process.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

namespace tidegate::reconciler {

using namespace shared;
using std::chrono::steady_clock;

namespace {

constexpr Duration kLetIn{20'000};
constexpr Duration kAgain{60'000};      // after a failure
constexpr Duration kUnused{900'000};    // ended then
constexpr Duration kOldest{3'600'000};  // then the server's key and ours are looked at again
constexpr size_t kLongestFolder =
    56;  // a socket's path has 108 bytes, ssh wants 17 behind the name for itself

void raise(const Fd& event) {
    const std::uint64_t one = 1;
    (void)!::write(event.get(), &one, sizeof one);
}

bool raised(const Fd& event) {
    pollfd polled{event.get(), POLLIN, 0};
    return poll(&polled, 1, 0) > 0;
}

bool is_plain(const std::string& text, std::string_view more) {
    return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               more.find(c) != std::string_view::npos;
    });
}

// What a path means changes with the file behind it: another key, or a server that is known no longer.
std::string stamp(const std::optional<std::string>& path) {
    struct stat facts {};
    if (!path || stat(path->c_str(), &facts) != 0) return "none\n";
    return std::to_string(facts.st_dev) + " " + std::to_string(facts.st_ino) + " " +
           std::to_string(facts.st_size) + " " + std::to_string(facts.st_ctim.tv_sec) + "." +
           std::to_string(facts.st_ctim.tv_nsec) + "\n";
}

std::string identity(const SshTarget& target, const SourceAccess& access, const std::string& command) {
    return sha256_hex(command + "\n" + target.destination + "\n" + target.port + "\n" +
                      stamp(access.known_hosts) + stamp(access.ssh_key) + stamp(access.ssh_agent))
        .substr(0, 20);
}

}  // namespace

std::optional<SshTarget> ssh_target(const Url& url) {
    if (url.scheme() != "ssh") return std::nullopt;
    SshTarget target;
    const auto& text = url.str();
    const auto scheme = text.find("://");
    std::string path;
    if (scheme == std::string::npos) {
        const auto colon = text.find(':');
        target.destination = text.substr(0, colon);
        path = text.substr(colon + 1);
    } else {
        const auto slash = text.find('/', scheme + 3);
        target.destination = text.substr(scheme + 3, slash - scheme - 3);
        path = text.substr(slash);
        if (const auto colon = target.destination.rfind(':'); colon != std::string::npos) {
            target.port = target.destination.substr(colon + 1);
            target.destination.erase(colon);
        }
    }
    // git decodes %, drops the slash of /~user, and knows brackets; quoting is its own, too.
    const bool plain = is_plain(target.destination, "@._-+") && is_plain(path, "/._-+@,=:") &&
                       !path.starts_with("/~") && (target.port.empty() || is_plain(target.port, ""));
    if (!plain) return std::nullopt;
    target.command = "git-upload-pack '" + path + "'";
    return target;
}

// The child belongs to a thread of its own, which waits for it: children end with the thread that started them.
struct SshConnection::Holder {
    Fd stop{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    Fd ended{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    std::thread thread;
};

SshConnection::SshConnection() : holder_(std::make_unique<Holder>()) {}

SshConnection::~SshConnection() {
    end();
    if (holder_->thread.joinable()) holder_->thread.join();
    if (!socket_.empty()) ::unlink(socket_.c_str());
}

void SshConnection::end() {
    raise(holder_->stop);
}

bool SshConnection::alive() const {
    return !raised(holder_->ended) && !raised(holder_->stop);
}

bool SshConnection::start(const std::vector<std::string>& words, const std::string& socket, int cancel_fd) {
    socket_ = socket;
    // It binds another name and links the socket to its own when it listens, after the server has let us in.
    const Fd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    const auto folder = std::filesystem::path(socket).parent_path().string();
    if (!watch || !holder_->stop || !holder_->ended ||
        inotify_add_watch(watch.get(), folder.c_str(), IN_CREATE | IN_MOVED_TO) < 0)
        return false;
    Command command;
    command.argv = words;
    command.env = basic_environment();
    command.env.set("LC_ALL", "C");
    command.output_limit = 4096;
    command.grace = Duration(2000);
    command.cancel_fd = holder_->stop.get();
    holder_->thread = std::thread([command, ended = holder_->ended.get()] {
        (void)run(command);
        const std::uint64_t one = 1;
        (void)!::write(ended, &one, sizeof one);
    });
    const auto until = steady_clock::now() + kLetIn;
    while (!exists(socket)) {
        const auto left = std::chrono::ceil<Duration>(until - steady_clock::now()).count();
        pollfd polled[] = {
            {watch.get(), POLLIN, 0}, {holder_->ended.get(), POLLIN, 0}, {cancel_fd, POLLIN, 0}};
        if (left <= 0 || poll(polled, 3, static_cast<int>(left)) == 0) return false;
        if (polled[1].revents != 0 || polled[2].revents != 0) return false;
        char events[4096];
        while (::read(watch.get(), events, sizeof events) > 0) {
        }
    }
    return alive();
}

SshConnections::SshConnections(std::string folder) : folder_(std::move(folder)) {
    if (!remove_tree(folder_) || mkdir(folder_.c_str(), 0700) != 0) return;
    if (folder_.size() <= kLongestFolder) return;
    if (auto opened = open_dir(folder_)) opened_ = std::move(*opened);
    folder_ = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(opened_.get());
}

SshConnections::~SshConnections() {
    for (auto& [name, entry] : entries_)
        if (entry.connection) entry.connection->end();  // all of them, before any is waited for
}

// Those that nobody holds, for whoever asked to end them outside of the lock.
std::vector<std::shared_ptr<SshConnection>> SshConnections::take_old(MonoTime now) {
    std::vector<std::shared_ptr<SshConnection>> old;
    for (auto& [name, entry] : entries_) {
        if (!entry.connection || entry.connection.use_count() > 1) continue;
        const bool stays =
            entry.connection->alive() && now - entry.used < kUnused && now - entry.opened < kOldest;
        if (!stays) old.push_back(std::move(entry.connection));
    }
    std::erase_if(entries_, [&](const auto& one) {
        return !one.second.connection && !one.second.opening && now >= one.second.not_before;
    });
    return old;
}

std::shared_ptr<SshConnection> SshConnections::to(const Url& url, const SourceAccess& access, int cancel_fd) {
    const auto target = ssh_target(url);
    auto words = ssh_words(access, "none");
    if (!target || !words) return nullptr;
    const auto name = identity(*target, access, join(*words, "\n"));
    std::string socket;
    const auto now = steady_clock::now();
    std::vector<std::shared_ptr<SshConnection>> old;  // ended when the lock is gone
    {
        const std::lock_guard lock(mutex_);
        old = take_old(now);
        auto& entry = entries_[name];
        entry.used = now;
        if (entry.connection && entry.connection->alive()) return entry.connection;
        if (entry.opening || now < entry.not_before) return nullptr;
        if (entry.connection) old.push_back(std::move(entry.connection));
        entry.opening = true;
        socket = folder_ + "/" + name + "-" + std::to_string(++count_);
    }
    old.clear();
    auto fresh = std::make_shared<SshConnection>();
    words = ssh_words(access, socket);
    for (const char* option :
         {"-N", "-T", "-o", "ControlMaster=yes", "-o", "ControlPersist=no", "-o", "SendEnv=GIT_PROTOCOL"})
        words->emplace_back(option);
    if (!target->port.empty()) words->insert(words->end(), {"-p", target->port});
    words->push_back(target->destination);
    const bool open = fresh->start(*words, socket, cancel_fd);
    if (!open) fresh.reset();
    const std::lock_guard lock(mutex_);
    auto& entry = entries_[name];
    entry.opening = false;
    entry.opened = steady_clock::now();
    entry.connection = fresh;
    if (!open) entry.not_before = entry.opened + kAgain;
    return fresh;
}

}  // namespace tidegate::reconciler
