// The names that the pre-commit-hooks collection has for our checks, for those who come from there.
#pragma once

#include <string_view>

namespace tidegate::hooks::builtin {

// "end-of-file-fixer" → "end-of-file"; empty where we have no such check.
[[nodiscard]] std::string_view check_of_collection(std::string_view hook_id);

}  // namespace tidegate::hooks::builtin
