#include "hooks/command.hpp"
#include "hooks/runner.hpp"
#include "hooks/wake.hpp"
#include "shared/base/text.hpp"

namespace tidegate::hooks {

using namespace shared;

Result<void> Runner::ensure_logs() {
    if (logs_) return {};
    logs_ = TRY(RunLogs::begin(repo_, plan_.stage->name));
    report_.logs = logs_->path();
    return {};
}

Result<void> Runner::ensure_snapshot() {
    if (snapshot_) return {};
    watcher_.preparing("snapshot");
    snapshot_ = TRY(Snapshot::prepare(repo_, *plan_.stage, target_));
    wake_ = join_wakes(options_.cancel_fd, snapshot_->watch_fd());
    const auto pending = snapshot_->pending_setup();
    for (const auto index : pending) TRY(run_setup(index));
    return {};
}

Result<void> Runner::run_setup(size_t index) {
    const auto& setup = plan_.stage->setup[index];
    const auto shown = escape_foreign(setup.run.shown());
    watcher_.preparing("setup: " + shown);
    JobOutput output;
    const auto name = "setup-" + std::to_string(index + 1);
    TRY(ensure_logs());
    output.keep_in([&] { return logs_->open(name); });
    Command command;
    command.argv = TRY(command_lines(setup.run, {{}, logs_->path(), {}}, 65536)).front();
    command.env = gate_environment(plan_.stage->setup_pass_env, {}, target_);
    command.directory = snapshot_->path() + (setup.folder.empty() ? "" : "/" + setup.folder);
    command.timeout = setup.timeout;
    command.output_limit = 0;
    command.merge_streams = true;
    command.cancel_fd = options_.cancel_fd;
    command.on_output = [&](Stream, std::string_view bytes) { output.take(bytes); };
    const auto exit = TRY(shared::run(command));
    if (exit.cancelled) return fail(ErrorKind::Cancelled, "cancelled during setup: " + shown);
    if (exit.ok()) return snapshot_->setup_done(index);
    auto tail = output.tail();
    if (tail.size() > 2000) tail.erase(0, tail.size() - 2000);
    return fail(ErrorKind::Failed, "`setup` failed: " + shown + ": " + exit.describe(),
                escape_foreign_block(std::string(trim(tail))) + "\nfull log: " + logs_->path_of(name));
}

Result<void> Runner::close_snapshot() {
    if (!snapshot_) return {};
    report_.spoil = TRY(snapshot_->spoil());
    if (options_.on_changes) TRY(options_.on_changes(snapshot_->path(), report_.spoil));
    if (!report_.spoil.changed.empty() && in_snapshot_.size() == 1)
        report_.spoiler = report_.gates[in_snapshot_.front()].gate->name;
    // A gate that passed has not missed it.
    for (const auto& link : snapshot_->missing_links())
        if (failed_) report_.notes.push_back("`link`: the working tree has no " + escape_foreign(link));
    return snapshot_->release(report_.spoil);
}

}  // namespace tidegate::hooks
