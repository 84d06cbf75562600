// Results by content, below <common dir>/tidegate/cache/: what passed on an input is not run on it again.
// One text file for each gate definition; each line one input that passed. Lines are of fixed length and
// appended by one write(2): a torn one is not believed. Files are cut to their newer half beyond 1 MiB; the
// newest 256 are kept.
#pragma once

#include "hooks/config/config.hpp"
#include "hooks/tree.hpp"

#include <unordered_set>

namespace tidegate::hooks {

class Cache {
  public:
    explicit Cache(std::string directory) : directory_(std::move(directory)) {}

    // The inputs (64 hex digits each) that passed under `definition` (64 hex digits). A missing or unreadable
    // file is an empty memory.
    [[nodiscard]] std::unordered_set<std::string> passed(const std::string& definition) const;
    // Remembers `inputs`. A memory that cannot be written is an error to tell of, not one to stop for.
    [[nodiscard]] Result<void> remember(const std::string& definition,
                                        const std::vector<std::string>& inputs) const;

    struct Size {
        size_t definitions = 0;
        size_t inputs = 0;
        std::uint64_t bytes = 0;
    };
    [[nodiscard]] Size size() const;
    [[nodiscard]] Result<void> clear() const;

  private:
    std::string directory_;
};

// The key a gate's memory is kept under: its definition, declared environment values, tool version.
[[nodiscard]] std::string definition_key(const Gate& gate, const Stage& stage, std::string_view tool_version);
// The key of an input: entries in the tree's order. Paths, modes and blobs count.
[[nodiscard]] std::string input_key(const std::vector<const TreeEntry*>& entries);
[[nodiscard]] std::string input_key(const shared::Oid& tree);

// Files that tools take their settings from (".clang-format", "package.json", "pyproject.toml", …): they
// count as an input of every single file.
[[nodiscard]] bool is_tool_settings(std::string_view path);

}  // namespace tidegate::hooks
