// What the hooks run that pre-commit would install: the command of the tool of that name, taken from PATH.
#pragma once

#include "hooks/config/pre_commit.hpp"

#include <optional>

namespace tidegate::hooks::migrate {

// A gate without a name for a known hook; nullopt for others. Files as the hook's own repository chooses them.
[[nodiscard]] std::optional<shared::Value> known_tool(const PreCommitHook& hook);

}  // namespace tidegate::hooks::migrate
