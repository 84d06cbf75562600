#include "reconciler/ctl_render.hpp"

#include "shared/base/text.hpp"

namespace tidegate::reconciler {

using namespace shared;

namespace {

std::string text(const Value& value, std::string_view key) {
    const Value* found = value.find(key);
    return found != nullptr ? found->text() : std::string();
}

std::optional<WallTime> time(const Value& value, std::string_view key) {
    const auto parsed = parse_utc(text(value, key));
    if (!parsed) return std::nullopt;
    return *parsed;
}

const Value::List& list(const Value& value, std::string_view key) {
    static const Value::List kNone;
    const Value* found = value.find(key);
    return found != nullptr ? found->list() : kNone;
}

// "2m", "1h": since when, shortly.
std::string since(std::optional<WallTime> then, WallTime now) {
    if (!then || *then == WallTime{}) return {};
    return human_duration(std::max(Duration(0), now - *then));
}

std::string release_cell(const std::string& label, const std::string& commit, const std::string& release) {
    const auto shorter = commit.substr(0, 7);
    if (release.empty()) return "none";
    if (label.empty()) return shorter.empty() ? release : shorter;
    return label == shorter ? label : label + "  " + shorter;
}

Colour colour_of(std::string_view state) {
    if (state == "converged") return Colour::Green;
    if (state == "broken" || state == "held") return Colour::Red;
    return Colour::Yellow;
}

Colour colour_of_outcome(std::string_view outcome) {
    if (outcome == "deployed" || outcome == "adopted") return Colour::Green;
    if (outcome == "postponed" || outcome == "superseded" || outcome == "interrupted" || outcome == "running")
        return Colour::Yellow;
    return Colour::Red;
}

void add_line(std::string& out, std::string_view name, const std::string& what) {
    if (!what.empty()) out += std::string(name) + what + "\n";
}

}  // namespace

std::string render_status(const Value& answer, const Face& face, WallTime now) {
    std::string out = escape_foreign(text(answer, "host") + "  " + text(answer, "environment"));
    const Value* found = answer.find("detail");
    const Value detail = found != nullptr ? *found : Value();
    const auto revision = text(answer, "revision");
    if (revision.empty()) {
        out += "  no revision accepted yet";
    } else {
        out += "  revision " + revision.substr(0, 7);
        std::string inside;
        if (const auto accepted = time(detail, "accepted")) inside = ago(*accepted, now);
        if (const auto signer = text(detail, "signer"); !signer.empty())
            inside += (inside.empty() ? "" : ", ") + std::string("signed by ") + escape_foreign(signer);
        if (!inside.empty()) out += " (" + inside + ")";
    }
    if (const auto checked = time(answer, "checked")) out += "  checked " + ago(*checked, now);
    out += "\n";
    if (const auto refused = text(detail, "refused"); !refused.empty())
        out += face.paint(Colour::Red, "the branch's tip is refused") + ": " + escape_foreign(refused) + "\n";
    if (const Value* paused = detail.find("paused"); paused != nullptr) {
        const auto until = time(*paused, "until");
        out += face.paint(Colour::Yellow, "this host is paused") + ": " +
               escape_foreign(text(*paused, "reason")) + " (" + escape_foreign(text(*paused, "who")) +
               (until ? ", until " + calendar(*until, now) : "") + "); it ends with: tidegatectl resume\n";
    }
    if (const auto stale = text(answer, "stale"); !stale.empty())
        out +=
            face.paint(Colour::Red, "stale") + ": " + escape_foreign(stale) + "; apps run on as they are\n";
    else if (const auto lost = text(detail, "unreachable"); !lost.empty())
        out += face.paint(Colour::Yellow, "the manifests branch cannot be followed") + ": " +
               escape_foreign(lost) + "\n";
    out += "\n";
    if (list(answer, "apps").empty()) return out + "no app is declared for this host\n";
    Table table({"APP", "STATE", "RELEASE", "DECLARED", "SINCE", "WHY"});
    for (const auto& app : list(answer, "apps")) {
        const auto state = text(app, "state");
        table.row({text(app, "app"), state,
                   release_cell(text(app, "label"), text(app, "commit"), text(app, "release")),
                   text(app, "declared_label"), since(time(app, "since"), now),
                   state == "converged" ? std::string() : text(app, "own_reason")});
        table.paint(colour_of(state), 1);
    }
    return out + table.render(face);
}

std::string render_plan(const Value& answer, const Face& face) {
    Table table({"APP", "WOULD", "FROM", "TO", "WHY"});
    for (const auto& app : list(answer, "apps"))
        table.row({text(app, "app"), text(app, "verb"),
                   text(app, "from").empty() ? "none" : text(app, "from_label"), text(app, "to_label"),
                   text(app, "reason")});
    return table.render(face);
}

std::string render_history(const Value& answer, const Face& face, WallTime now) {
    const auto& rows = list(answer, "deployments");
    if (rows.empty()) return "nothing was deployed yet\n";
    Table table({"#", "WHEN", "APP", "FROM", "TO", "OUTCOME", "TOOK", "BY", "REVISION"});
    for (const auto& row : rows) {
        const auto outcome = text(row, "outcome");
        const Value* id = row.find("id");
        const Value* took = row.find("took_ms");
        const auto started = time(row, "started");
        table.row({id != nullptr ? std::to_string(id->integer()) : "", started ? calendar(*started, now) : "",
                   text(row, "app"), text(row, "from").empty() ? "none" : text(row, "from_label"),
                   text(row, "to_label"), outcome,
                   took != nullptr ? human_duration(Duration(took->integer())) : "",
                   text(row, "signer").empty() ? "unsigned" : text(row, "signer"),
                   text(row, "revision").substr(0, 7)});
        table.paint(colour_of_outcome(outcome), 5);
    }
    return table.render(face);
}

std::string render_show(const Value& answer, const Face& face, WallTime now) {
    const Value* id = answer.find("id");
    std::string out = escape_foreign(text(answer, "app")) + "  deployment " +
                      (id != nullptr ? std::to_string(id->integer()) : "?") + "  " +
                      face.paint(colour_of_outcome(text(answer, "outcome")), text(answer, "outcome")) + "\n";
    const auto from = text(answer, "from");
    out += "  from      " +
           (from.empty() ? "nothing" : escape_foreign(text(answer, "from_label") + "  " + from)) + "\n";
    out += "  to        " + escape_foreign(text(answer, "to_label") + "  " + text(answer, "to")) + "\n";
    out += "  revision  " + text(answer, "revision") + "\n";
    add_line(out, "  by        ", escape_foreign(text(answer, "signer")));
    if (const auto started = time(answer, "started")) out += "  when      " + calendar(*started, now) + "\n";
    if (const Value* attempt = answer.find("attempt"); attempt != nullptr && attempt->integer() > 1)
        out += "  attempt   " + std::to_string(attempt->integer()) + "\n";
    add_line(out, "  reason    ", escape_foreign(text(answer, "reason")));
    out += "\n";
    if (list(answer, "phases").empty()) return out;
    Table table({"PHASE", "ENDED", "WHAT"});
    for (const auto& phase : list(answer, "phases"))
        if (text(phase, "what") != "begin")
            table.row({text(phase, "phase"), text(phase, "what"), text(phase, "detail")});
    out += table.render(face);
    if (const auto output = text(answer, "output"); !output.empty())
        out += "\n── " + escape_foreign(text(answer, "log")) + "\n" + escape_foreign_block(output);
    return out;
}

std::string render_verify(const Value& answer, const Face& face) {
    const Value* good = answer.find("good");
    const bool fine = good != nullptr && good->boolean();
    auto out = escape_foreign(text(answer, "app") + "  " + text(answer, "release")) + "  " +
               face.paint(fine ? Colour::Green : Colour::Red, fine ? "good" : "not good") + "\n  proof  " +
               escape_foreign(text(answer, "proof")) + "\n  files  " + escape_foreign(text(answer, "files")) +
               "\n";
    const auto more = text(answer, "not_honoured");
    if (!more.empty())
        out +=
            "  tidegate.yaml also asks for " + escape_foreign(more) + ", which this host does not honour\n";
    return out;
}

namespace {

bool flag(const Value& value, std::string_view key) {
    const Value* found = value.find(key);
    return found != nullptr && found->boolean();
}

std::string names_of(const Value& answer, std::string_view key, size_t most) {
    std::string out;
    size_t shown = 0;
    for (const auto& name : list(answer, key))
        if (shown++ < most) out += (out.empty() ? "" : ", ") + escape_foreign(name.text());
    return shown > most ? out + " …" : out;
}

std::string compared_words(const Value& answer) {
    const Value* files = answer.find("files");
    if (files == nullptr) return "not compared: " + escape_foreign(text(answer, "not_compared"));
    const auto number = [&](std::string_view key) {
        const Value* found = files->find(key);
        return found != nullptr ? static_cast<size_t>(found->integer()) : 0;
    };
    auto words = count_of(number("same"), "file") + " as in the commit";
    if (const auto changed = list(*files, "changed").size(); changed > 0)
        words += ", " + std::to_string(changed) + " changed";
    if (const auto missing = list(*files, "missing").size(); missing > 0)
        words += ", " + std::to_string(missing) + " missing";
    if (number("extra") > 0) words += ", " + std::to_string(number("extra")) + " more that it does not hold";
    return words;
}

std::string adoption_end(const Value& answer, const Face& face) {
    const auto app = escape_foreign(text(answer, "app"));
    const auto goes_on =
        flag(answer, "as_declared")
            ? "It is what the manifest asks for: nothing is deployed."
            : "The manifest asks for another commit: it is deployed next, and this release is the way back.";
    if (flag(answer, "adopted"))
        return face.paint(Colour::Green, "adopted") + "; nothing was touched. " + goes_on + "\n";
    if (list(answer, "warnings").empty())
        return "nothing was done. It is taken over with: tidegatectl adopt " + app + "\n" + goes_on + "\n";
    return "nothing was done. If that is as it should be: tidegatectl adopt " + app + " --yes\n" + goes_on +
           "\n";
}

}  // namespace

std::string render_adoption(const Value& answer, const Face& face) {
    const auto tool = text(answer, "tool");
    std::string out = escape_foreign(text(answer, "app") + "  " + text(answer, "root")) +
                      (tool.empty() ? "" : "  of " + tool) + "\n";
    const auto by = text(answer, "deployed_by");
    out += "  runs      releases/" + text(answer, "release") +
           (by.empty() ? "" : ", deployed by " + escape_foreign(by)) + "\n";
    const auto label = text(answer, "label");
    const auto commit = text(answer, "commit").substr(0, 7);
    out += "  commit    " + (label == commit ? commit : escape_foreign(label) + "  " + commit) + ", says " +
           escape_foreign(text(answer, "said_by")) + "\n";
    out += "  files     " + compared_words(answer) + "\n";
    add_line(out, "  shared    ", names_of(answer, "shared", 12));
    add_line(out, "  proof     ", escape_foreign(text(answer, "proof")));
    if (const auto others = list(answer, "others").size(); others > 0)
        out += "  older     " + count_of(others, "release") +
               (flag(answer, "with_old") ? ", removed by `keep` from now on\n"
                                         : ", never removed by Tidegate\n");
    for (const auto& warning : list(answer, "warnings"))
        out += face.paint(Colour::Yellow, "  !") + " " + escape_foreign(warning.text()) + "\n";
    return out + adoption_end(answer, face);
}

Value public_status(const Value& answer) {
    Value out;
    for (const auto* key : {"host", "environment", "revision", "checked", "stale"})
        out.set(key, text(answer, key));
    Value apps(Value::List{});
    for (const auto& app : list(answer, "apps")) {
        Value entry;
        for (const auto* key :
             {"app", "state", "reason", "release", "commit", "declared", "revision", "since"})
            entry.set(key, text(app, key));
        apps.push(std::move(entry));
    }
    out.set("apps", std::move(apps));
    return out;
}

}  // namespace tidegate::reconciler
