// What the host remembers: deployments and their phases, holds, pauses, delays, which releases were good, the
// accepted revision and the time. One SQLite database in the state folder. Every phase is written before it
// starts and after it ends; what is written is on disk when the call returns. Thread-safe.
#pragma once

#include "reconciler/database.hpp"
#include "reconciler/machine.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/names.hpp"

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

// One attempt to take an app from one release to another, as the journal keeps it.
struct DeploymentRow {
    std::int64_t id = 0;
    std::string app;
    std::string root;
    std::string from_release;  // empty: the first
    std::string from_commit;
    std::string from_label;  // "v1.4.2", or the short commit
    std::string from_manifest;
    std::string to_release;
    std::string to_commit;
    std::string to_label;
    std::string to_manifest;  // the manifest's text: recovery needs no branch
    std::string digest;       // of to_manifest: what a hold is bound to
    std::string revision;
    std::string signer;
    bool back = false;       // a rollback: migrations are taken back, not made
    bool from_good = false;  // the former release is known good: there is something to revert to
    shared::WallTime started{};
    std::optional<shared::WallTime> ended;
    std::string
        outcome;  // deployed adopted reverted failed refused postponed superseded interrupted broken; "" while it runs
    std::string reason;
    Verdict verdict = Verdict::None;
    int restarts = 0;  // how often it was found unfinished
    int attempt = 1;   // of this manifest, where those before were postponed or refused
};

// Noted of the step in which undoing failed, when a person says retry.
inline constexpr std::string_view kTriedAgain = "tried-again";
// Words of a phase `migrate` beside its events: the backup is whole (its folder's name), and from here on the database
// is changed. Without the second nothing needs to be taken back.
inline constexpr std::string_view kBackedUp = "backup";
inline constexpr std::string_view kApplying = "applying";
// … and that files of SQL have no way down, which is known when the ledger was asked.
inline constexpr std::string_view kOneWay = "one-way";

struct PhaseRow {
    State state = State::Fetch;
    std::string what;  // "begin", how it ended (an event's name), or kTriedAgain
    shared::WallTime at{};
    std::string detail;
};

// The release an app is known to run well with.
struct RunningRow {
    std::string root;
    std::string release;
    std::string commit;
    std::string label;
    std::string manifest;
    std::string digest;
    std::string revision;
    shared::WallTime since{};
};

struct HoldRow {
    std::string digest;
    bool refused = false;  // by policy: asked again by itself
    std::int64_t deployment = 0;
    std::string reason;
    shared::WallTime at{};
    std::string revision = {};  // in which it was judged: another may bring what was missing
    bool one_way = false;       // refused for want of a way back: only a person lets it go
};
inline constexpr int kOneWayHold = 2;  // in the column `refused`, where others have 0 or 1

// Failures that are tried again by themselves, bound to a manifest.
struct DelayRow {
    std::string digest;
    int failures = 0;
    int interruptions = 0;
    shared::WallTime until{};
    std::string reason;
};

// Somebody wants an app, or every app of the host, left alone.
struct PauseRow {
    std::string reason;
    std::string who;  // a name, or a user's number
    shared::WallTime since{};
    std::optional<shared::WallTime> until;  // none: until somebody says resume
    bool whole_host = false;
};

struct AppRow {
    std::optional<RunningRow> running;
    std::optional<HoldRow> hold;
    std::optional<DelayRow> delay;
    std::optional<PauseRow> paused;           // the one that lasts longest; it may be over by now
    std::optional<std::string> broken;        // the reason
    std::optional<std::string> irreversible;  // digest that may go a way of no return
    std::optional<std::string> let_go;        // digest that a person lets go where the strategy is manual
};

struct GoodRelease {
    std::string release;
    std::string commit;
    std::string label;
    std::int64_t first = 0;  // deployments' ids
    std::int64_t last = 0;
};

// A release that somebody else made and that was taken over.
struct AdoptedRelease {
    std::string release;     // its folder's name
    std::string stands_for;  // the name that it would have had from us; empty: not known
    bool removable = false;  // prune may remove it: a person said so
};

struct ChildRow {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;  // of /proc/PID/stat: a pid that was given again has another
    std::string boot;               // the kernel's boot id: after a reboot none of it is ours
};

struct Accepted {
    shared::Oid revision;
    std::string signer;
    std::int64_t count = 0;  // grows by one with each: the later of two copies wins
    shared::WallTime at{};
};

class Journal {
  public:
    // STATE/state.db. Unsupported for a database of a newer tidegated. One that cannot be read is set aside as
    // state.db.broken-<time> and a new one begun: `rebuilt` tells.
    [[nodiscard]] static Result<std::unique_ptr<Journal>> open(const std::string& state_folder,
                                                               shared::WallTime now);
    [[nodiscard]] bool rebuilt() const { return rebuilt_; }

