// The control socket: a unix stream socket, one JSON request a line, one JSON answer a line. Only root, our own
// user and the socket's group may speak (SO_PEERCRED). Bounded: connections, sizes, idle time. Runs a thread of
// its own; answers may come from any thread, later.
#pragma once

#include "shared/base/fd.hpp"
#include "shared/doc/value.hpp"
#include "shared/log/log.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tidegate::reconciler {

struct Peer {
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;
};

class ControlServer {
  public:
    using Connection = std::uint64_t;
    // Called in the server's thread: must not wait for anything.
    using Handler = std::function<void(Connection, const Peer&, const shared::Value& request)>;

    // Listens at `path`: mode 0660 with the group of its folder where that is not our own, else 0600. A socket
    // that nobody answers at is replaced; one that somebody answers at is Locked. `passed`: a socket that the service
    // manager holds at `path` for us; its mode and its end are the manager's.
    [[nodiscard]] static Result<std::unique_ptr<ControlServer>> start(const std::string& path,
                                                                      shared::Fd passed, shared::Log log,
                                                                      Handler handler);
    ~ControlServer();  // closes every connection and removes the socket, if it is ours
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    // Ends the thread: nothing is handled after it, and `handle` may still answer until then. Twice is once.
    void end();
    // Sends one answer, and closes after it. A connection that went away is nothing to speak of. Thread-safe.
    void answer(Connection connection, const shared::Value& value);

  private:
    struct Client;
    ControlServer(shared::Fd listener, shared::Fd wake, std::string path, shared::Log log, Handler handler);
    void serve();
    void take();
    [[nodiscard]] bool read_from(Client& client);
    [[nodiscard]] bool write_to(Client& client);
    void deliver();

    shared::Fd listener_;
    shared::Fd wake_;
    std::string path_;
    bool passed_ = false;
    shared::Log log_;
    Handler handler_;
    std::map<Connection, std::unique_ptr<Client>> clients_;  // the server's thread only
    Connection next_ = 1;
    std::mutex mutex_;
    std::map<Connection, std::string> answers_;  // under mutex_
    bool ending_ = false;                        // under mutex_
    std::thread thread_;
};

// Whether `peer` may use a socket whose group is `group`.
[[nodiscard]] bool may_speak(const Peer& peer, uid_t self, gid_t group, bool group_allowed);

}  // namespace tidegate::reconciler
