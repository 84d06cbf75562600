// Where we are: the repository a hook or command works on. Found by reading git's own files; git is asked
// (one child) only where a repository uses what we do not read ourselves.
#pragma once

#include "shared/base/error.hpp"
#include "shared/base/names.hpp"
#include "shared/git/git.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks {

struct Repository {
    explicit Repository(shared::Git program) : git(std::move(program)) {}

    std::string work_tree;            // absolute, real path; empty in a bare repository
    std::string git_dir;              // absolute: of this working tree
    std::string common_dir;           // absolute: shared by all working trees; git_dir in the main one
    std::string index_file;           // absolute: GIT_INDEX_FILE where git set it, else <git_dir>/index
    std::string branch;               // full ref that HEAD is on ("refs/heads/main"); empty: detached
    std::optional<shared::Oid> head;  // nothing while HEAD is unborn
    std::string config;               // the text of <common dir>/config
    bool sha256 = false;              // object format
    bool merging = false;             // MERGE_HEAD is there
    bool rebasing = false;            // rebase-merge/ or rebase-apply/ is there
    std::map<std::string, std::string>
        settings;  // `git config tidegate.*`, names in lower case without "tidegate."
    // Those with their whole name, and git's own about keys, where they have been asked for.
    std::optional<std::map<std::string, std::string>> key_settings = std::nullopt;
    // Where git reads objects beside the repository's own folder, and writes them: what a push brings lies in
    // quarantine until it is accepted (git-receive-pack(1)). GIT_OBJECT_DIRECTORY and
    // GIT_ALTERNATE_OBJECT_DIRECTORIES, made absolute; gates see neither.
    std::map<std::string, std::string> object_env;
    std::vector<std::string> object_dirs;  // the folders those name
    int cancel_fd = -1;  // readable: git children are ended; set by whoever watches signals, not owned
    shared::Git git;     // as the user would run it

    // From where the process stands and what git put into its environment (GIT_DIR, GIT_WORK_TREE,
    // GIT_INDEX_FILE); with `directory` from there, the environment not looked at. NotFound outside of a
    // repository.
    [[nodiscard]] static Result<Repository> open(const std::string& directory = {});

    // `key_settings`, asked for now where they have not been: what a clone's own configuration does not mention at
    // all is not asked for by open(), and may still be in the user's.
    [[nodiscard]] Result<std::map<std::string, std::string>> settings_of_user() const;
    // A call with GIT_DIR and GIT_WORK_TREE set to this repository, the user's index not to be written.
    [[nodiscard]] shared::GitCall call(std::vector<std::string> args) const;
    // <git dir>/tidegate (logs, per working tree) and <common dir>/tidegate (cache, shared).
    [[nodiscard]] std::string own_dir() const { return git_dir + "/tidegate"; }
    [[nodiscard]] std::string shared_dir() const { return common_dir + "/tidegate"; }
    [[nodiscard]] std::string branch_name() const;  // without refs/heads/
};

}  // namespace tidegate::hooks
