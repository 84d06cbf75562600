// A finished run as text. Pure: the same report gives the same bytes.
#include "hooks/display.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kNameColumns = 15;
constexpr size_t kDetailColumns = 19;
constexpr int kNarrow = 60;         // columns; below, nothing is spent on alignment but the names
constexpr size_t kMostLines = 200;  // of one gate's output; the log has all
constexpr size_t kWidestCommand = 100;

std::string padded(std::string text, size_t columns) {
    const auto used = columns_of(text);
    if (used < columns) text.append(columns - used, ' ');
    return text;
}

struct Mark {
    std::string_view sign;
    Colour colour;
};

Mark mark_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Passed:
        case Outcome::Cached: return {"✓", Colour::Green};
        case Outcome::Flaky: return {"✓", Colour::Yellow};
        case Outcome::Empty: return {"–", Colour::Dim};
        case Outcome::Skipped: return {"–", Colour::Yellow};
        case Outcome::Failed: return {"✗", Colour::Red};
        case Outcome::NotRun:
        case Outcome::Cancelled: return {"■", Colour::Yellow};
    }
    return {"?", Colour::Red};
}

std::string with_word(const std::string& word, const std::string& detail) {
    return detail.empty() ? word : detail.starts_with(word) ? detail : word + ": " + detail;
}

std::string detail_of(const GateRun& run) {
    const auto files = run.files > 0 ? count_of(run.files, "file") : std::string();
    switch (run.outcome) {
        case Outcome::Passed: return run.detail.empty() ? files : run.detail;
        case Outcome::Flaky: return "flaky: passed on attempt " + std::to_string(run.attempts);
        case Outcome::Cached: return "cached";
        case Outcome::Empty: return run.detail.empty() ? "no matching files" : run.detail;
        case Outcome::Skipped: return with_word("skipped", run.detail);
        case Outcome::Failed: return run.detail.empty() ? "failed" : run.detail;
        case Outcome::NotRun: return with_word("not run", run.detail);
        case Outcome::Cancelled: return run.attempts > 0 ? "interrupted" : "not run";
    }
    return {};
}

bool has_time(Outcome outcome) {
    return outcome == Outcome::Passed || outcome == Outcome::Flaky || outcome == Outcome::Failed;
}

std::string shown_path(const Repository& repo, const std::string& path) {
    const auto prefix = repo.work_tree + "/";
    const bool inside = !repo.work_tree.empty() && path.starts_with(prefix);
    return escape_foreign(inside ? path.substr(prefix.size()) : path);
}

// A script of several lines, or a very long one, only as far as it tells the gate's commands apart.
std::string command_of(const Gate& gate) {
    if (!gate.builtins.empty()) return join(gate.builtins, " ");
    const auto whole = gate.run.shown();
    const auto first = whole.substr(0, whole.find('\n'));
    return cut_to(escape_foreign(first) + (first.size() < whole.size() ? " …" : ""), kWidestCommand);
}

std::string failure_block(const Repository& repo, const GateRun& run, const Face& face) {
    auto text =
        face.paint(Colour::Bold, escape_foreign(run.gate->name)) + " ─ " + command_of(*run.gate) + "\n";
    const auto tail = escape_foreign_block(run.tail);
    const auto lines = lines_of(tail);
    const auto left_out = lines.size() > kMostLines ? lines.size() - kMostLines : 0;
    if (left_out > 0) text += "  … " + count_of(left_out, "line") + " before, in the log\n";
    for (size_t i = left_out; i < lines.size(); ++i) text += "  " + std::string(lines[i]) + "\n";
    if (!run.hint.empty()) text += "  hint: " + escape_foreign(run.hint) + "\n";
    if (!run.log.empty()) text += "── full log: " + shown_path(repo, run.log) + "\n";
    return text;
}

// Broken at blanks into lines of at most `columns`.
std::string wrapped(std::string_view text, size_t columns) {
    std::string result;
    size_t used = 0;
    for (const auto word : split(text, ' ')) {
        const auto width = columns_of(word);
        if (used > 0 && used + 1 + width > columns) {
            result += '\n';
            used = 0;
        }
        if (used > 0) {
            result += ' ';
            ++used;
        }
        result += word;
        used += width;
    }
    return result + "\n";
}

