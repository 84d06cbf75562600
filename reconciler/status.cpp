#include "reconciler/status.hpp"

namespace tidegate::reconciler {

using namespace shared;

Value to_value(const AppFacts& facts) {
    Value out;
    out.set("app", facts.app);
    out.set("state", name_of(facts.state));
    out.set("own_reason", facts.reason);
    out.set("reason", facts.stale.empty() ? facts.reason : facts.reason + "; stale: " + facts.stale);
    out.set("release", facts.release);
    out.set("commit", facts.commit);
    out.set("declared", facts.declared);
    out.set("revision", facts.revision);
    out.set("since", format_utc(facts.since));
    out.set("label", facts.label);
    out.set("declared_label", facts.declared_label);
    return out;
}

Value to_value(const Error& error) {
    Value out;
    out.set("error", error.line());
    out.set("hint", error.hint);
    out.set("exit", exit_code(error.kind));
    return out;
}

Value to_value(const DeploymentRow& row) {
    Value out;
    out.set("id", row.id);
    out.set("app", row.app);
    out.set("from", row.from_release);
    out.set("from_commit", row.from_commit);
    out.set("from_label", row.from_label);
    out.set("to", row.to_release);
    out.set("to_commit", row.to_commit);
    out.set("to_label", row.to_label);
    out.set("revision", row.revision);
    out.set("signer", row.signer);
    out.set("rollback", row.back);
    out.set("started", format_utc(row.started));
    if (row.ended) {
        out.set("ended", format_utc(*row.ended));
        out.set("took_ms", (*row.ended - row.started).count());
    }
    out.set("outcome", row.ended ? row.outcome : std::string("running"));
    out.set("reason", row.reason);
    out.set("attempt", row.attempt);
    out.set("restarts", row.restarts);
    return out;
}

Value to_value(const PauseRow& pause) {
    Value out;
    out.set("reason", pause.reason);
    out.set("who", pause.who);
    out.set("since", format_utc(pause.since));
    if (pause.until) out.set("until", format_utc(*pause.until));
    return out;
}

Value to_value(const PhaseRow& row) {
    Value out;
    out.set("phase", name_of(row.state));
    out.set("what", row.what);
    out.set("at", format_utc(row.at));
    out.set("detail", row.detail);
    return out;
}

}  // namespace tidegate::reconciler
