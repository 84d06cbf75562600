// Files of pinned commits: fetched once, kept, and proven by the commit's id each time they are used.
#pragma once

#include "hooks/config/compose.hpp"

namespace tidegate::hooks {

// A file of a commit with everything that its id vouches for it with: the commit, each tree on the way, the blob,
// as git has them. `text` of these: "<kind> <size>\n<bytes>", one after the other.
//
// The file's content, where every object has the id that the one before it names, the first `commit`. Broken
// otherwise.
[[nodiscard]] Result<std::string> proven_content(std::string_view proof, const shared::Oid& commit,
                                                 const std::string& path);

class PinnedFiles {
  public:
    // `directory` holds them; `no_git_beneath`: a repository must not choose which git is run.
    PinnedFiles(std::string directory, std::string no_git_beneath)
        : directory_(std::move(directory)), no_git_beneath_(std::move(no_git_beneath)) {}
    // ~/.cache/tidegate/extends, or below XDG_CACHE_HOME.
    [[nodiscard]] static std::string usual_directory();

    // From what is kept, else fetched from its address, by a git that heeds nobody's configuration. Transient and
    // the like where that fails; NotFound where the commit has no such file.
    [[nodiscard]] Result<std::string> content(const PinnedFile& file) const;

    int cancel_fd = -1;  // readable: a fetch is ended; not owned

  private:
    [[nodiscard]] Result<std::string> fetch(const PinnedFile& file) const;
    std::string directory_;
    std::string no_git_beneath_;
};

}  // namespace tidegate::hooks
