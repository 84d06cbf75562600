// ROOT/backups/<time>-<deployment>/: what an app's `backup` wrote before a migration. The app's user's, for nobody else.
#pragma once

#include "reconciler/app_root.hpp"
#include "shared/base/clock.hpp"

#include <cstdint>
#include <string>

namespace tidegate::reconciler {

// Of a deployment; names sort by time, and a journal that was lost gives none a second time.
[[nodiscard]] std::string backup_name(std::int64_t deployment, shared::WallTime started);
// Makes it anew, 0700, and gives its absolute path; what an interrupted one left there goes first.
[[nodiscard]] Result<std::string> make_backup_folder(const AppRoot& root, const std::string& name);
// Brings to disk what is in it.
[[nodiscard]] Result<void> keep_backup(const AppRoot& root, const std::string& name);
// Nothing there is not an error.
[[nodiscard]] Result<void> remove_backup(const AppRoot& root, const std::string& name);
// Removes all but the newest `keep`. Names that are not of our making stay.
[[nodiscard]] Result<void> forget_backups(const AppRoot& root, size_t keep);

}  // namespace tidegate::reconciler
