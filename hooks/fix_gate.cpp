#include "hooks/fix_gate.hpp"

#include "hooks/builtin/builtin.hpp"
#include "hooks/fix_merge.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kNamed = 3;

// Passes on what a fix prints, and nothing of the run that it technically is.
class Quiet final : public Watcher {
  public:
    explicit Quiet(Watcher& face) : face_(face) {}
    void preparing(const std::string& what) override { face_.preparing(what); }
    [[nodiscard]] std::optional<Duration> tick() const override { return face_.tick(); }
    void ticked() override { face_.ticked(); }

  private:
    Watcher& face_;
};

std::string named(const std::vector<std::string>& paths) {
    std::string text;
    for (size_t i = 0; i < std::min(paths.size(), kNamed); ++i) text += (i > 0 ? ", " : "") + paths[i];
    if (paths.size() > kNamed) text += " and " + std::to_string(paths.size() - kNamed) + " more";
    return text;
}

// Entries are in git's order.
std::vector<TreeEntry>::const_iterator find_path(const std::vector<TreeEntry>& entries,
                                                 const std::string& path) {
    const auto found = std::lower_bound(entries.begin(), entries.end(), path,
                                        [](const TreeEntry& a, const std::string& b) { return a.path < b; });
    return found != entries.end() && found->path == path ? found : entries.end();
}

// The files a fix may change, as they are in the target's tree now.
std::vector<TreeEntry> files_of(const PlannedGate& planned, const Target& target) {
    std::vector<TreeEntry> files;
    const auto add = [&](const TreeEntry& entry) {
        const auto found = find_path(target.entries, entry.path);
        if (found != target.entries.end() && found->is_file()) files.push_back(*found);
    };
    if (planned.gate->takes_files()) {
        for (const auto& entry : planned.files) add(entry);
    } else if (target.changes) {
        for (const auto& change : *target.changes)
            if (change.kind != Change::Kind::Deleted && planned.gate->files.matches(change.entry.path))
                add(change.entry);
    }
    return files;
}

bool is_regular(int root, const std::string& path) {
    const auto file = open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    struct stat info {};
    return file && fstat(file->get(), &info) == 0 && S_ISREG(info.st_mode);
}

// What the snapshot's changed files are now, where they count.
Result<GateFix> collect(const FixContext& context, const std::string& name, const std::string& checkout,
                        const Spoil& spoil, const std::vector<TreeEntry>& files) {
    GateFix fix;
    std::vector<TreeEntry> changed;
    std::vector<std::string> others;
    std::vector<std::string> lost;
    const auto root = TRY(open_dir(checkout));
    for (const auto& path : spoil.changed) {
        const auto entry = find_path(files, path);
        if (entry == files.end())
            others.push_back(path);
        else if (!is_regular(root.get(), path))
            lost.push_back(path);
        else
            changed.push_back(*entry);
    }
    const auto oids = TRY(blobs_as_added(context.repo, context.scratch, checkout, changed, Store::User));
    for (size_t i = 0; i < changed.size(); ++i)
        if (oids[i] != changed[i].oid) fix.files.push_back({changed[i].path, changed[i].oid, oids[i]});
    const auto say = [&](const std::vector<std::string>& paths, const std::string& what) {
        if (!paths.empty()) fix.notes.push_back("the fix of " + name + " " + what + ": " + named(paths));
    };
    say(others, "also changed files that are not the gate's in this change, which stay as they are");
    say(lost, "removed or replaced files, which stay as they are");
    say(spoil.added, "made new files, which are not added");
    return fix;
}

Result<GateFix> by_command(const FixContext& context, const Stage& stage, const PlannedGate& planned,
                           Target& target, const std::vector<TreeEntry>& files) {
    // A run of its own with one gate: snapshot, setup, environment, logs and time limits are the same.
    Stage own = stage;
    Gate gate = *planned.gate;
    gate.name += ".fix";
    gate.run = gate.fix;
    gate.builtins.clear();
    gate.needs.clear();
    gate.report = {};
    gate.retries = 0;
    own.gates = {gate};
    Plan plan;
    plan.stage = &own;
    plan.needs_snapshot = true;
    PlannedGate one;
    one.gate = &own.gates.front();
    one.files = files;
    plan.gates = {one};

    GateFix fix;
    auto options = context.options;
    options.on_changes = [&](const std::string& checkout, const Spoil& spoil) -> Result<void> {
        fix = TRY(collect(context, planned.gate->name, checkout, spoil, files));
        return {};
    };
    Quiet quiet(context.watcher);
    const auto report = TRY(run_plan(context.repo, plan, target, context.cache, quiet, options));
    if (report.cancelled)
        return fail(ErrorKind::Cancelled, "cancelled during the fix of " + planned.gate->name);
    const auto& run = report.gates.front();
    if (run.ended_by_itself) return fix;
    GateFix none;
    none.notes.push_back("the fix of " + planned.gate->name + " did not work: " + run.detail +
                         (run.log.empty() ? "" : "; its output: " + run.log));
    return none;
}

Result<GateFix> by_checks(const FixContext& context, const PlannedGate& planned,
                          const std::vector<TreeEntry>& files) {
    std::vector<const builtin::Check*> checks;
    for (const auto& name : planned.gate->builtins) {
        const auto* check = builtin::find(name);
        if (check != nullptr && check->fixed != nullptr) checks.push_back(check);
    }
    std::vector<Oid> oids;
    for (const auto& entry : files) oids.push_back(entry.oid);
    std::vector<std::string> written;
    std::vector<const TreeEntry*> changed;
    Result<void> stored;
    TRY(read_blobs(context.repo, oids, builtin::kContentLimit,
                   [&](size_t index, std::uint64_t size, std::string content) {
                       const bool binary = builtin::is_binary(content);
                       std::optional<std::string> result;
                       for (const auto* check : checks) {
                           if (check->text_only && binary) continue;
                           builtin::File file;
                           file.path = files[index].path;
                           file.content = result ? *result : content;
                           file.size = result ? result->size() : size;
                           file.options = &planned.gate->builtin_options;
                           file.executable = files[index].mode == FileMode::Executable;
                           if (auto better = check->fixed(file)) result = std::move(better);
                       }
                       if (!result || !stored) return;
                       const auto name =
                           context.scratch.file(planned.gate->name + "-" + std::to_string(index));
                       stored = write_file_atomic(name, *result, 0600);
                       written.push_back(name);
                       changed.push_back(&files[index]);
                   }));
    TRY(std::move(stored));
    const auto fixed = TRY(store_files(context.repo, context.repo.call({}), written));
    GateFix fix;
    for (size_t i = 0; i < changed.size(); ++i)
        if (fixed[i] != changed[i]->oid) fix.files.push_back({changed[i]->path, changed[i]->oid, fixed[i]});
    return fix;
}

}  // namespace

bool can_fix(const Gate& gate) {
    if (!gate.fix.empty()) return true;
    return gate.builtin_fix &&
           std::any_of(gate.builtins.begin(), gate.builtins.end(), [](const std::string& name) {
               const auto* check = builtin::find(name);
               return check != nullptr && check->fixed != nullptr;
           });
}

Result<GateFix> run_fix(const FixContext& context, const Stage& stage, const PlannedGate& planned,
                        Target& target) {
    auto files = files_of(planned, target);
    if (context.only != nullptr)
        std::erase_if(files, [&](const TreeEntry& file) { return !context.only->contains(file.path); });
    if (files.empty()) return GateFix{};
    if (planned.gate->fix.empty()) return by_checks(context, planned, files);
    return by_command(context, stage, planned, target, files);
}

}  // namespace tidegate::hooks
