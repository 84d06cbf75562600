// The daemon's threads: the look at the manifests branch, and one keeper for each app that has something due.
#include "reconciler/daemon.hpp"

#include <algorithm>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

void Daemon::reap() {
    const std::lock_guard lock(mutex_);
    for (auto& [name, slot] : slots_) {
        if (!slot.finished) continue;
        slot.thread.join();
        slot.finished = slot.running = false;
        wake_dependents(name);
        slot.again.reset();
        if (const auto& again = slot.report.decision.again)
            slot.again = clock_.mono() + std::max(Duration(100), *again - clock_.now());
    }
}

// Who waits for this app looks again: it may be its turn.
void Daemon::wake_dependents(const std::string& app) {
    if (!look_) return;
    for (const auto& [name, declared] : look_->apps) {
        if (!declared.spec || !wanted(name)) continue;
        const auto& on = declared.spec->depends_on;
        const auto slot = slots_.find(name);
        if (slot == slots_.end() || std::find(on.begin(), on.end(), app) == on.end()) continue;
        if (slot->second.report.decision.state == AppState::Waiting) slot->second.dirty = true;
    }
}

void Daemon::start_look() {
    const std::lock_guard lock(mutex_);
    const bool due = look_asked_ || (!options_.once && clock_.mono() >= next_look_);
    if (looking_ || stopping_ || !due) return;
    if (look_thread_.joinable()) look_thread_.join();
    looking_at_all_ = std::exchange(look_asked_, false);
    looking_ = true;
    next_look_ = clock_.mono() + host().config.interval;
    for (auto& waiter : waiters_) waiter.looked = true;
    look_thread_ = std::thread([this, before = look_] {
        auto fresh = look(host(), before, look_interrupt_.soft_fd());
        {
            const std::lock_guard inner(mutex_);
            fresh_look_ = std::move(fresh);
        }
        wake();
    });
}

void Daemon::take_look() {
    const std::lock_guard lock(mutex_);
    if (!fresh_look_) return;
    look_thread_.join();
    looking_ = false;
    const auto before = std::exchange(look_, std::exchange(fresh_look_, nullptr));
    if (look_->refused && (!before || !before->refused || before->tip != look_->tip))
        host().log.error("the tip of the manifests branch is refused", *look_->refused);
    if (look_->unreachable && (!before || !before->unreachable))
        host().log.warning("the manifests branch cannot be looked at", *look_->unreachable);
    tell_what_is_not_honoured(before.get());
    std::vector<std::string> names = journal_->apps().value_or(std::vector<std::string>{});
    for (const auto& [name, app] : look_->apps) names.push_back(name);
    for (const auto& name : names) {
        if (!wanted(name)) continue;
        auto& slot = slots_[name];
        slot.dirty = true;
        slot.look_at_all = slot.look_at_all || looking_at_all_;
        if (slot.since == WallTime{}) slot.since = clock_.now();
        slot.report.app = name;
        const auto app = look_->apps.find(name);
        if (slot.running && !slot.report.deploying.empty() && app != look_->apps.end() &&
            app->second.digest != slot.report.deploying && takes_over(*look_, app->second, host()))
            slot.interrupt->ask(Ask::Newer);
    }
}

// Once for each revision.
void Daemon::tell_what_is_not_honoured(const Look* before) {
    if (!look_->accepted || !look_->schedule) return;
    if (before && before->accepted && before->accepted->revision == look_->accepted->revision) return;
    for (const auto& what : look_->schedule->not_honoured)
        host().log.warning(std::string(manifests::kBranchFile) + " asks for what this host does not honour",
                           {{"what", what}, {"revision", look_->accepted->revision.str()}});
}

void Daemon::start_keepers() {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    for (auto& entry : slots_) {
        auto& slot = entry.second;  // clang 14 captures no structured binding
        const bool due = slot.dirty || (!options_.once && slot.again && clock_.mono() >= *slot.again);
        if (slot.running || !due) continue;
        slot.dirty = false;
        slot.again.reset();
        slot.running = true;
        slot.interrupt = std::make_unique<Interrupt>();
        auto before = slot.report;
        before.drift_rounds.all = before.drift_rounds.all || std::exchange(slot.look_at_all, false);
        slot.thread = std::thread([this, before = std::move(before), &slot] {
            const auto looked = [this] {
                const std::lock_guard inner(mutex_);
                return look_;
            };
            const auto report = [this, &slot](const AppReport& now) {
                const std::lock_guard inner(mutex_);
                if (slot.report.decision.state != now.decision.state) slot.since = clock_.now();
                slot.report = now;
            };
            AppKeeper keeper(host(), before, looked, report, *slot.interrupt);
            const auto last = keeper.keep();
            report(last);
            {
                const std::lock_guard inner(mutex_);
                slot.finished = true;
            }
            wake();
        });
    }
}

}  // namespace tidegate::reconciler
