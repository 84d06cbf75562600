#include "reconciler/daemon.hpp"

#include "reconciler/leftover.hpp"
#include "reconciler/memory.hpp"
#include "reconciler/notify.hpp"
#include "reconciler/sandbox.hpp"
#include "shared/base/text.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr Duration kStopPatience{20'000};  // for a migration or activation under way, after SIGTERM
constexpr Duration kLastPatience{
    20'000};  // for what was ended then, and for calls into a file system that hangs

// One that was killed holds its lock until the kernel has taken it apart, and so does a child of it that has not yet become
// its program.
constexpr Duration kKilledPatience{3000};

Fd open_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
    return Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::make(const HostConfig& config, DaemonOptions options) {
    TRY(prepare_folders(config));
    auto lock = Lock::take(config.state + "/lock", kKilledPatience);
    if (!lock) {
        if (lock.error().kind == ErrorKind::Locked)
            return fail(ErrorKind::Locked, "another tidegated works on " + config.state,
                        "stop it first, or give this one a `state` of its own");
        return fail(std::move(lock.error()));
    }
    auto journal = TRY(Journal::open(config.state, SystemClock().now()));
    std::unique_ptr<Daemon> daemon(
        new Daemon(config, std::move(options), std::move(*lock), std::move(journal), host_units()));
    if (!daemon->wake_) return fail_errno("eventfd");
    if (daemon->journal_->rebuilt())
        daemon->host().log.error(
            "the journal could not be read; it was set aside, and what is on disk is taken over",
            {{"folder", config.state}});
    end_leftovers(*daemon->journal_, daemon->host().log);
    end_leftover_units(daemon->host().config, daemon->host().log);
    return daemon;
}

Daemon::Daemon(const HostConfig& config, DaemonOptions options, Lock lock, std::unique_ptr<Journal> journal,
               std::unique_ptr<Units> units)
    : options_(std::move(options)),
      lock_(std::move(lock)),
      journal_(std::move(journal)),
      units_(std::move(units)),
      remotes_(config.state + "/ssh"),
      log_(config.log_format, config.log_level),
      watchdog_(watchdog_interval()),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    take_config(config);
}

Daemon::~Daemon() {
    // First its thread, which answers through server_, then the pointer.
    if (server_) server_->end();
    look_interrupt_.force();
    if (adopt_thread_.joinable()) adopt_thread_.join();  // it answers through server_, too
    server_.reset();
    if (look_thread_.joinable()) look_thread_.join();
    for (auto& [name, slot] : slots_) {
        if (slot.interrupt) slot.interrupt->force();
        if (slot.thread.joinable()) slot.thread.join();
    }
}

// What a crash left is brought to its end at once, before anybody is asked anything.
void Daemon::find_unfinished() {
    const std::lock_guard lock(mutex_);
    for (const auto& name : journal_->apps().value_or(std::vector<std::string>{})) {
        if (!wanted(name)) continue;
        const auto left = journal_->unfinished(name);
        if (!left || !*left) continue;
        slots_[name].report.app = name;
        slots_[name].since = clock_.now();
    }
}

void Daemon::end_delays(const std::string& app) {
    for (const auto& name : journal_->apps().value_or(std::vector<std::string>{})) {
        if (!app.empty() && app != name) continue;
        const auto remembered = journal_->app(name);
        if (!remembered || !remembered->delay || remembered->delay->until <= clock_.now()) continue;
        DelayRow delay = *remembered->delay;
        delay.until = clock_.now();
        if (auto ok = journal_->set_delay(name, delay); !ok)
            host().log.warning("the journal cannot be written", ok.error());
    }
}

Result<void> Daemon::listen() {
    // The service manager may hold the socket for us, so that nobody is refused while we start. The first request may
    // come before `server_` is set: it waits for that.
    const std::lock_guard lock(mutex_);
    server_ = TRY(ControlServer::start(
        host().config.socket, passed_socket(), host().log,
        [this](ControlServer::Connection connection, const Peer& peer, const Value& request) {
            { const std::lock_guard set(mutex_); }
            handle(connection, peer, request);
        }));
    return {};
}

