// Why a gate may have failed in a snapshot though it passes in the working tree: it wants something the tree does not
// hold.
#pragma once

#include "hooks/target.hpp"

#include <string_view>

namespace tidegate::hooks {

// A sentence that names what is missing, `link` and `setup`; empty where nothing points to it. `output` is the end of
// what the gate wrote.
[[nodiscard]] std::string missing_hint(const Repository& repo, const Target& target, std::string_view output,
                                       int exit_code);

}  // namespace tidegate::hooks
