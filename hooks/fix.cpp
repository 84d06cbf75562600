#include "hooks/fix.hpp"

#include "hooks/fix_swap.hpp"
#include "hooks/logs.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kMostNamed = 20;
constexpr size_t kMostPatchLines = 200;

// `git commit -- PATH` commits an index made for it (next-index-<pid>.lock), and has written the one that will be the
// user's beside it (index.lock): what is fixed in the first only would be undone by the second.
std::optional<std::string> index_after_partial_commit(const Repository& repo) {
    const auto name = repo.index_file.substr(repo.index_file.rfind('/') + 1);
    const auto next = repo.git_dir + "/index.lock";
    if (!name.starts_with("next-index-") || !name.ends_with(".lock") || !exists(next)) return std::nullopt;
    return next;
}

std::string command_for(const Repository& repo, const std::string& patch) {
    const bool inside = patch.starts_with(repo.work_tree + "/");
    return "git -C " + shell_quote(repo.work_tree) + " apply --cached " +
           shell_quote(inside ? patch.substr(repo.work_tree.size() + 1) : patch);
}

// `fix: true`: its `run` itself has written what is right, into the snapshot.
bool has_mended(const StageRun& run, size_t gate) {
    const auto& own = *run.plan.gates[gate].gate;
    const auto outcome = run.report.gates[gate].outcome;
    return !run.report.spoil.changed.empty() && own.writes() &&
           (is_good(outcome) || outcome == Outcome::Failed) && outcome != Outcome::Cached &&
           outcome != Outcome::Empty;
}

bool is_to_mend(const StageRun& run, size_t gate) {
    return run.plan.gates[gate].to_fix &&
           (run.report.gates[gate].outcome == Outcome::Failed || has_mended(run, gate));
}

void advise(StageRun& run) {
    for (auto& gate : run.report.gates)
        if (gate.outcome == Outcome::Failed && can_fix(*gate.gate) && gate.hint.empty())
            gate.hint =
                "tidegate run " + shell_quote(run.prepared->target.stage) + " --fix mends what it can";
}

}  // namespace

bool fixes_at_commit(const Repository& repo) {
    constexpr std::array<std::string_view, 4> kNo{"false", "off", "no", "0"};
    const auto setting = repo.settings.find("fix");
    return setting == repo.settings.end() || std::find(kNo.begin(), kNo.end(), setting->second) == kNo.end();
}

void Fixes::put_first(Plan& plan) const {
    if (mode_ == FixMode::Off) return;
    for (auto& planned : plan.gates) {
        planned.to_fix =
            planned.fate == Fate::Run && can_fix(*planned.gate) && !tried_.contains(planned.gate->name);
        planned.first = planned.to_fix;
    }
    for (bool again = true; again;) {
        again = false;
        for (const auto& planned : plan.gates) {
            if (!planned.first) continue;
            for (auto& needed : plan.gates) {
                const auto& needs = planned.gate->needs;
                if (needed.first || std::find(needs.begin(), needs.end(), needed.gate->name) == needs.end())
                    continue;
                needed.first = true;
                again = true;
            }
        }
    }
}

bool Fixes::wanted(const StageRun& run) const {
    if (run.report.cancelled) return false;
    const bool spoilt = !run.report.spoil.changed.empty();
    for (size_t i = 0; i < run.plan.gates.size(); ++i)
        if (is_to_mend(run, i) && (!spoilt || has_mended(run, i))) return true;
    return false;
}

Result<Target> Fixes::mend(StageRun& run, Watcher& watcher) {
    auto target = std::move(run.prepared->target);
    if (!index_) {
        scratch_ = TRY(Scratch::make(repo_));
        index_ = TRY(IndexCopy::take(repo_, repo_.index_file, scratch_->file("index")));
        first_tree_ = last_tree_ = target.tree;
        if (TRY(index_->write_tree()) != target.tree)
            return fail(ErrorKind::Transient, "the index was changed while its gates ran",
                        "nothing was fixed; commit again");
        // Gates may be judging the whole tree; a commit is fixed in what it changes.
        for (const auto& change : TRY(diff_trees(repo_, target.from, target.tree)))
            change_.insert(change.entry.path);
    }
    const FixContext context{repo_,   *scratch_, cache_,
                             watcher, options_,  mode_ == FixMode::Commit ? &change_ : nullptr};
    for (size_t i = 0; i < run.plan.gates.size(); ++i) {
        if (!is_to_mend(run, i)) continue;
        const auto& planned = run.plan.gates[i];
        TRY(ensure_entries(repo_, target));
        tried_.insert(planned.gate->name);
        watcher.preparing("fix: " + planned.gate->name);
        auto fix = TRY(run_fix(context, *run.plan.stage, planned, target));
        notes_.insert(notes_.end(), fix.notes.begin(), fix.notes.end());
        TRY(take(fix.files, target));
    }
    return target;
}

