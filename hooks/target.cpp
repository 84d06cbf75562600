#include "hooks/target.hpp"

#include "hooks/blob_id.hpp"
#include "hooks/config/config.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kConfigLimit = 1 << 20;

tl::unexpected<Error> no_config(const Target& target) {
    return fail(ErrorKind::NotFound,
                "the tree " + target.tree.short_str() + " has no " + std::string(kConfigFile),
                "write one with `tidegate init`, and commit it: what is in the tree decides, not what lies "
                "beside it");
}

// One line of "commit tree parents…".
struct CommitLine {
    Oid commit;
    Oid tree;
    std::vector<Oid> parents;
};

Result<CommitLine> look_up(const Repository& repo, const std::string& revision) {
    const auto exit =
        TRY(repo.git.run(repo.call({"rev-list", "-1", "--no-commit-header", "--format=%H%n%T%n%P",
                                    "--end-of-options", revision, "--"})));
    const auto lines = lines_of(exit.out);
    if (!exit.ok() || lines.size() < 2)
        return fail(ErrorKind::NotFound, "no such commit: " + escape_foreign(revision),
                    "name a branch, a tag or a full id of this repository");
    CommitLine line;
    line.commit = TRY(Oid::parse(lines[0]));
    line.tree = TRY(Oid::parse(lines[1]));
    if (lines.size() > 2)
        for (const auto parent : split(lines[2], ' '))
            if (!parent.empty()) line.parents.push_back(TRY(Oid::parse(parent)));
    return line;
}

}  // namespace

Result<Target> index_target(const Repository& repo, std::string stage) {
    auto index = TRY(read_index_tree(repo));
    Target target;
    target.stage = std::move(stage);
    target.tree = index.tree;
    target.index = std::move(index.index);
    target.head = repo.head;
    target.from = repo.head;
    target.branch = repo.branch;
    target.merging = repo.merging;
    target.rebasing = repo.rebasing;
    return target;
}

Result<Target> revision_target(const Repository& repo, std::string stage, const RevisionRange& range) {
    const auto line = TRY(look_up(repo, range.revision));
    Target target;
    target.stage = std::move(stage);
    target.tree = line.tree;
    target.commit = line.commit;
    target.head = line.commit;
    target.branch = repo.branch;
    target.rebasing = repo.rebasing;
    target.merging = line.parents.size() > 1;
    if (range.from)
        target.from = TRY(look_up(repo, *range.from)).commit;
    else if (!range.all && !line.parents.empty())
        target.from = line.parents.front();
    return target;
}

Result<Target> tree_target(const Repository& repo, std::string stage, const std::string& tree) {
    const auto exit =
        TRY(repo.git.run(repo.call({"rev-parse", "-q", "--verify", "--end-of-options", tree + "^{tree}"})));
    if (!exit.ok()) return fail(ErrorKind::NotFound, "no such tree: " + escape_foreign(tree));
    Target target;
    target.stage = std::move(stage);
    target.tree = TRY(Oid::parse(lines_of(exit.out).back()));
    target.head = repo.head;
    target.branch = repo.branch;
    return target;
}

Result<void> ensure_entries(const Repository& repo, Target& target) {
    if (!target.entries.empty()) return {};
    target.entries = target.index ? target.index->entries() : TRY(list_tree(repo, target.tree));
    return {};
}

Result<std::string> config_text(const Repository& repo, const Target& target) {
    auto text = tree_file(repo, target, std::string(kConfigFile));
    if (!text && text.error().kind == ErrorKind::NotFound) return no_config(target);
    return text;
}

Result<std::string> tree_file(const Repository& repo, const Target& target, const std::string& path) {
    if (!target.index) return read_tree_file(repo, target.tree, path, kConfigLimit);
    const auto entry = target.index->find(path);
    if (!entry) return fail(ErrorKind::NotFound, "the tree has no " + escape_foreign(path));
    if (!entry->is_file())
        return fail(ErrorKind::Invalid,
                    escape_foreign(path) + " is a link or a submodule in the tree; it must be a file");
    // Mostly the working tree has the same content, and reading it there saves a git child; its id tells.
    if (!repo.work_tree.empty()) {
        auto text = read_file(repo.work_tree + "/" + path, kConfigLimit);
        if (text && blob_id(*text, repo.sha256) == entry->oid) return text;
    }
    return read_tree_file(repo, target.tree, path, kConfigLimit);
}

}  // namespace tidegate::hooks
