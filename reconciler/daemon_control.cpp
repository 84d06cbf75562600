// What people ask of the daemon over its control socket. Requests: {"command", "app", …}; answers: an object, with
// "error", "hint" and "exit" where it could not be done. What it only tells of is in daemon_tell.cpp.
#include "reconciler/daemon.hpp"
#include "reconciler/status.hpp"
#include "shared/base/text.hpp"

#include <pwd.h>

#include <algorithm>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

std::string text_of(const Value& request, std::string_view key) {
    const Value* value = request.find(key);
    return value != nullptr && value->is(Value::Kind::Text) ? value->text() : std::string();
}
bool flag_of(const Value& request, std::string_view key) {
    const Value* value = request.find(key);
    return value != nullptr && value->boolean();
}
std::string name_of_user(uid_t uid) {
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
    return found != nullptr ? std::string(found->pw_name) : std::to_string(uid);
}

}  // namespace

void Daemon::handle(ControlServer::Connection connection, const Peer& peer, const Value& request) {
    const auto command = text_of(request, "command");
    host().log.debug("asked over the control socket",
                     {{"command", command}, {"uid", std::to_string(peer.uid)}});
    if (command == "sync") return sync(connection, request);
    const auto app = text_of(request, "app");
    if (command == "adopt" && !app.empty()) {
        if (auto ok = known(app); !ok) return server_->answer(connection, reconciler::to_value(ok.error()));
        return adopt(connection, app,
                     {text_of(request, "commit"), name_of_user(peer.uid), flag_of(request, "with_old"),
                      flag_of(request, "dry_run"), flag_of(request, "yes")});
    }
    const auto answer = answer_to(command, request, peer);
    server_->answer(connection, answer ? *answer : reconciler::to_value(answer.error()));
}

Result<Value> Daemon::answer_to(const std::string& command, const Value& request, const Peer& peer) {
    const auto app = text_of(request, "app");
    if (!app.empty()) TRY(known(app));
    if (command == "status") return status(app);
    if (command == "plan") return plan(app);
    if (command == "history") return history(app, request);
    if (command == "pause") return pause(app, request, name_of_user(peer.uid));
    if (command == "resume") return resume(app);
    const bool for_one = command == "retry" || command == "show" || command == "why" || command == "verify" ||
                         command == "adopt";
    if (!for_one)
        return fail(ErrorKind::Usage, "the daemon knows no command `" + escape_foreign(command) + "`",
                    "tidegatectl and tidegated may be of different versions");
    if (app.empty()) return fail(ErrorKind::Usage, command + " needs the name of an app");
    if (command == "show") return show(app, request);
    if (command == "why") return why(app);
    if (command == "verify") return verify(app);
    return retry(app, request);
}

Result<void> Daemon::known(const std::string& app) {
    std::vector<std::string> names = TRY(journal_->apps());
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [name, slot] : slots_) names.push_back(name);
        if (look_)
            for (const auto& [name, found] : look_->apps) names.push_back(name);
    }
    if (std::find(names.begin(), names.end(), app) != names.end()) return {};
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    const auto meant = nearest(app, candidates);
    return fail(ErrorKind::Usage, "this host has no app `" + escape_foreign(app) + "`",
                meant.empty() ? "tidegatectl status shows those it has"
                              : "did you mean `" + std::string(meant) + "`?");
}

// An empty `app`: the whole host.
Result<Value> Daemon::pause(const std::string& app, const Value& request, const std::string& who) {
    PauseRow row{text_of(request, "reason"), who, clock_.now(), std::nullopt, app.empty()};
    if (row.reason.empty()) row.reason = "paused by " + who;
    if (const auto time = text_of(request, "for"); !time.empty()) {
        const auto length = TRY(parse_duration(time));
        if (length.count() == 0)
            return fail(ErrorKind::Usage, "a pause of no time", "--for 2h, or without it");
        row.until = row.since + length;
    }
    TRY(journal_->pause(app, row));
    Value out = reconciler::to_value(row);
    const auto what = app.empty() ? "this host is paused: no app" : app + " is paused: nothing";
    const auto resume = "tidegatectl resume" + (app.empty() ? "" : " " + app);
    out.set("app", app);
    out.set("done", what + " is deployed, mended or reverted until " +
                        (row.until ? format_utc(*row.until) + " or " : "") + resume);
    changed_by_person("pause", app, row.reason);
    return out;
}

Result<Value> Daemon::resume(const std::string& app) {
    TRY(journal_->resume(app, clock_.now()));
    Value out;
    out.set("app", app);
    auto words = (app.empty() ? "this host" : app) + " is looked after again";
    const auto host = app.empty() ? std::nullopt : TRY(journal_->host_pause());
    if (host && (!host->until || *host->until > clock_.now()))
        words = app + " is not paused for itself, but this host is: tidegatectl resume";
    out.set("done", words);
    changed_by_person("resume", app, "");
    return out;
}

Result<Value> Daemon::retry(const std::string& app, const Value& request) {
    std::optional<std::string> irreversible;
    std::optional<std::string> let_go;
    {
        const std::lock_guard lock(mutex_);
        const auto found = look_->apps.find(app);
        if (flag_of(request, "irreversible") && found != look_->apps.end())
            irreversible = found->second.digest;
        if (found != look_->apps.end()) let_go = found->second.digest;
    }
    TRY(journal_->retry(app, clock_.now(), irreversible, let_go));
    Value out;
    out.set("app", app);
    out.set("done", app + " is tried again");
    changed_by_person("retry", app, "");
    return out;
}

void Daemon::changed_by_person(const char* command, const std::string& app, const std::string& reason) {
    host().log.info("changed by a person", {{"command", command}, {"app", app}, {"reason", reason}});
    {
        const std::lock_guard lock(mutex_);
        if (!app.empty()) slots_[app].report.app = app;
        for (auto& [name, slot] : slots_) slot.dirty = slot.dirty || app.empty() || name == app;
        look_asked_ = look_asked_ || std::string_view(command) != "pause";
    }
    wake();
}

void Daemon::sync(ControlServer::Connection connection, const Value& request) {
    const auto app = text_of(request, "app");
    if (!app.empty()) {
        if (auto ok = known(app); !ok) {
            server_->answer(connection, reconciler::to_value(ok.error()));
            return;
        }
    }
    std::int64_t token = 0;
    {
        const std::lock_guard lock(mutex_);
        token = next_token_++;
        look_asked_ = true;
        end_delays(app);
        if (!flag_of(request, "no_wait")) waiters_.push_back({connection, token, false, app});
    }
    wake();
    if (!flag_of(request, "no_wait")) return;
    Value out;
    out.set("token", token);
    server_->answer(connection, out);
}

}  // namespace tidegate::reconciler
