// The hook executable, whatever git calls it.
#pragma once

namespace tidegate::hooks {

// Called by git as HOOKS/<stage>, or by a person's own hook as `tidegate-hook <stage> [what git gave]`.
// Gives the exit code: whatever cannot be done stops the commit or push.
[[nodiscard]] int hook_main(int argc, char** argv);

}  // namespace tidegate::hooks
