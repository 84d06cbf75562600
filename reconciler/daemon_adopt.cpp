// `tidegatectl adopt` in the daemon. Asking the source and comparing files takes its time: it has a thread of its own,
// one at a time, and is answered when it is done.
#include "reconciler/adoption.hpp"
#include "reconciler/daemon.hpp"
#include "reconciler/status.hpp"

#include <utility>

namespace tidegate::reconciler {

using namespace shared;

Result<Value> Daemon::adoption(const std::string& app, const AdoptionWish& wish) {
    const auto looked = [this] {
        const std::lock_guard lock(mutex_);
        return look_;
    }();
    const auto plan = TRY(plan_adoption(host(), *looked, app, {wish.commit, wish.with_old, wish.who},
                                        look_interrupt_.soft_fd()));
    auto out = to_value(app, plan);
    const bool willing = !wish.dry_run && (wish.yes || plan.warnings.empty());
    if (willing) TRY(perform(host(), app, plan));
    out.set("adopted", Value(willing));
    out.set("dry_run", Value(wish.dry_run));
    if (!willing && !wish.dry_run) out.set("exit", Value(exit_code(ErrorKind::Failed)));
    return out;
}

void Daemon::adopt(ControlServer::Connection connection, const std::string& app, AdoptionWish wish) {
    std::optional<Error> refused;
    {
        const std::lock_guard lock(mutex_);
        const auto slot = slots_.find(app);
        if (adopting_)
            refused = Error{
                ErrorKind::Locked, "another adoption is under way", "try again when it is done", {}, {}};
        else if (slot != slots_.end() && slot->second.running && !slot->second.report.deploying.empty())
            refused = Error{ErrorKind::Locked,
                            "a deployment of " + app + " is under way",
                            "tidegatectl status " + app,
                            {},
                            {}};
        else
            adopting_ = true;
    }
    if (refused) {
        server_->answer(connection, reconciler::to_value(*refused));
        return;
    }
    if (adopt_thread_.joinable()) adopt_thread_.join();
    adopt_thread_ = std::thread([this, connection, app, wish = std::move(wish)] {
        const auto answer = adoption(app, wish);
        if (answer && answer->find("adopted")->boolean()) changed_by_person("adopt", app, wish.commit);
        server_->answer(connection, answer ? *answer : reconciler::to_value(answer.error()));
        const std::lock_guard lock(mutex_);
        adopting_ = false;
    });
}

}  // namespace tidegate::reconciler
