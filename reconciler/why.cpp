#include "reconciler/status.hpp"
#include "shared/base/names.hpp"
#include "shared/base/text.hpp"
#include "shared/face/face.hpp"

namespace tidegate::reconciler {

using namespace shared;

namespace {

std::string shortened(const std::string& oid) {
    return oid.substr(0, 7);
}

// "v1.4.2 (9fceb02)", or the short commit alone where that is the label.
std::string named(const std::string& label, const std::string& commit) {
    if (label.empty() || label == shortened(commit)) return commit.empty() ? label : shortened(commit);
    return commit.empty() ? label : label + " (" + shortened(commit) + ")";
}

std::string where_it_is(const AppFacts& facts) {
    std::string out = facts.app;
    if (facts.release.empty())
        out += " runs nothing";
    else
        out += " runs " + named(facts.label.empty() ? facts.release : facts.label, facts.commit);
    if (facts.declared.empty() && facts.state == AppState::Held)
        return out + "; its manifest cannot be used.";
    if (facts.declared.empty()) return out + "; no manifest asks for it.";
    if (facts.declared == facts.commit)
        return out + ", as the manifest asks since revision " + shortened(facts.revision) + ".";
    return out + "; the manifest asks for " + named(facts.declared_label, facts.declared) +
           " since revision " + shortened(facts.revision) + ".";
}

// How far a deployment came: "staged, migrated and switched".
std::string progress(const std::vector<PhaseRow>& phases) {
    std::vector<std::string> done;
    for (const auto& phase : phases) {
        if (phase.what != "done") continue;
        const bool skipped = phase.detail.starts_with("not needed") || phase.detail.starts_with("nothing") ||
                             phase.detail.starts_with("the release is there");
        if (skipped) continue;
        if (phase.state == State::Stage) done.emplace_back("staged");
        if (phase.state == State::Build) done.emplace_back("built");
        if (phase.state == State::Migrate) done.emplace_back("migrated");
        if (phase.state == State::Switch) done.emplace_back("switched");
    }
    if (done.empty()) return {};
    std::string out = done.front();
    for (size_t index = 1; index < done.size(); ++index)
        out += (index + 1 == done.size() ? " and " : ", ") + done[index];
    return out;
}

const PhaseRow* failure(const std::vector<PhaseRow>& phases) {
    for (const auto& phase : phases)
        if (phase.what != "begin" && phase.what != "done" && phase.what != "stop" &&
            phase.what != kTriedAgain && phase.what != kBackedUp && phase.what != kApplying &&
            phase.what != kOneWay)
            return &phase;
    return nullptr;
}

// From the end of the phase that failed to the old release's activation, or the last entry.
std::optional<Duration> undo_time(const std::vector<PhaseRow>& phases) {
    const auto* failed = failure(phases);
    if (failed == nullptr) return std::nullopt;
    std::optional<WallTime> end;
    for (const auto& phase : phases)
        if (is_undoing(phase.state) && phase.what == "done" && phase.state != State::RevertHealth)
            end = phase.at;
    if (!end) return std::nullopt;
    return *end - failed->at;
}

bool migrated_back(const std::vector<PhaseRow>& phases) {
    for (const auto& phase : phases)
        if ((phase.state == State::RevertMigration || phase.state == State::Unmigrate) &&
            phase.what == "done" && !phase.detail.starts_with("not needed") &&
            !phase.detail.starts_with("nothing"))
            return true;
    return false;
}

std::string how_it_went(const DeploymentRow& last, const std::vector<PhaseRow>& phases, WallTime now) {
    std::string out = "Deployment " + std::to_string(last.id) + " to " +
                      named(last.to_label, last.to_commit) + " began " + ago(last.started, now);
    const auto came = progress(phases);
    const auto* failed = failure(phases);
    if (!came.empty()) out += ": " + came;
    if (!last.ended) return out + "; it goes on.";
    if (last.outcome == "deployed") return out + "; it went well.";
    if (last.outcome == "adopted")
        return named(last.to_label, last.to_commit) + " was " + last.reason + ", " + ago(last.started, now) +
               ".";
    if (failed != nullptr) {
        const auto phase =
            std::string(name_of(failed->state)) + (last.outcome == "refused" ? " refused it" : " failed");
        out += std::string(came.empty() ? ": " : "; then ") +
               (failed->detail.starts_with(phase) ? failed->detail : phase + ": " + failed->detail) + ".";
    } else
        out += ": " + last.reason + ".";
    const auto took = undo_time(phases);
    const auto in = took ? " in " + human_duration(*took) : std::string();
    if (last.outcome == "reverted" || (last.outcome == "superseded" && migrated_back(phases))) {
        out += " It was reverted" + in;
        if (migrated_back(phases)) out += ", the schema is back";
        out += last.outcome == "reverted" ? "; " + named(last.from_label, last.from_commit) + " is healthy."
                                          : ".";
    } else if (last.outcome == "failed") {
        bool switched = false;
        for (const auto& phase : phases)
            switched = switched || (phase.state == State::Switch && phase.what == "done");
        const auto untouched = last.from_release.empty() ? "." : "; the running release was never touched.";
        out += switched ? " There was no known-good release to go back to; it is left as it is."
                        : " What it had made was taken back" + in + untouched;
    } else if (last.outcome == "broken") {
        out += " Undoing it failed, too: " + last.reason + ".";
    }
    return out;
}

std::string on_after_pause(const std::string& app, const std::optional<PauseRow>& pause) {
    const auto now = "tidegatectl resume" + (pause && pause->whole_host ? std::string() : " " + app);
    if (!pause || !pause->until) return "It goes on with: " + now;
    return "It goes on by itself at " + format_utc(*pause->until) + ", or now with: " + now;
}

bool is_ours(const std::string& release) {
    const auto id = ReleaseId::parse(release);
    return id && id->ours();
}

std::string what_would_change_it(const AppFacts& facts, const AppRow& remembered, WallTime now) {
    const auto retry = "tidegatectl retry " + facts.app;
    switch (facts.state) {
        case AppState::Held:
            if (!remembered.hold && !remembered.running && !facts.release.empty() && !is_ours(facts.release))
                return "What would be taken over, and how, without touching anything: tidegatectl adopt " +
                       facts.app + " --dry-run";
            if (!remembered.hold) return "It goes on when the manifest changes.";
            return "This revision is held on this host. It goes on when the manifest changes, or now with: " +
                   retry;
        case AppState::Waiting:
            if (facts.bar == Bar::Proof)
                return "It is asked again with the next revision of the manifests branch, and each minute; "
                       "now "
                       "with: tidegatectl sync " +
                       facts.app;
            if (facts.bar == Bar::Schedule)
                return facts.again ? "It begins by itself in " +
                                         human_duration(std::max(Duration(0), *facts.again - now)) + "."
                                   : "It begins when tidegate.yaml lets it.";
            if (facts.again && *facts.again > now)
                return "It is tried again in " + human_duration(*facts.again - now) +
                       ", or now with: " + retry;
            return {};
        case AppState::Paused: return on_after_pause(facts.app, remembered.paused);
        case AppState::Drifted:
            if (!facts.again || *facts.again <= now) return {};
            return "It is mended again in " + human_duration(*facts.again - now) + ", or now with: " + retry;
        case AppState::Broken:
            if (!remembered.broken)
                return "Nothing is touched; it goes on by itself when that is put right: `current` a link to "
                       "a folder "
                       "below releases/, or not there at all.";
            return "Nothing is touched until a person has looked; then: " + retry +
                   " (undoing goes on where it failed)";
        default: return {};
    }
}

// What holds for every app of this host just now.
std::string besides(const AppFacts& facts) {
    std::string out;
    if (!facts.not_honoured.empty())
        out += "\ntidegate.yaml also asks for " + join(facts.not_honoured, ", ") +
               ", which this host does not honour.";
    if (!facts.stale.empty())
        out += "\nWhat is declared may be stale: " + facts.stale +
               ". It runs on as it is; nothing newer is known here.";
    return out;
}

}  // namespace

std::string why_words(const AppFacts& facts, const std::optional<DeploymentRow>& last,
                      const std::vector<PhaseRow>& phases, const AppRow& remembered, WallTime now) {
    std::string out = where_it_is(facts);
    const auto more = besides(facts);
    if (facts.state == AppState::Converged)
        return escape_foreign_block(out + "\nIt is " + std::string(name_of(facts.state)) + ": " +
                                    facts.reason + "." + more + "\n");
    const bool of_this = last && (last->to_commit == facts.declared || !last->ended);
    if (of_this) out += "\n" + how_it_went(*last, phases, now);
    const bool said = of_this && facts.bar == Bar::Proof && last->outcome == "refused";
    if (said)
        out += "\nIt is waiting for that.";
    else if (!of_this || facts.state == AppState::Waiting || facts.state == AppState::Paused ||
             facts.state == AppState::Drifted || facts.state == AppState::Unknown)
        out += "\nIt is " + std::string(name_of(facts.state)) + ": " + facts.reason + ".";
    if (const auto change = what_would_change_it(facts, remembered, now); !change.empty())
        out += "\n" + change;
    if (of_this && last->ended && last->outcome != "deployed")
        out += "\nWhat its commands and probes said: tidegatectl show " + facts.app + " " +
               std::to_string(last->id);
    return escape_foreign_block(out + more + "\n");
}

}  // namespace tidegate::reconciler
