// What pre-commit does with a hook in the stages that are not about the files of a change. Internal to pre_commit.cpp.
#pragma once

#include "shared/doc/value.hpp"

#include <string_view>

namespace tidegate::hooks {

// prepare-commit-msg, commit-msg: the one file is the message's.
[[nodiscard]] bool judges_message(std::string_view stage);
// Whether the hook, a gate by now, can have anything to do there: its `match` must take the message's file; where
// there are no files at all (post-checkout …) only `always` runs.
[[nodiscard]] bool pre_commit_runs(std::string_view stage, const shared::Value::Map& gate);
// `run` with the message's file in place of the change's.
[[nodiscard]] shared::Value::Entry with_message(const shared::Value::Entry& run);

}  // namespace tidegate::hooks
