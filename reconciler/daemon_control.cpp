// What the daemon answers over its control socket. Requests: {"command", "app", …}; answers: an object, with
// "error", "hint" and "exit" where it could not be done.
#include "reconciler/adoption.hpp"
#include "reconciler/daemon.hpp"
#include "reconciler/host_ports.hpp"
#include "reconciler/status.hpp"
#include "shared/base/text.hpp"

#include <pwd.h>

#include <algorithm>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr int kHistoryRows = 50;
constexpr size_t kLogTail = 16 << 10;

std::string text_of(const Value& request, std::string_view key) {
    const Value* value = request.find(key);
    return value != nullptr && value->is(Value::Kind::Text) ? value->text() : std::string();
}
bool flag_of(const Value& request, std::string_view key) {
    const Value* value = request.find(key);
    return value != nullptr && value->boolean();
}
std::int64_t number_of(const Value& request, std::string_view key, std::int64_t fallback) {
    const Value* value = request.find(key);
    return value != nullptr && value->is(Value::Kind::Integer) ? value->integer() : fallback;
}

std::string label_for(Journal& journal, const std::string& app, const std::string& release,
                      std::string& commit) {
    for (const auto& good : journal.good_releases(app).value_or(std::vector<GoodRelease>{})) {
        if (good.release != release) continue;
        commit = good.commit;
        return good.label;
    }
    return {};
}

std::string name_of_user(uid_t uid) {
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
    return found != nullptr ? std::string(found->pw_name) : std::to_string(uid);
}

AppFacts facts_of(Journal& journal, const std::string& app, const Slot* slot, const Look* look,
                  const std::string& stale) {
    AppFacts facts;
    facts.app = app;
    facts.stale = stale;
    if (slot != nullptr) {
        facts.state = slot->report.decision.state;
        facts.reason = slot->report.decision.reason;
        facts.release = slot->report.current;
        facts.since = slot->since;
        facts.again = slot->report.decision.again;
        facts.bar = slot->report.decision.bar;
    }
    const auto remembered = journal.app(app).value_or(AppRow{});
    const auto& running = remembered.running;
    if (running && (running->release == facts.release || facts.release.empty())) {
        facts.release = running->release;
        facts.commit = running->commit;
        facts.label = running->label;
        if (facts.state == AppState::Converged) facts.since = running->since;
    } else if (!facts.release.empty()) {
        facts.label = label_for(journal, app, facts.release, facts.commit);
        // A first release that failed is behind `current` and never was good.
        if (const auto last = journal.last(app);
            facts.commit.empty() && last && *last && (*last)->to_release == facts.release) {
            facts.commit = (*last)->to_commit;
            facts.label = (*last)->to_label;
        }
    }
    if (facts.state == AppState::Held && remembered.hold) facts.since = remembered.hold->at;
    if (look == nullptr) return facts;
    if (look->schedule) facts.not_honoured = look->schedule->not_honoured;
    if (look->accepted) facts.revision = look->accepted->revision.str();
    const auto found = look->apps.find(app);
    if (found != look->apps.end() && found->second.spec) {
        facts.declared = found->second.spec->commit.str();
        facts.declared_label = found->second.spec->label();
    }
    return facts;
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
    return fail(ErrorKind::NotFound, "this host has no app `" + escape_foreign(app) + "`",
                meant.empty() ? "tidegatectl status shows those it has"
                              : "did you mean `" + std::string(meant) + "`?");
}

Value Daemon::status(const std::string& app) {
    const std::lock_guard lock(mutex_);
    Value out;
    out.set("host", host().config.name);
    out.set("environment", host().config.environment);
    out.set("revision", look_ && look_->accepted ? look_->accepted->revision.str() : "");
    const auto now = freshness();
    if (look_ && look_->heard) out.set("checked", format_utc(*look_->heard));
    out.set("stale", now.words());
    Value apps(Value::List{});
    for (const auto& [name, slot] : slots_)
        if (app.empty() || app == name)
            apps.push(reconciler::to_value(facts_of(*journal_, name, &slot, look_.get(), now.stale)));
    out.set("apps", std::move(apps));
    Value detail;
    if (look_ && look_->accepted) {
        detail.set("signer", look_->accepted->signer);
        detail.set("accepted", format_utc(look_->accepted->at));
    }
    if (look_ && look_->refused) {
        detail.set("refused", look_->refused->line());
        detail.set("refused_hint", look_->refused->hint);
    }
    if (const auto paused = journal_->host_pause();
        paused && *paused && (!(*paused)->until || *(*paused)->until > clock_.now()))
        detail.set("paused", reconciler::to_value(**paused));
    if (look_ && look_->unreachable) detail.set("unreachable", look_->unreachable->line());
    out.set("detail", std::move(detail));
    out.set("exit", look_ && !looking_ ? exit_status() : 0);
    return out;
}

Decision Daemon::last_decision(const std::string& app) {
    const std::lock_guard lock(mutex_);
    const auto slot = slots_.find(app);
    return slot == slots_.end() ? Decision{} : slot->second.report.decision;
}