Result<int> Daemon::run() {
    const Fd signals = open_signals();
    if (!signals) return fail_errno("signalfd");
    // A host that cannot reach its git server still knows what it runs and why.
    look_ = look_at_home(host());
    tell_what_is_not_honoured(nullptr);
    find_unfinished();
    if (options_.once) end_delays(options_.app);
    if (auto listening = listen(); !listening) {
        if (!options_.once) return fail(std::move(listening.error()));
        host().log.warning("no control socket in this run", listening.error());
    }
    notify_manager("READY=1");
    tell_status();
    host().log.info("tidegated is up",
                    {{"host", host().config.name},
                     {"environment", host().config.environment},
                     {"sandbox", words_of(choose_sandbox(host().config.sandbox, geteuid()))},
                     {"manifests", host().config.manifests_url->redacted()}});
    give_back_memory();
    while (true) {
        turn();
        {
            const std::lock_guard lock(mutex_);
            if (idle() && (stopping_ || options_.once)) break;
        }
        pollfd polled[] = {{signals.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
        if (poll(polled, 2, wait_ms()) < 0 && errno != EINTR) return fail_errno("poll");
        if (polled[1].revents != 0) {
            std::uint64_t count = 0;
            (void)!::read(wake_.get(), &count, sizeof count);
        }
        signalfd_siginfo info{};
        while (::read(signals.get(), &info, sizeof info) == sizeof info) {
            if (info.ssi_signo == SIGHUP) {
                reload();
            } else {
                stop(info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
            }
        }
    }
    const std::lock_guard lock(mutex_);
    if (look_->heard && *look_->heard != look_->heard_saved)
        if (auto ok = journal_->save_heard(*look_->heard); !ok)
            host().log.warning("the journal cannot be written", ok.error());
    const bool unknown = options_.once && !options_.app.empty() && slots_.count(options_.app) == 0;
    if (unknown && look_->accepted && !stopping_)
        return fail(ErrorKind::Usage, "this host has no app `" + escape_foreign(options_.app) + "`",
                    "no manifest of the accepted revision declares it for this host");
    host().log.info("tidegated ends");
    return exit_status(options_.once ? options_.app : "");
}

void Daemon::wake() {
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
}

bool Daemon::wanted(const std::string& app) const {
    return options_.app.empty() || options_.app == app;
}

// Configuration and host of a reload are kept until the end: whoever works by them keeps a reference.
void Daemon::take_config(const HostConfig& config) {
    configs_.push_back(std::make_unique<const HostConfig>(config));
    hosts_.push_back(
        std::make_unique<const Host>(Host{*configs_.back(), *journal_, clock_, log_, *units_, slots_of_fetch_,
                                          slots_of_work_, slots_of_watch_, remotes_}));
    host_now_ = hosts_.back().get();
}

void Daemon::reload() {
    notify_manager(reloading_words());
    auto fresh = reload_config(host().config);
    if (!fresh) {
        host().log.error("the configuration is not taken over: it is wrong; the former one stays",
                         fresh.error());
    } else {
        log_.set_least(fresh->config.log_level);
        const std::lock_guard lock(mutex_);
        take_config(fresh->config);
        look_asked_ = true;
        for (auto& entry : slots_) entry.second.dirty = true;
    }
    if (fresh && fresh->needs_restart.empty()) host().log.info("the configuration was read again");
    if (fresh && !fresh->needs_restart.empty())
        host().log.warning(
            "the configuration was read again; some of it needs a restart: systemctl restart tidegated",
            {{"keys", join(fresh->needs_restart, ", ")}});
    notify_manager("READY=1");
}

// One line for `systemctl status`; sent when it has changed.
void Daemon::tell_status() {
    std::map<std::string_view, int> states;
    std::string words;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& entry : slots_) ++states[name_of(entry.second.report.decision.state)];
        if (look_ && look_->refused) words = "; the newest revision is refused";
        if (look_ && look_->unreachable) words = "; the manifests cannot be looked at";
        if (!freshness().stale.empty()) words = "; stale";
    }
    std::vector<std::string> counts;
    for (const auto& [state, count] : states)
        counts.push_back(std::to_string(count) + " " + std::string(state));
    auto line = "STATUS=" + (counts.empty() ? "no apps" : join(counts, ", ")) + words;
    if (line == told_status_) return;
    told_status_ = std::move(line);
    notify_manager(told_status_);
}

Freshness Daemon::freshness() const {
    return look_ ? freshness_of(*look_, host().config, clock_.now()) : Freshness{};
}

// Once when it begins, once when it ends.
void Daemon::tell_freshness() {
    const std::lock_guard lock(mutex_);
    const auto now = freshness();
    if (now.stale.empty() == !told_stale_) return;
    told_stale_ = !now.stale.empty();
    if (told_stale_)
        host().log.error("stale: what is declared may have changed; apps run on as they are",
                         {{"reason", now.words()}});
    else
        host().log.info("no longer stale: the manifests branch is followed again");
}

// One turn of the loop: what ended, what is new, what is due.
void Daemon::turn() {
    reap();
    take_look();
    start_look();
    start_keepers();
    answer_waiters();
    tell_freshness();
    if (!stopping_) tell_status();
    // From here and nowhere else: a loop that hangs is not saved by a thread that still runs.
    if (watchdog_.count() > 0 && clock_.mono() >= next_ping_) {
        notify_manager("WATCHDOG=1");
        next_ping_ = clock_.mono() + watchdog_;
    }
    const std::lock_guard lock(mutex_);
    if (force_at_ && std::chrono::steady_clock::now() >= *force_at_) {
        force_at_.reset();
        host().log.warning("what is under way takes too long; it is ended");
        for (auto& [name, slot] : slots_)
            if (slot.running) slot.interrupt->force();
        give_up_at_ = clock_.mono() + kLastPatience;
    }
    if (give_up_at_ && clock_.mono() >= *give_up_at_) {
        // As killed: whatever hangs cannot be waited for, and the next start finds a journal that says where it was.
        host().log.error("something on this host hangs; ended without waiting for it");
        std::_Exit(exit_code(ErrorKind::Timeout));
    }
}

bool Daemon::idle() const {
    if (stopping_)
        return std::none_of(slots_.begin(), slots_.end(),
                            [](const auto& entry) { return entry.second.running; });
    return !looking_ && !look_asked_ && !fresh_look_ &&
           std::none_of(slots_.begin(), slots_.end(),
                        [](const auto& entry) { return entry.second.running || entry.second.dirty; });
}

void Daemon::stop(const char* why) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    host().log.info("asked to end", {{"signal", why}});
    notify_manager("STOPPING=1");
    stopping_ = true;
    force_at_ = clock_.mono() + kStopPatience;
    look_interrupt_.ask(Ask::Stop);
    for (auto& [name, slot] : slots_)
        if (slot.running) slot.interrupt->ask(Ask::Stop);
}