// Whether git heeds what comes of it.
bool stops(const Target& target, const Occasion& occasion) {
    const auto* hook = find_git_hook(target.stage);
    return occasion.by_hook && (hook == nullptr || hook->stops);
}

std::string what_was_gated(const Target& target, const Occasion& occasion) {
    if (!target.commit) return occasion.by_hook ? "what is being committed" : "what is staged";
    const auto id = target.commit->short_str();
    if (!occasion.by_hook) return "commit " + id;
    if (target.stage == "pre-rebase") return "the commit being rebased (" + id + ")";
    return stops(target, occasion) ? "the commit being pushed (" + id + ")" : "commit " + id;
}

std::vector<std::string> names_of(const RunReport& report, Outcome outcome) {
    std::vector<std::string> names;
    for (const auto& gate : report.gates)
        if (gate.outcome == outcome) names.push_back(escape_foreign(gate.gate->name));
    return names;
}

std::string spoil_sentence(const RunReport& report) {
    const auto& all = report.spoil.changed;
    std::string text =
        (report.spoiler.empty() ? std::string("gates") : "gate " + escape_foreign(report.spoiler)) +
        " changed files of the tree: ";
    for (size_t i = 0; i < std::min<size_t>(all.size(), 3); ++i)
        text += (i > 0 ? ", " : "") + escape_foreign(all[i]);
    if (all.size() > 3) text += " and " + std::to_string(all.size() - 3) + " more";
    return text + ". What was tested is then not what would be " + "kept.";
}

// Files that a gate left where no .gitignore names them. A good run is quiet about them: the next one takes them away.
std::string left_behind(const RunReport& report) {
    const auto& added = report.spoil.added;
    if (added.empty() || !report.spoil.changed.empty()) return {};
    return " The gates left " + count_of(added.size(), "new file") +
           " in the snapshot that no .gitignore names (" + escape_foreign(added.front()) +
           "); the next run removes " + (added.size() == 1 ? "it." : "them.");
}

// The command that runs the failed gates again on what was gated.
std::string again(const Repository& repo, const Target& target, const std::vector<std::string>& failed) {
    // The message is lost to nobody: git keeps it in the file it gave the hook.
    if (target.stage == "commit-msg")
        if (const auto* file = find_argument(target.arguments, "message_file"))
            return "git commit -eF " + shell_quote(*file) + " (your message is kept there)";
    std::string text = "tidegate run " + shell_quote(target.stage);
    if (target.commit && (!repo.head || *repo.head != *target.commit))
        text += " --tree " + target.commit->short_str();
    for (const auto& gate : failed) text += " --gate " + shell_quote(gate);
    return text;
}

std::string interrupted(const Target& target, const RunReport& report, const Face& face,
                        const Occasion& occasion, size_t columns) {
    constexpr std::string_view kWord = "interrupted";
    std::vector<std::string> ended;
    for (const auto& gate : report.gates)
        if (gate.outcome == Outcome::Cancelled && gate.attempts > 0)
            ended.push_back(escape_foreign(gate.gate->name));
    auto sentence = std::string(kWord) + " after " + human_duration(report.took);
    if (!ended.empty())
        sentence += ": " + join(ended, ", ") + (ended.size() == 1 ? " was" : " were") + " stopped";
    if (stops(target, occasion))
        sentence += target.stage == "pre-push"     ? "; nothing was pushed"
                    : target.stage == "pre-rebase" ? "; nothing was rebased"
                                                   : "; nothing was committed";
    const auto text = wrapped(sentence + (ended.empty() ? "" : "."), columns);
    return face.paint(Colour::Yellow, kWord) + text.substr(std::min(text.size(), kWord.size()));
}

