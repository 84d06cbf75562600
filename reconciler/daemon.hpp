// The daemon: looks at the manifests branch when it is time or someone asks, and keeps each app in a thread of
// its own as long as there is something to do. Sleeps in poll(2) otherwise.
#pragma once

#include "reconciler/app_keeper.hpp"
#include "reconciler/control_server.hpp"
#include "reconciler/freshness.hpp"
#include "reconciler/git_remotes.hpp"
#include "reconciler/look.hpp"
#include "shared/base/files.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tidegate::reconciler {

// Apps that fetch, stage or build at the same time.
inline constexpr unsigned kWorkAtOnce = 4;
// Releases that are compared with their record at the same time: of 20,000 files that is some megabytes each.
inline constexpr unsigned kWatchedAtOnce = 2;

struct DaemonOptions {
    bool once = false;  // converge once, then end
    std::string app;    // only this one; empty: all
};

// What the daemon knows of an app between two visits. Under the daemon's mutex.
struct Slot {
    AppReport report;
    shared::WallTime since{};  // of the state
    bool dirty = true;         // something may be to do
    bool look_at_all = false;  // at every file of the release, not at a part of them
    std::optional<shared::MonoTime> again;
    bool running = false;
    bool finished = false;  // the thread is done and can be joined
    std::unique_ptr<Interrupt> interrupt;
    std::thread thread;
};

class Daemon {
  public:
    // Takes the lock on the state folder (Locked where another daemon has it), opens the journal, ends what the
    // last run left.
    [[nodiscard]] static Result<std::unique_ptr<Daemon>> make(const HostConfig& config,
                                                              DaemonOptions options);
    ~Daemon();

    // Until a signal, or with `once` until there is nothing to do. Gives the exit code. Signals TERM, INT and
    // HUP must be blocked by the caller in every thread.
    [[nodiscard]] Result<int> run();

  private:
    struct Waiter {
        ControlServer::Connection connection = 0;
        std::int64_t token = 0;
        bool looked = false;   // a look began after it asked
        std::string app = {};  // empty: all
    };

    Daemon(const HostConfig& config, DaemonOptions options, shared::Lock lock,
           std::unique_ptr<Journal> journal, std::unique_ptr<Units> units);
    [[nodiscard]] Result<void> listen();
    void find_unfinished();
    // A refused proof and a failed try are asked for again by whoever says `sync` or --once. Empty: of all.
    void end_delays(const std::string& app);

    [[nodiscard]] const Host& host() const { return *host_now_; }

    // daemon.cpp, main thread
    void take_config(const HostConfig& config);
    void reload();  // SIGHUP
    void tell_status();
    void tell_freshness();
    [[nodiscard]] Freshness freshness() const;  // under mutex_
    void turn();
    void reap();
    void wake_dependents(const std::string& app);  // under mutex_
    void start_look();
    void take_look();
    void tell_what_is_not_honoured(const Look* before);
    void start_keepers();
    void answer_waiters();
    void stop(const char* why);
    [[nodiscard]] int wait_ms();
    [[nodiscard]] bool idle() const;
    // Of the app alone, where one is named.
    [[nodiscard]] int exit_status(const std::string& app) const;
    [[nodiscard]] bool wanted(const std::string& app) const;
    void wake();

    // daemon_control.cpp, the control server's thread
    void handle(ControlServer::Connection connection, const Peer& peer, const shared::Value& request);
    [[nodiscard]] Result<shared::Value> answer_to(const std::string& command, const shared::Value& request,
                                                  const Peer& peer);
    [[nodiscard]] Result<shared::Value> pause(const std::string& app, const shared::Value& request,
                                              const std::string& who);
    [[nodiscard]] Result<shared::Value> resume(const std::string& app);
    [[nodiscard]] Result<shared::Value> retry(const std::string& app, const shared::Value& request);
    void changed_by_person(const char* command, const std::string& app, const std::string& reason);
    [[nodiscard]] Result<void> known(const std::string& app);
    void sync(ControlServer::Connection connection, const shared::Value& request);
    // daemon_tell.cpp, the same thread
    [[nodiscard]] shared::Value status(const std::string& app);
    [[nodiscard]] Decision last_decision(const std::string& app);
    [[nodiscard]] Result<shared::Value> plan(const std::string& app);
    [[nodiscard]] Result<shared::Value> history(const std::string& app, const shared::Value& request);
    [[nodiscard]] Result<shared::Value> show(const std::string& app, const shared::Value& request);
    [[nodiscard]] Result<shared::Value> why(const std::string& app);
    [[nodiscard]] Result<shared::Value> verify(const std::string& app);
    // daemon_adopt.cpp
    struct AdoptionWish {
        std::string commit;
        std::string who;
        bool with_old = false;
        bool dry_run = false;
        bool yes = false;  // also where there are warnings
    };
    void adopt(ControlServer::Connection connection, const std::string& app, AdoptionWish wish);
    [[nodiscard]] Result<shared::Value> adoption(const std::string& app, const AdoptionWish& wish);

    DaemonOptions options_;
    shared::Lock lock_;
    std::unique_ptr<Journal> journal_;
    std::unique_ptr<Units> units_;
    GitRemotes remotes_;  // ends its connections after everybody who uses them
    shared::SystemClock clock_;
    shared::Log log_;
    NamedSlots slots_of_fetch_{kWorkAtOnce};
    WorkSlots slots_of_work_{kWorkAtOnce};
    WorkSlots slots_of_watch_{kWatchedAtOnce};
    std::vector<std::unique_ptr<const HostConfig>> configs_;  // the newest last; main thread
    std::vector<std::unique_ptr<const Host>> hosts_;
    std::atomic<const Host*> host_now_ = nullptr;
    shared::Duration watchdog_;  // from one sign of life to the next; 0: nobody asks for any
    shared::MonoTime next_ping_{};
    std::string told_status_;
    bool told_stale_ = false;
    shared::Fd wake_;
    Interrupt look_interrupt_;
    std::thread look_thread_;
    std::thread
        adopt_thread_;  // started and joined by the control server's thread, at last by the destructor

    std::mutex mutex_;  // over everything below
    std::map<std::string, Slot> slots_;
    std::shared_ptr<const Look> look_;
    std::shared_ptr<const Look> fresh_look_;  // made by the look's thread, not yet taken
    bool looking_ = false;
    bool look_asked_ = true;
    bool adopting_ = false;
    bool looking_at_all_ = false;  // the look under way was asked for
    shared::MonoTime next_look_{};
    std::vector<Waiter> waiters_;
    std::int64_t next_token_ = 1;
    bool stopping_ = false;
    std::optional<shared::MonoTime> force_at_;
    std::optional<shared::MonoTime> give_up_at_;

    std::unique_ptr<ControlServer> server_;  // last: gone first, so that no request meets a half-dead daemon
};
}  // namespace tidegate::reconciler
