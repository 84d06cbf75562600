// An installed hook is a copy of `tidegate-hook` with a note at its end that says where it was copied from.
// A copy, because git passes over a link whose target is gone as if there were no hook: with a copy the gate
// stands even when the program has been removed. And the note, so that an upgrade of the program reaches
// every clone: a copy that sees that its origin has changed hands over to it.
//
// The note: lines "origin PATH", "size BYTES", "mtime NANOSECONDS", then its length in 8 hex digits and the
// mark.
#pragma once

#include "shared/base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace tidegate::hooks {

struct InstalledNote {
    std::string origin;      // absolute path of the program it was copied from
    std::uint64_t size = 0;  // of the origin at that time
    std::int64_t mtime = 0;  // of the origin at that time, nanoseconds since the epoch
};

[[nodiscard]] std::string to_trailer(const InstalledNote& note);
// nullopt where the file is not there, cannot be read, or carries no note: it is not ours.
[[nodiscard]] std::optional<InstalledNote> read_installed_note(const std::string& path);
// What the note of a copy made now would say. NotFound where there is no program.
[[nodiscard]] Result<InstalledNote> note_for(const std::string& origin);

// Called first in tidegate-hook's main: when this process is an installed copy and its origin has changed
// since, executes the origin with the same arguments and does not return. Goes on as the copy where the
// origin is gone or cannot be executed.
void follow_upgrade(char** argv);

// Beside HOOKS/<name>: the hook that was there before us.
inline constexpr std::string_view kChainedSuffix = ".tidegate-chained";

// Runs the hook that `hook_path` (as git called us) replaced, if there is one that git would have run: same
// arguments, same environment and folder, our terminal; `input` is its standard input, or ours where nullopt.
// Gives its exit code (128 + signal), 0 where there is none.
[[nodiscard]] Result<int> run_chained(const std::string& hook_path, char** arguments,
                                      const std::optional<std::string>& input);

}  // namespace tidegate::hooks
