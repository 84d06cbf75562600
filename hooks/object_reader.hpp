// Objects of the repository by one `git cat-file --batch` that is asked one thing after the other: what the next
// question is may follow from the last answer, and a git child costs more than all of them.
#pragma once

#include "hooks/repository.hpp"

namespace tidegate::hooks {

struct GitObject {
    shared::Oid oid;
    std::string type;   // "commit", "tree", "blob"
    std::string bytes;  // as git keeps them, without their header
};

// One of a tree object's own entries, not of the trees below it.
struct TreeItem {
    std::string mode;  // octal, as the tree has it: "100644", "40000"
    std::string name;
    shared::Oid oid;
};

class ObjectReader {
  public:
    // Starts git; `repo` must outlive the reader.
    [[nodiscard]] static Result<ObjectReader> start(const Repository& repo);
    ObjectReader(ObjectReader&&) noexcept;
    ObjectReader& operator=(ObjectReader&&) noexcept;
    ~ObjectReader();

    // By any name that git resolves to an object ("REF:folder/file", "OID^{tree}"), without line breaks. nullopt
    // where there is none. Invalid for one of more than `limit` bytes, which are not kept. Timeout where git does
    // not answer within 10 s.
    [[nodiscard]] Result<std::optional<GitObject>> read(const std::string& name, size_t limit = 16 << 20);
    // The entries of the tree called `name`; none where it does not exist, or is no tree.
    [[nodiscard]] Result<std::vector<TreeItem>> list(const std::string& name);

  private:
    struct Child;
    explicit ObjectReader(std::unique_ptr<Child> child);
    std::unique_ptr<Child> child_;
};

// The tree that a commit object names. Broken for what is no commit.
[[nodiscard]] Result<shared::Oid> tree_in_commit(const GitObject& commit);

}  // namespace tidegate::hooks
