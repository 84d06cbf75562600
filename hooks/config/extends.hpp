// `extends`: what a file stands on.
#pragma once

#include "hooks/config/compose.hpp"

namespace tidegate::hooks {

struct Extend {
    enum class Kind { File, Pinned, PreCommit };
    Kind kind = Kind::File;
    std::string path;                   // as it is written
    std::optional<shared::Url> url;     // Pinned
    shared::Oid commit;                 // Pinned
    std::vector<std::string> without;   // PreCommit: hooks that are left out, by their id
    const shared::Value* at = nullptr;  // in the document
};

inline constexpr std::string_view kPreCommitFile = ".pre-commit-config.yaml";

// In the order in which they are merged. Invalid at its place.
[[nodiscard]] Result<std::vector<Extend>> read_extends(const shared::Document& document);

}  // namespace tidegate::hooks
