// What the daemon tells over its control socket: where each app is and why, what would be done, what was done. Changes
// nothing.
#include "reconciler/adoption.hpp"
#include "reconciler/daemon.hpp"
#include "reconciler/host_ports.hpp"
#include "reconciler/status.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr int kHistoryRows = 50;
constexpr size_t kLogTail = 16 << 10;

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
    out.set("exit", look_ && !looking_ ? exit_status(app) : 0);
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
        return fail(ErrorKind::Usage,
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

}  // namespace tidegate::reconciler