Result<Value> Daemon::plan(const std::string& app) {
    std::vector<std::string> names;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [name, slot] : slots_)
            if (app.empty() || app == name) names.push_back(name);
    }
    Interrupt never;
    Value apps(Value::List{});
    for (const auto& name : names) {
        AppKeeper keeper(
            host(), AppReport{name, {}, {}, {}, 0, false},
            [this] {
                const std::lock_guard lock(mutex_);
                return look_;
            },
            [](const AppReport&) {}, never);
        auto report = keeper.decide_only();
        // Drift is found by the tick; it is not looked for here, where nothing is waited for.
        if (const auto seen = last_decision(name);
            report.decision.state == AppState::Converged && seen.state == AppState::Drifted)
            report.decision = seen;
        const auto looked = [this] {
            const std::lock_guard lock(mutex_);
            return look_;
        }();
        const auto facts = facts_of(*journal_, name, nullptr, looked.get(), "");
        Value entry;
        entry.set("app", name);
        entry.set("verb", name_of(report.decision.verb));
        entry.set("state", name_of(report.decision.state));
        entry.set("from", report.current);
        const auto found = looked ? looked->apps.find(name) : decltype(looked->apps.find(name)){};
        const bool has = looked && found != looked->apps.end() && found->second.spec;
        entry.set("to", has ? folder_of(*journal_, *found->second.spec).str() : "");
        entry.set("from_label", facts.label);
        entry.set("to_label", facts.declared_label);
        entry.set("reason", report.decision.reason);
        apps.push(std::move(entry));
    }
    Value out;
    out.set("apps", std::move(apps));
    return out;
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

Result<Value> Daemon::history(const std::string& app, const Value& request) {
    const auto limit = std::clamp<std::int64_t>(number_of(request, "limit", kHistoryRows), 1, 10'000);
    Value rows(Value::List{});
    for (const auto& row : TRY(journal_->history(app, static_cast<int>(limit))))
        rows.push(reconciler::to_value(row));
    Value out;
    out.set("deployments", std::move(rows));
    return out;
}

Result<Value> Daemon::show(const std::string& app, const Value& request) {
    const auto id = number_of(request, "deployment", 0);
    const auto row = id == 0 ? TRY(journal_->last(app)) : TRY(journal_->deployment(id));
    if (!row || row->app != app)
        return fail(ErrorKind::NotFound,
                    app + " has no deployment " + (id == 0 ? std::string("yet") : std::to_string(id)),
                    "tidegatectl history " + app + " shows those it has");
    Value out = reconciler::to_value(*row);
    Value phases(Value::List{});
    for (const auto& phase : TRY(journal_->phases(row->id))) phases.push(reconciler::to_value(phase));
    out.set("phases", std::move(phases));
    const auto path = host().log_path(app, row->id);
    out.set("log", path);
    if (auto text = read_file(path, 64 << 20)) {
        if (text->size() > kLogTail) *text = "…\n" + text->substr(text->size() - kLogTail);
        out.set("output", *text);
    }
    return out;
}

Result<Value> Daemon::why(const std::string& app) {
    AppFacts facts;
    {
        const std::lock_guard lock(mutex_);
        const auto slot = slots_.find(app);
        facts = facts_of(*journal_, app, slot == slots_.end() ? nullptr : &slot->second, look_.get(),
                         freshness().words());
    }
    const auto last = TRY(journal_->last(app));
    std::vector<PhaseRow> phases;
    if (last) phases = TRY(journal_->phases(last->id));
    const auto remembered = TRY(journal_->app(app));
    Value out = reconciler::to_value(facts);
    out.set("why", why_words(facts, last, phases, remembered, clock_.now()));
    return out;
}

// Asks every question of trust and integrity again, of what is here, without the network.
Result<Value> Daemon::verify(const std::string& app) {
    const auto remembered = TRY(journal_->app(app));
    if (!remembered.running) return fail(ErrorKind::NotFound, app + " runs nothing that is known to be good");
    DeploymentRow row;
    row.app = app;
    row.root = remembered.running->root;
    row.from_release = row.to_release = remembered.running->release;
    row.from_manifest = row.to_manifest = remembered.running->manifest;
    row.revision = remembered.running->revision;
    const auto ports = TRY(HostPorts::make(host(), row));
    Value out;
    out.set("app", app);
    out.set("release", row.to_release);
    const auto proof = ports->verify(-1);
    out.set("proof", proof ? *proof : proof.error().line());
    const bool complete = ports->complete();
    out.set("files", complete ? "recorded" : "no record of its files");
    out.set("good", proof.has_value() && complete);
    {
        const std::lock_guard lock(mutex_);
        if (look_ && look_->schedule) out.set("not_honoured", join(look_->schedule->not_honoured, ", "));
    }
    if (!proof) out.set("exit", exit_code(proof.error().kind));
    return out;
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
        if (!flag_of(request, "no_wait")) waiters_.push_back({connection, token, false});
    }
    wake();
    if (!flag_of(request, "no_wait")) return;
    Value out;
    out.set("token", token);
    server_->answer(connection, out);
}

}  // namespace tidegate::reconciler
