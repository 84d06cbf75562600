// From archives to git objects: contents stream through one `git fast-import` into a pack, names become trees. So a
// release from an archive is staged, shared and mended like one from a repository. Memory stays flat whatever a file's
// size is.
#pragma once

#include "reconciler/bare_store.hpp"
#include "reconciler/unpacked_tree.hpp"
#include "shared/archive/archive.hpp"

#include <memory>
#include <string>

namespace tidegate::reconciler {

class ObjectImport {
  public:
    // The store's lock is held by the caller. Ended without finish(), nothing of it stays.
    [[nodiscard]] static Result<std::unique_ptr<ObjectImport>> begin(const BareStore& store);
    ~ObjectImport();
    ObjectImport(const ObjectImport&) = delete;
    ObjectImport& operator=(const ObjectImport&) = delete;

    // Adds an archive's (or a layer's) entries to `tree`, and their contents to the store.
    [[nodiscard]] Result<void> add_archive(int fd, const shared::ArchiveLimits& limits, UnpackedTree& tree,
                                           int cancel_fd);
    // Makes the commit of `tree`, kept as kCommitRefs + `name`; `message` is for people.
    [[nodiscard]] Result<shared::Oid> finish(const UnpackedTree& tree, const std::string& name,
                                             const std::string& message);

  private:
    class Packer;
    ObjectImport(const BareStore& store, std::unique_ptr<Packer> packer);
    const BareStore& store_;
    std::unique_ptr<Packer> packer_;
};

// The commit that finish() kept by this name, where it and its top tree can still be read; nullopt otherwise.
[[nodiscard]] std::optional<shared::Oid> imported(const BareStore& store, const std::string& name);

}  // namespace tidegate::reconciler
