// The tables of STATE/state.db and the way from every older form of them to this one. The file's `PRAGMA
// user_version` says which form it has.
#pragma once

#include "reconciler/database.hpp"

#include <string>

namespace tidegate::reconciler {

inline constexpr int kSchemaVersion = 4;

// Opens or creates the database and brings it to kSchemaVersion in one transaction: killed in the middle, it is as it
// was. Unsupported for one of a newer version, which is not touched; Broken for one that is damaged.
[[nodiscard]] Result<Database> open_journal_database(const std::string& path);

}  // namespace tidegate::reconciler
