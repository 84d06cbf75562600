// Connections to ssh servers that stay open between looks and fetches: for each server and each way to be let in, one
// `ssh -N` child that others' sessions go through. It is started with the very options that any other ssh of ours has,
// so nobody is trusted who was not. Only ever a short cut: where there is none, whoever needs one connects by itself.
#pragma once

#include "reconciler/source.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/fd.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

// Where git would go for a URL of ssh; nullopt for what it would decode or expand first.
struct SshTarget {
    std::string destination;  // user@host
    std::string port;         // empty: the usual one
    std::string command;      // git-upload-pack '/path'
};
[[nodiscard]] std::optional<SshTarget> ssh_target(const shared::Url& url);

// One connection, held by a child: it ends with this object, with us, or when the server does not answer for half a
// minute.
class SshConnection {
  public:
    SshConnection();
    ~SshConnection();
    SshConnection(const SshConnection&) = delete;
    SshConnection& operator=(const SshConnection&) = delete;

    // Starts `words` (ssh and its options), and waits until the server has let us in. Once.
    [[nodiscard]] bool start(const std::vector<std::string>& words, const std::string& socket, int cancel_fd);
    [[nodiscard]] bool alive() const;
    void end();  // does not wait for it
    [[nodiscard]] const std::string& socket() const { return socket_; }

  private:
    struct Holder;
    std::unique_ptr<Holder> holder_;
    std::string socket_;
};

// Thread-safe.
class SshConnections {
  public:
    // `folder` gets the sockets; what is in it is removed. Where it cannot be made, nothing is kept.
    explicit SshConnections(std::string folder);
    ~SshConnections();  // ends them all

    // A connection for this URL that is open, or was opened now; null where there is none to be had: another thread is
    // opening it, or that failed less than a minute ago. One that is held is not ended for its age.
    [[nodiscard]] std::shared_ptr<SshConnection> to(const shared::Url& url, const SourceAccess& access,
                                                    int cancel_fd);

  private:
    struct Entry {
        std::shared_ptr<SshConnection> connection;
        bool opening = false;
        shared::MonoTime used{};
        shared::MonoTime opened{};
        shared::MonoTime not_before{};
    };
    [[nodiscard]] std::vector<std::shared_ptr<SshConnection>> take_old(shared::MonoTime now);

    std::string folder_;
    shared::Fd opened_;  // behind a name that is short enough for a socket's
    std::mutex mutex_;
    std::map<std::string, Entry> entries_;
    unsigned long count_ = 0;  // no socket's name is used twice
};

}  // namespace tidegate::reconciler
