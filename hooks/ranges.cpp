#include "hooks/ranges.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace tidegate::hooks {

using namespace shared;

namespace {

// Beyond so many commits the files of a range are those that differ between its ends.
constexpr size_t kMostCommitsLookedAt = 2000;

// What git knows of the objects named by an update.
struct Known {
    std::optional<Oid> commit;  // peeled
    std::optional<Oid> tree;
};

// One `git cat-file --batch-check` for all of them: for each name first ^{commit}, then ^{tree}.
Result<std::unordered_map<Oid, Known>> look_up(const Repository& repo, const std::vector<Oid>& oids) {
    std::unordered_map<Oid, Known> known;
    if (oids.empty()) return known;
    auto call = repo.call({"cat-file", "--batch-check=%(objectname)", "--buffer"});
    for (const auto& oid : oids) call.input += oid.str() + "^{commit}\n" + oid.str() + "^{tree}\n";
    const auto text = TRY(repo.git.output(call));
    const auto lines = lines_of(text);
    if (lines.size() != oids.size() * 2) return fail(ErrorKind::Broken, "git cat-file answered too little");
    const auto parse = [](std::string_view line) {
        auto oid = Oid::parse(line);
        return oid ? std::optional(*oid) : std::nullopt;
    };
    for (size_t i = 0; i < oids.size(); ++i) known[oids[i]] = {parse(lines[2 * i]), parse(lines[2 * i + 1])};
    return known;
}

struct Range {
    std::vector<Oid> commits;   // that the remote lacks
    std::vector<Oid> boundary;  // their parents that it has
};

Result<Range> range_of(const Repository& repo, const Oid& tip, const std::vector<Oid>& had,
                       const std::string& remote) {
    auto call = repo.call({"rev-list", "--boundary", "--stdin", tip.str(), "--not"});
    const bool named = !remote.empty() && remote.find_first_of(":*?[\\ ") == std::string::npos &&
                       remote[0] != '-' && remote[0] != '/' && remote[0] != '.';
    if (named) call.args.push_back("--remotes=" + remote);
    if (remote == ".") call.args.emplace_back("--all");  // what this repository lacks
    for (const auto& oid : had) call.input += "^" + oid.str() + "\n";
    if (call.input.empty()) std::erase(call.args, "--stdin");
    Range range;
    const auto text = TRY(repo.git.output(call));
    for (const auto line : lines_of(text)) {
        const bool boundary = line.starts_with('-');
        auto& list = boundary ? range.boundary : range.commits;
        list.push_back(TRY(Oid::parse(boundary ? line.substr(1) : line)));
    }
    return range;
}

// What the range's commits touched and the tip still has: for a merge only what it has from neither side.
Result<std::vector<Change>> touched(const Repository& repo, const Range& range, const Oid& tree) {
    auto call = repo.call({"diff-tree", "--stdin", "-r", "-c", "--root", "--no-commit-id", "--name-only",
                           "-z", "--no-renames"});
    for (const auto& commit : range.commits) call.input += commit.str() + "\n";
    const auto text = TRY(repo.git.output(call));
    const auto paths = split(text, '\0');
    const std::unordered_set<std::string_view> names(paths.begin(), paths.end());
    std::vector<Change> changes;
    for (auto& entry : TRY(list_tree(repo, tree)))
        if (names.contains(entry.path)) changes.push_back({Change::Kind::Modified, std::move(entry)});
    return changes;
}

std::string shown(const RefUpdate& update) {
    const auto& name = update.remote_ref;
    auto ref = RefName::parse(name);
    return escape_foreign(ref ? ref->short_str() : std::string_view(name));
}

Result<Target> target_of(const Repository& repo, const std::string& stage, const RefUpdate& update,
                         const Known& local, const std::optional<Oid>& had_here, const std::vector<Oid>& had,
                         const std::string& remote) {
    Target target;
    target.stage = stage;
    target.tree = *local.tree;
    target.commit = target.head = local.commit;
    target.branch = update.remote_ref;
    target.ref = shown(update);
    const auto range = TRY(range_of(repo, *local.commit, had, remote));
    target.commits = range.commits.size();
    target.new_commits = range.commits;
    if (range.commits.empty()) {
        // The remote has it all under other names; what counts is how far this ref moves.
        target.from = had_here ? had_here : local.commit;
        return target;
    }
    if (range.boundary.empty()) return target;  // a history of its own: everything is new
    const bool known = had_here && std::find(range.boundary.begin(), range.boundary.end(), *had_here) !=
                                       range.boundary.end();
    target.from = known ? *had_here : range.boundary.front();
    if (range.boundary.size() > 1) target.bases = range.boundary;
    if (range.boundary.size() > 1 && range.commits.size() <= kMostCommitsLookedAt)
        target.changes = TRY(touched(repo, range, target.tree));
    return target;
}

}  // namespace

Result<std::vector<RefUpdate>> parse_ref_lines(std::string_view text) {
    std::vector<RefUpdate> updates;
    for (const auto line : lines_of(text)) {
        // Ref names hold no spaces; what stands for the local ref ("(delete)", "HEAD~2") does not either.
        const auto words = split(line, ' ');
        if (words.size() != 4)
            return fail(ErrorKind::Invalid,
                        "not a line of a pre-push hook: " + escape_foreign(line.substr(0, 200)),
                        "git gives: <local ref> <local id> <remote ref> <remote id>");
        updates.push_back({std::string(words[0]), TRY(Oid::parse(words[1])), std::string(words[2]),
                           TRY(Oid::parse(words[3]))});
    }
    return updates;
}

Result<std::string> drain_input(int fd) {
    return read_fd(fd, 256U << 20, "standard input");
}

Result<Push> targets_of_push(const Repository& repo, std::string stage, const std::vector<RefUpdate>& updates,
                             const std::string& remote) {
    std::vector<Oid> names;
    std::unordered_set<Oid> seen;
    for (const auto& update : updates)
        for (const auto& oid : {update.local, update.remote})
            if (!oid.is_null() && seen.insert(oid).second) names.push_back(oid);
    auto known = TRY(look_up(repo, names));

    std::vector<Oid> had;  // by the remote, and here too
    std::unordered_set<Oid> had_seen;
    for (const auto& update : updates) {
        if (update.remote.is_null()) continue;
        const auto& commit = known[update.remote].commit;
        if (commit && had_seen.insert(*commit).second) had.push_back(*commit);
    }

    Push push;
    std::unordered_map<Oid, size_t> trees;  // which target is theirs
    for (const auto& update : updates) {
        if (update.local.is_null()) continue;  // a deletion brings nothing
        const auto& local = known[update.local];
        if (!local.commit || !local.tree) {
            push.skipped.push_back(shown(update) + ": not a commit, nothing to gate");
            continue;
        }
        const auto [same, is_new] = trees.emplace(*local.tree, push.targets.size());
        if (!is_new) {
            push.targets[same->second].also.push_back(update.remote_ref);
            continue;
        }
        const auto had_here = update.remote.is_null() ? std::nullopt : known[update.remote].commit;
        push.targets.push_back(TRY(target_of(repo, stage, update, local, had_here, had, remote)));
    }
    return push;
}

}  // namespace tidegate::hooks
