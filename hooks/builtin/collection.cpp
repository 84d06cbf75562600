#include "hooks/builtin/collection.hpp"

#include <array>
#include <utility>

namespace tidegate::hooks::builtin {

std::string_view check_of_collection(std::string_view hook_id) {
    using Pair = std::pair<std::string_view, std::string_view>;
    constexpr std::array kNames{
        Pair{"trailing-whitespace", "trailing-whitespace"},
        Pair{"end-of-file-fixer", "end-of-file"},
        Pair{"mixed-line-ending", "mixed-line-endings"},
        Pair{"fix-byte-order-marker", "byte-order-mark"},
        Pair{"check-byte-order-marker", "byte-order-mark"},
        Pair{"check-merge-conflict", "merge-conflict"},
        Pair{"check-case-conflict", "case-conflict"},
        Pair{"check-illegal-windows-names", "illegal-names"},
        Pair{"check-added-large-files", "large-files"},
        Pair{"detect-private-key", "private-keys"},
        Pair{"detect-aws-credentials", "secrets"},
        Pair{"check-yaml", "yaml"},
        Pair{"check-json", "json"},
        Pair{"check-toml", "toml"},
        Pair{"check-xml", "xml"},
        Pair{"check-executables-have-shebangs", "executables-have-shebangs"},
        Pair{"check-shebang-scripts-are-executable", "shebang-scripts-are-executable"},
        Pair{"check-symlinks", "symlinks"},
        Pair{"destroyed-symlinks", "destroyed-symlinks"},
        Pair{"forbid-submodules", "forbid-submodules"},
        Pair{"forbid-new-submodules", "forbid-new-submodules"},
        Pair{"no-commit-to-branch", "no-commit-to-branch"},
    };
    for (const auto& [theirs, ours] : kNames)
        if (theirs == hook_id) return ours;
    return {};
}

}  // namespace tidegate::hooks::builtin
