// git's index file, read without git: gitformat-index(5), versions 2 to 4, SHA-1 and SHA-256.
#pragma once

#include "hooks/tree.hpp"

namespace tidegate::hooks {

struct IndexFile {
    std::vector<TreeEntry> entries;     // stage 0, intent-to-add left out
    std::vector<std::string> unmerged;  // paths with other stages
    bool intent_to_add = false;         // there are such entries: the cached tree is not to be trusted
    std::optional<shared::Oid> tree;    // of the cache-tree extension, where it is valid for the whole
};

// Unsupported for split and sparse indexes and unknown mandatory extensions; Broken for what is no index.
[[nodiscard]] Result<IndexFile> parse_index(std::string_view bytes, bool sha256);

}  // namespace tidegate::hooks