std::string last_words(const Repository& repo, const Target& target, const RunReport& report,
                       const Face& face, const Occasion& occasion, const std::vector<std::string>& remarks) {
    const auto columns = static_cast<size_t>(std::clamp(face.width, 10, 80));
    if (report.cancelled) return interrupted(target, report, face, occasion, columns);
    const auto failed = names_of(report, Outcome::Failed);
    std::string sentence = stops(target, occasion) ? "stopped: " : "failed: ";
    const auto colon = sentence.size() - 2;
    if (!failed.empty())
        sentence += join(failed, ", ") + " failed on " + what_was_gated(target, occasion) + ".";
    else if (!report.spoil.changed.empty())
        sentence += spoil_sentence(report);
    else
        sentence += "not all gates passed.";
    if (!failed.empty() && !report.spoil.changed.empty()) sentence += " And " + spoil_sentence(report);
    sentence += left_behind(report);
    for (const auto& remark : remarks) sentence += " " + remark;
    auto text = wrapped(sentence, columns);
    text = face.paint(Colour::Red, text.substr(0, colon)) + text.substr(colon);
    return text + "Again: " + again(repo, target, failed) + "\n";
}

// On a terminal every gate has its line; elsewhere a good run is told in two lines, but for what a person
// should know of.
bool shows_gate(const GateRun& run, const RunReport& report, const Face& face) {
    return face.terminal || !report.passed() || report.cancelled || run.outcome == Outcome::Flaky ||
           run.outcome == Outcome::Skipped;
}

}  // namespace

std::string headline(const Plan& plan, const Target& target, const Occasion& occasion) {
    std::string text = "tidegate " + escape_foreign(target.stage) + "  ";
    if (!target.commit) {
        text += count_of(plan.gates.size(), "gate");
        // Where no gate asks for the change's files, nobody has counted them.
        if (plan.changed_files == 0 && !target.changes) return text;
        return text + " on " + count_of(plan.changed_files, "file");
    }
    const auto tree = "tree " + target.tree.short_str();
    if (target.ref.empty()) return text + "commit " + target.commit->short_str() + ", " + tree;
    const auto ref = RefName::parse(target.ref);
    text += escape_foreign(ref ? ref->short_str() : std::string_view(target.ref));
    if (!occasion.remote.empty()) text += " → " + escape_foreign(occasion.remote);
    text += "  ";
    if (target.commits > 0) text += count_of(target.commits, "commit") + ", ";
    return text + tree;
}

std::string gate_name(const Plan& plan, const Gate& gate, const Face& face) {
    size_t widest = 0;
    for (const auto& planned : plan.gates)
        widest = std::max(widest, columns_of(escape_foreign(planned.gate->name)));
    auto columns = std::max(kNameColumns, widest + 2);
    if (face.terminal && face.width < kNarrow)
        columns = std::min(widest + 2, static_cast<size_t>(std::max(face.width / 2, 8)));
    return padded(cut_to(escape_foreign(gate.name), columns - 1), columns);
}

std::string gate_line(const Plan& plan, const GateRun& run, const Face& face) {
    const auto mark = mark_of(run.outcome);
    const bool narrow = face.terminal && face.width < kNarrow;
    auto body = gate_name(plan, *run.gate, face);
    const auto detail = escape_foreign(detail_of(run));
    const auto columns = narrow || !has_time(run.outcome) ? 0 : kDetailColumns;
    body += padded(detail, columns);
    if (has_time(run.outcome))
        body += (detail.empty() || columns_of(detail) < columns ? "" : "  ") + human_duration(run.took);
    if (face.terminal) body = cut_to(body, static_cast<size_t>(std::max(face.width - 5, 1)));
    if (run.outcome == Outcome::Empty) body = face.paint(Colour::Dim, body);
    return "  " + face.paint(mark.colour, mark.sign) + " " + body + "\n";
}

std::string render_run(const Repository& repo, const Plan& plan, const Target& target,
                       const RunReport& report, const Face& face, const Occasion& occasion,
                       const std::vector<std::string>& remarks) {
    std::string text;
    for (const auto& gate : report.gates)
        if (shows_gate(gate, report, face)) text += gate_line(plan, gate, face);
    if (!plan.config_note.empty()) text += escape_foreign(plan.config_note) + "\n";
    for (const auto& note : report.notes) text += escape_foreign(note) + "\n";
    if (report.passed() && !report.cancelled)
        return text + face.paint(Colour::Green, "passed") + " in " + human_duration(report.took) + "\n";
    if (!report.cancelled)
        for (const auto& gate : report.gates)
            if (gate.outcome == Outcome::Failed) text += failure_block(repo, gate, face);
    return text + last_words(repo, target, report, face, occasion, remarks);
}

}  // namespace tidegate::hooks