// The mended files into the copy of the index, and its tree into the target.
Result<void> Fixes::take(const std::vector<FixedFile>& files, Target& target) {
    if (files.empty()) return {};
    TRY(index_->put(files));
    TRY(ensure_entries(repo_, target));
    target.index.reset();  // holds the tree of before
    target.tree = TRY(index_->write_tree());
    last_tree_ = target.tree;
    target.changes.reset();
    for (const auto& file : files) {
        const auto entry =
            std::lower_bound(target.entries.begin(), target.entries.end(), file.path,
                             [](const TreeEntry& a, const std::string& path) { return a.path < path; });
        if (entry != target.entries.end() && entry->path == file.path) entry->oid = file.after;
        auto& kept = files_.try_emplace(file.path, file).first->second;
        kept.after = file.after;
        if (kept.before == kept.after) files_.erase(file.path);  // one fix has undone another
    }
    return {};
}

Result<void> Fixes::apply(const MergePlan& merge, const std::vector<FixedFile>& files) {
    std::vector<IndexLock> locks;
    locks.push_back(TRY(index_->lock()));
    if (const auto next = index_after_partial_commit(repo_)) {
        auto other = TRY(IndexCopy::take(repo_, *next, scratch_->file("index-after")));
        TRY(other.put(files));
        locks.push_back(TRY(other.lock()));
    }
    Swap swap(repo_);
    for (const auto& replacement : merge.replacements) TRY(swap.replace(replacement));
    for (auto& lock : locks) TRY(lock.commit());
    swap.keep();
    return {};
}

// The fixes as a patch to the index as it was, beside the run's logs.
Result<Fixes::Patch> Fixes::save_patch(StageRun& run) const {
    auto call = repo_.call({"diff-tree", "-r", "-p", "--binary", "--full-index", "--no-renames",
                            "--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/",
                            "--dst-prefix=b/", first_tree_->str(), last_tree_->str()});
    Patch patch;
    patch.text = TRY(repo_.git.output(call));
    if (run.report.logs.empty())
        run.report.logs = TRY(RunLogs::begin(repo_, run.prepared->target.stage)).path();
    patch.file = run.report.logs + "/fixes.patch";
    TRY(write_file_atomic(patch.file, patch.text, 0644));
    return patch;
}

Result<void> Fixes::conflict(StageRun& run, const std::vector<std::string>& paths, int fd) const {
    const auto patch = TRY(save_patch(run));
    const auto text = escape_foreign_block(patch.text);
    const auto lines = lines_of(text);
    std::string shown;
    for (size_t i = 0; i < std::min(lines.size(), kMostPatchLines); ++i)
        shown += std::string(lines[i]) + "\n";
    if (lines.size() > kMostPatchLines)
        shown += "… " + count_of(lines.size() - kMostPatchLines, "more line") + " in " + patch.file + "\n";
    (void)write_all(fd, shown, "the terminal");
    std::string names;
    for (size_t i = 0; i < std::min<size_t>(paths.size(), 3); ++i)
        names += (i > 0 ? ", " : "") + escape_foreign(paths[i]);
    if (paths.size() > 3) names += " and " + std::to_string(paths.size() - 3) + " more";
    return fail(ErrorKind::Failed, "the fixes meet your unstaged edits in " + names,
                "nothing was changed. The fixes alone, into the index: " + command_for(repo_, patch.file));
}

Result<void> Fixes::finish(StageRun& run, int fd) {
    if (mode_ == FixMode::Off) advise(run);
    auto& notes = run.report.notes;
    notes.insert(notes.end(), notes_.begin(), notes_.end());
    if (files_.empty() || run.report.cancelled) return {};
    if (mode_ == FixMode::Commit && !run.report.passed()) {
        const auto patch = TRY(save_patch(run));
        notes.push_back("fixes of " + count_of(files_.size(), "file") +
                        " were tried, and the gates judged the result; as not all pass, nothing was changed");
        notes.push_back("to have the fixes alone: " + command_for(repo_, patch.file));
        return {};
    }
    std::vector<FixedFile> files;
    for (const auto& [path, file] : files_) files.push_back(file);
    const auto merge = TRY(plan_merge(repo_, *scratch_, files));
    if (!merge.conflicts.empty()) return conflict(run, merge.conflicts, fd);
    TRY(apply(merge, files));
    notes.push_back("fixed " + count_of(files.size(), "file") + ", staged and in the working tree:");
    for (const auto& file : files) {
        if (run.fixed.size() < kMostNamed) notes.push_back("  " + file.path);
        run.fixed.push_back(file.path);
    }
    if (files.size() > kMostNamed)
        notes.push_back("  and " + std::to_string(files.size() - kMostNamed) + " more");
    return {};
}

}  // namespace tidegate::hooks