int Daemon::wait_ms() {
    const std::lock_guard lock(mutex_);
    std::optional<MonoTime> first;
    const auto at = [&](const std::optional<MonoTime>& time) {
        if (time && (!first || *time < *first)) first = time;
    };
    if (watchdog_.count() > 0) at(next_ping_);
    if (stopping_) {
        at(force_at_);
        at(give_up_at_);
    } else {
        if (!looking_ && !options_.once) at(next_look_);
        if (const auto stale = freshness().at; stale && !options_.once)
            at(clock_.mono() + (*stale - clock_.now()));
        for (const auto& [name, slot] : slots_)
            if (!slot.running && !options_.once) at(slot.again);
    }
    if (!first) return -1;
    const auto left = std::chrono::duration_cast<Duration>(*first - clock_.mono()).count() + 1;
    return static_cast<int>(std::clamp<Duration::rep>(left, 0, 86'400'000));
}

int Daemon::exit_status(const std::string& app) const {
    if (stopping_ && !options_.once) return 0;
    if (look_->refused) return exit_code(look_->refused->kind);
    bool converged = true;
    for (const auto& [name, slot] : slots_) {
        if (!app.empty() && name != app) continue;
        if (slot.report.denied) return exit_code(ErrorKind::Denied);
        const bool orphan = look_->apps.count(name) == 0;
        converged = converged && (orphan || slot.report.decision.state == AppState::Converged);
    }
    if (look_->unreachable) return exit_code(look_->unreachable->kind);
    return converged ? 0 : 1;
}

void Daemon::answer_waiters() {
    std::vector<Waiter> ready;
    {
        const std::lock_guard lock(mutex_);
        if (!idle() && !stopping_) return;
        for (const auto& waiter : waiters_)
            if (waiter.looked || stopping_) ready.push_back(waiter);
        std::erase_if(waiters_, [&](const Waiter& waiter) { return waiter.looked || stopping_; });
    }
    for (const auto& waiter : ready) {
        auto answer = status(waiter.app);
        answer.set("token", Value(waiter.token));
        const std::lock_guard lock(mutex_);
        answer.set("exit", Value(exit_status(waiter.app)));
        if (server_) server_->answer(waiter.connection, answer);
    }
}

}  // namespace tidegate::reconciler
