// The part of Repo that reads, compares and makes trees.
#include "shared/base/text.hpp"
#include "shared/repo/handles.hpp"
#include "shared/repo/repo.hpp"

namespace tidegate::shared {

namespace {

constexpr int kDeepest = 200;

Result<TreeHandle> find_tree(git_repository* repository, const Oid& oid) {
    git_tree* tree = nullptr;
    const git_oid id = raw(oid);
    const int code = git_tree_lookup(&tree, repository, &id);
    if (code != 0) return fail_git("cannot read the tree " + oid.str(), code);
    return TreeHandle(tree);
}

EntryKind kind_of(unsigned mode) {
    switch (mode) {
        case GIT_FILEMODE_TREE: return EntryKind::Tree;
        case GIT_FILEMODE_LINK: return EntryKind::Symlink;
        case GIT_FILEMODE_COMMIT: return EntryKind::Submodule;
        case GIT_FILEMODE_BLOB_EXECUTABLE: return EntryKind::Executable;
        default: return EntryKind::File;
    }
}

TreeEntry entry_of(const git_tree_entry* entry, const std::string& prefix) {
    return {prefix + git_tree_entry_name(entry),
            kind_of(static_cast<unsigned>(git_tree_entry_filemode(entry))),
            cooked(*git_tree_entry_id(entry))};
}

Result<void> list_into(git_repository* repository, const Oid& tree, const std::string& prefix, int depth,
                       size_t limit, std::vector<TreeEntry>& found) {
    if (depth > kDeepest)
        return fail(ErrorKind::Invalid,
                    "folders deeper than " + std::to_string(kDeepest) + " levels: " + escape_foreign(prefix));
    const auto level = TRY(find_tree(repository, tree));
    for (size_t i = 0; i < git_tree_entrycount(level.get()); ++i) {
        auto entry = entry_of(git_tree_entry_byindex(level.get(), i), prefix);
        if (entry.kind == EntryKind::Tree) {
            const auto before = found.size();
            TRY(list_into(repository, entry.oid, entry.path + "/", depth + 1, limit, found));
            if (found.size() > before) continue;
        }
        found.push_back(std::move(entry));
        if (found.size() > limit)
            return fail(ErrorKind::Invalid, "a tree of more than " + std::to_string(limit) + " files");
    }
    return {};
}

}  // namespace

Result<std::vector<TreeEntry>> Repo::list_tree(const Oid& tree, size_t limit) const {
    std::vector<TreeEntry> found;
    TRY(list_into(repository_, tree, "", 0, limit, found));
    return found;
}

Result<std::vector<TreeEntry>> Repo::list_level(const Oid& tree) const {
    const auto level = TRY(find_tree(repository_, tree));
    std::vector<TreeEntry> found;
    for (size_t i = 0; i < git_tree_entrycount(level.get()); ++i)
        found.push_back(entry_of(git_tree_entry_byindex(level.get(), i), ""));
    return found;
}

Result<std::optional<TreeEntry>> Repo::entry_at(const Oid& tree, const std::string& path) const {
    const auto root = TRY(find_tree(repository_, tree));
    git_tree_entry* found = nullptr;
    const int code = git_tree_entry_bypath(&found, root.get(), path.c_str());
    const TreeEntryHandle owner(found);
    if (code == GIT_ENOTFOUND) return std::optional<TreeEntry>();
    if (code != 0)
        return fail_git("cannot read " + escape_foreign(path) + " in the tree " + tree.str(), code);
    auto entry = entry_of(found, "");
    entry.path = path;
    return std::optional<TreeEntry>(std::move(entry));
}

Result<std::optional<std::string>> Repo::file_at(const Oid& tree, const std::string& path,
                                                 size_t limit) const {
    const auto entry = TRY(entry_at(tree, path));
    if (!entry || (entry->kind != EntryKind::File && entry->kind != EntryKind::Executable))
        return std::optional<std::string>();
    return std::optional<std::string>(TRY(blob(entry->oid, limit)));
}

Result<std::vector<TreeChange>> Repo::diff_trees(const Oid& before, const Oid& after) const {
    TreeHandle old_tree;
    TreeHandle new_tree;
    if (!before.is_null()) old_tree = TRY(find_tree(repository_, before));
    if (!after.is_null()) new_tree = TRY(find_tree(repository_, after));
    git_diff_options options = GIT_DIFF_OPTIONS_INIT;
    options.flags = GIT_DIFF_INCLUDE_TYPECHANGE | GIT_DIFF_SKIP_BINARY_CHECK;
    git_diff* made = nullptr;
    const int code = git_diff_tree_to_tree(&made, repository_, old_tree.get(), new_tree.get(), &options);
    const DiffHandle diff(made);
    if (code != 0) return fail_git("cannot compare the trees " + before.str() + " and " + after.str(), code);
    std::vector<TreeChange> changes;
    for (size_t i = 0; i < git_diff_num_deltas(made); ++i) {
        const git_diff_delta* delta = git_diff_get_delta(made, i);
        const auto side = [](const git_diff_file& file) {
            return TreeEntry{file.path, kind_of(file.mode), cooked(file.id)};
        };
        TreeChange change;
        const bool has_before = delta->status != GIT_DELTA_ADDED;
        const bool has_after = delta->status != GIT_DELTA_DELETED;
        if (has_before) change.before = side(delta->old_file);
        if (has_after) change.after = side(delta->new_file);
        change.kind = !has_before  ? ChangeKind::Added
                      : !has_after ? ChangeKind::Deleted
                                   : ChangeKind::Modified;
        change.path = has_after ? delta->new_file.path : delta->old_file.path;
        changes.push_back(std::move(change));
    }
    return changes;
}

Result<Oid> Repo::write_tree(const Oid& base, const std::vector<TreeEdit>& edits) {
    git_index* made = nullptr;
    int code = git_index_new(&made);
    const IndexHandle index(made);
    if (code != 0) return fail_git("cannot make a tree", code);
    if (!base.is_null()) {
        const auto tree = TRY(find_tree(repository_, base));
        code = git_index_read_tree(made, tree.get());
        if (code != 0) return fail_git("cannot read the tree " + base.str(), code);
    }
    for (const auto& edit : edits) {
        if (!edit.content) {
            code = git_index_remove(made, edit.path.c_str(), 0);
            if (code != 0 && code != GIT_ENOTFOUND)
                return fail_git("cannot remove " + escape_foreign(edit.path), code);
            continue;
        }
        git_index_entry entry{};
        const git_index_entry* existing = git_index_get_bypath(made, edit.path.c_str(), 0);
        entry.mode = existing != nullptr && existing->mode == GIT_FILEMODE_BLOB_EXECUTABLE
                         ? GIT_FILEMODE_BLOB_EXECUTABLE
                         : GIT_FILEMODE_BLOB;
        entry.path = edit.path.c_str();
        entry.id = raw(TRY(write_blob(*edit.content)));
        code = git_index_add(made, &entry);
        if (code != 0) return fail_git("cannot add " + escape_foreign(edit.path), code);
    }
    git_oid oid{};
    code = git_index_write_tree_to(&oid, made, repository_);
    if (code != 0) return fail_git("cannot make a tree", code);
    return cooked(oid);
}

}  // namespace tidegate::shared
