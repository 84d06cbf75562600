// A checkout of the manifests branch on a person's machine, worked on through their own git: their identity,
// key, hooks and proxies. Whatever fails leaves the checkout as it was.
#pragma once

#include "manifests/manifest.hpp"
#include "shared/git/git.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tidegate::manifests {

class Checkout {
  public:
    // The checkout that `directory` is in. NotFound outside of one; Unsupported for a detached HEAD.
    [[nodiscard]] static Result<Checkout> open(const std::string& directory);

    [[nodiscard]] const std::string& top() const { return top_; }
    [[nodiscard]] const std::string& branch() const { return branch_; }
    [[nodiscard]] const shared::Git& git() const { return git_; }

    // "production/web.yaml", which exists. Usage for wrong names; NotFound names what there is.
    [[nodiscard]] Result<std::string> path_of(const std::string& app, const std::string& environment) const;
    // The file's text; Exists where it differs from HEAD (a change nobody committed).
    [[nodiscard]] Result<std::string> committed_text(const std::string& path) const;
    // A file as it was at a commit; nullopt where it was not there.
    [[nodiscard]] Result<std::optional<std::string>> text_at(const std::string& commit,
                                                             const std::string& path) const;
    // The full id of what a person calls a revision. NotFound.
    [[nodiscard]] Result<std::string> resolve(const std::string& revision) const;
    // A git command's output without its last newline.
    [[nodiscard]] Result<std::string> ask(std::vector<std::string> args) const;

    // The key that commits are signed with, as git's user.signingkey has it. Usage with the mend where there
    // is none.
    [[nodiscard]] Result<std::string> signing_key() const;
    // Writes `text` to `path` and commits that file alone, signed by SSH; other changes, staged ones too,
    // stay as they are. Gives the commit's id. When the commit fails, the file is as it was.
    [[nodiscard]] Result<std::string> commit_file(const std::string& path, const std::string& text,
                                                  const std::string& message) const;
    // Pushes the branch to where it is pushed to by git's own rules.
    [[nodiscard]] Result<void> push() const;

  private:
    Checkout(shared::Git git, std::string top, std::string branch)
        : git_(std::move(git)), top_(std::move(top)), branch_(std::move(branch)) {}
    [[nodiscard]] shared::GitCall call(std::vector<std::string> args) const;
    shared::Git git_;
    std::string top_;
    std::string branch_;
};

}  // namespace tidegate::manifests
