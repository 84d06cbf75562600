// A private place for what fixing needs meanwhile: contents, copies of indexes, an object store of its own. Below the
// working tree's git folder, so that a prepared file gets into the working tree by rename; what a killed run left
// there is removed by the next.
#pragma once

#include "hooks/repository.hpp"
#include "shared/base/files.hpp"

namespace tidegate::hooks {

class Scratch {
  public:
    [[nodiscard]] static Result<Scratch> make(const Repository& repo);

    [[nodiscard]] std::string file(const std::string& name) const { return folder_.path() + "/" + name; }
    // New objects of this call go to the scratch's store; those of the repository are read as always.
    [[nodiscard]] shared::GitCall in_own_store(shared::GitCall call) const;

  private:
    Scratch(const Repository& repo, shared::TempDir folder, shared::Lock lock)
        : repo_(&repo), folder_(std::move(folder)), lock_(std::move(lock)) {}

    const Repository* repo_;
    shared::TempDir folder_;
    shared::Lock lock_;
};

// Blobs of files as they are, no filter applied, stored where `call` stores. Absolute paths.
[[nodiscard]] Result<std::vector<shared::Oid>> store_files(const Repository& repo, shared::GitCall call,
                                                           const std::vector<std::string>& files);

}  // namespace tidegate::hooks