    [[nodiscard]] Result<std::int64_t> begin(const DeploymentRow& row);
    // A deployment's end, and in the same transaction all that follows from it for the app.
    struct End {
        std::string outcome;
        std::string reason;
        std::optional<RunningRow> running;  // set: the app runs well with this now
        bool forget_running = false;
        std::optional<HoldRow> hold;
        std::optional<DelayRow> delay;  // neither hold nor delay: both are forgotten
        std::optional<std::string> broken;
    };
    [[nodiscard]] Result<void> end(const DeploymentRow& row, const End& end, shared::WallTime now);
    [[nodiscard]] Result<void> set_verdict(std::int64_t deployment, Verdict verdict,
                                           const std::string& reason);
    [[nodiscard]] Result<int> count_restart(std::int64_t deployment);
    [[nodiscard]] Result<void> note(std::int64_t deployment, State state, std::string_view what,
                                    const std::string& detail, shared::WallTime now);

    [[nodiscard]] Result<std::optional<DeploymentRow>> deployment(std::int64_t id);
    [[nodiscard]] Result<std::optional<DeploymentRow>> unfinished(const std::string& app);
    [[nodiscard]] Result<std::optional<DeploymentRow>> last(const std::string& app);
    // Newest first; an empty `app`: of all.
    [[nodiscard]] Result<std::vector<DeploymentRow>> history(const std::string& app, int limit);
    [[nodiscard]] Result<std::vector<PhaseRow>> phases(std::int64_t deployment);

    [[nodiscard]] Result<AppRow> app(const std::string& app);
    [[nodiscard]] Result<std::vector<std::string>> apps();
    [[nodiscard]] Result<std::vector<GoodRelease>> good_releases(const std::string& app);
    // The first deployment that brought this commit up well; nullopt: none did.
    [[nodiscard]] Result<std::optional<std::int64_t>> first_deployed(const std::string& app,
                                                                     const std::string& commit);
    // Takes what is behind `current` as good without a deployment: an app that was there before us, a lost
    // database, or a manifest of which only words changed.
    [[nodiscard]] Result<void> adopt(const std::string& app, const RunningRow& running);
    // The same for what somebody else deployed: `row` (its outcome, reason and times as they are) goes into history,
    // holds and delays are forgotten. Locked where a deployment is unfinished or something is known to run.
    [[nodiscard]] Result<void> take_over(const DeploymentRow& row, const RunningRow& running,
                                         const std::vector<AdoptedRelease>& releases);
    [[nodiscard]] Result<std::vector<AdoptedRelease>> adopted(const std::string& app);
    // An empty `app`: the whole host. Another pause of the same takes the former's place; all are kept.
    [[nodiscard]] Result<void> pause(const std::string& app, const PauseRow& pause);
    [[nodiscard]] Result<void> resume(const std::string& app, shared::WallTime now);
    [[nodiscard]] Result<std::optional<PauseRow>> host_pause();
    // Forgets hold, delay and broken. A deployment whose undoing failed is open again, in the step that failed.
    // `irreversible`: lets this digest go a way of no return; `let_go`: the digest
    // that may go under a manual strategy.
    [[nodiscard]] Result<void> retry(const std::string& app, shared::WallTime now,
                                     const std::optional<std::string>& irreversible = std::nullopt,
                                     const std::optional<std::string>& let_go = std::nullopt);
    [[nodiscard]] Result<void> set_delay(const std::string& app, const DelayRow& delay);
    [[nodiscard]] Result<void> clear_delay(const std::string& app);
    [[nodiscard]] Result<void> forget_release(const std::string& app, const std::string& release);

    [[nodiscard]] Result<void> child_started(std::int64_t deployment, const ChildRow& child);
    [[nodiscard]] Result<void> child_ended(std::int64_t deployment);
    [[nodiscard]] Result<std::vector<ChildRow>> children();
    [[nodiscard]] Result<void> forget_children();

    // Kept in the database and in STATE/accepted; whichever is later is read.
    [[nodiscard]] Result<std::optional<Accepted>> accepted();
    [[nodiscard]] Result<void> accept(const shared::Oid& revision, const std::string& signer,
                                      shared::WallTime now);
    [[nodiscard]] Result<std::optional<shared::WallTime>> saved_time();
    [[nodiscard]] Result<void> save_time(shared::WallTime time);
    // When the manifests branch was last reached, as a daemon that starts anew is to know it.
    [[nodiscard]] Result<std::optional<shared::WallTime>> heard();
    [[nodiscard]] Result<void> save_heard(shared::WallTime time);

  private:
    Journal(Database database, std::string folder, bool rebuilt)
        : database_(std::move(database)), folder_(std::move(folder)), rebuilt_(rebuilt) {}
    [[nodiscard]] Result<std::optional<std::string>> fact(std::string_view key);
    [[nodiscard]] Result<std::optional<shared::WallTime>> time_of(std::string_view key);
    [[nodiscard]] Result<void> set_fact(std::string_view key, const std::string& value);
    [[nodiscard]] Result<void> put_running(const std::string& app, const RunningRow& running,
                                           std::int64_t deployment);
    [[nodiscard]] Result<std::optional<PauseRow>> pause_of(const std::string& app);
    [[nodiscard]] Result<void> reopen_broken(const std::string& app, shared::WallTime now);
    [[nodiscard]] Result<void> put_app_text(const char* column, const std::string& app,
                                            const std::optional<std::string>& value);

    std::mutex mutex_;
    Database database_;
    std::string folder_;
    bool rebuilt_ = false;
};

}  // namespace tidegate::reconciler
