// Objects, trees, history and refs of one repository, through libgit2. Not for the hook's start-up path, not
// for fetch and push (see shared/git), and not for SHA-256 repositories (open() says Unsupported). Nothing
// here runs hooks, filters or external programs. Not thread-safe: one Repo a thread.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/names.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct git_repository;

namespace tidegate::shared {

enum class EntryKind { File, Executable, Symlink, Tree, Submodule };

struct TreeEntry {
    std::string path;  // from the root of the listed tree, as raw bytes
    EntryKind kind = EntryKind::File;
    Oid oid;
};

struct CommitInfo {
    Oid oid;
    Oid tree;
    std::vector<Oid> parents;
    std::string author_name;
    std::string author_email;
    WallTime author_time{};
    std::string committer_name;
    std::string committer_email;
    WallTime committer_time{};
    std::string message;
    [[nodiscard]] std::string summary() const;  // the first line
};

enum class ChangeKind { Added, Modified, Deleted };

struct TreeChange {
    ChangeKind kind = ChangeKind::Modified;
    std::string path;
    std::optional<TreeEntry> before;
    std::optional<TreeEntry> after;
};

// A change to a tree: `content` replaces or adds the file, nullopt removes it.
struct TreeEdit {
    std::string path;
    std::optional<std::string> content;
};

class Repo {
  public:
    // A repository at exactly `path` (a .git folder, a bare repository or a work tree); no search upwards, no
    // environment. Refuses (Permission) a folder that belongs to somebody else than us or root.
    [[nodiscard]] static Result<Repo> open(const std::string& path);
    // open(), after `git init --bare` where there is nothing yet.
    [[nodiscard]] static Result<Repo> open_or_init_bare(const std::string& path);
    Repo(Repo&&) noexcept;
    Repo& operator=(Repo&&) noexcept;
    ~Repo();

    [[nodiscard]] const std::string& git_dir() const { return git_dir_; }

    // The object behind a ref, nullopt where there is no such ref.
    [[nodiscard]] Result<std::optional<Oid>> resolve(const RefName& ref) const;
    // Moves a ref from `expected` (nullopt: must not exist) to `to`. Conflict is Locked.
    [[nodiscard]] Result<void> update_ref(const RefName& ref, const Oid& to,
                                          const std::optional<Oid>& expected, const std::string& why);

    [[nodiscard]] bool contains(const Oid& oid) const;
    [[nodiscard]] Result<CommitInfo> commit(const Oid& oid) const;
    // A tag object's target, peeled to a commit; a commit's own id.
    [[nodiscard]] Result<Oid> peel_to_commit(const Oid& oid) const;
    // The raw bytes of a commit, tag, tree or blob, up to `limit`.
    [[nodiscard]] Result<std::string> raw_object(const Oid& oid, size_t limit) const;
    [[nodiscard]] Result<std::string> blob(const Oid& oid, size_t limit) const;
    [[nodiscard]] Result<std::uint64_t> blob_size(const Oid& oid) const;

    // Every file below a tree, in tree order, and every folder that is empty (git itself makes none). Invalid for more than `limit` entries or deeper than 200
    // levels.
    [[nodiscard]] Result<std::vector<TreeEntry>> list_tree(const Oid& tree, size_t limit = 1'000'000) const;
    // One level.
    [[nodiscard]] Result<std::vector<TreeEntry>> list_level(const Oid& tree) const;
    // The entry at `path`, nullopt where there is none.
    [[nodiscard]] Result<std::optional<TreeEntry>> entry_at(const Oid& tree, const std::string& path) const;
    // The file at `path`; nullopt where there is none.
    [[nodiscard]] Result<std::optional<std::string>> file_at(const Oid& tree, const std::string& path,
                                                             size_t limit) const;
    // What differs from `before` (null: the empty tree) to `after`, sorted by path, without rename detection.
    [[nodiscard]] Result<std::vector<TreeChange>> diff_trees(const Oid& before, const Oid& after) const;

    // Whether `ancestor` is reachable from `tip` (a commit reaches itself).
    [[nodiscard]] Result<bool> reaches(const Oid& tip, const Oid& ancestor) const;
    // Commits reachable from `tip` and not from `hidden`, newest first by topology, at most `limit`.
    [[nodiscard]] Result<std::vector<Oid>> walk(const Oid& tip, const std::vector<Oid>& hidden,
                                                size_t limit) const;

    [[nodiscard]] Result<Oid> write_blob(std::string_view content);
    // `base` with `edits` applied; a null base is the empty tree.
    [[nodiscard]] Result<Oid> write_tree(const Oid& base, const std::vector<TreeEdit>& edits);
    // A tree object of these very bytes: for trees that git itself would not make, with empty folders in them.
    [[nodiscard]] Result<Oid> write_raw_tree(std::string_view bytes);
    // An unsigned commit object; moves no ref.
    [[nodiscard]] Result<Oid> write_commit(const Oid& tree, const std::vector<Oid>& parents,
                                           const std::string& name, const std::string& email, WallTime when,
                                           const std::string& message);

  private:
    explicit Repo(git_repository* repository);
    git_repository* repository_ = nullptr;
    std::string git_dir_;
};

}  // namespace tidegate::shared
