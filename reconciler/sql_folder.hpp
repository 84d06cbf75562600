// A release's folder of migrations: NNN_name.up.sql and NNN_name.down.sql.
#pragma once

#include "manifests/manifest.hpp"
#include "shared/base/error.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tidegate::reconciler {

struct SqlMigration {
    std::int64_t version = 0;
    std::string name;      // "003_add_email"
    std::string checksum;  // SHA-256 of the up file
    bool down = false;     // it has a way back

    [[nodiscard]] std::string up_file() const { return name + ".up.sql"; }
    [[nodiscard]] std::string down_file() const { return name + ".down.sql"; }
};

// What is in `folder` of the release behind the descriptor, by version. Files that do not end in .sql are left out.
// Invalid, with the file: a name that is none of the two, a number twice, a down file without its up file, a link or
// folder in a file's place, over 16 MiB, no migration at all. NotFound where there is no such folder; a link on the
// way to it is refused.
[[nodiscard]] Result<std::vector<SqlMigration>> read_sql_folder(int release, const std::string& folder);

// Of a name of a file: version and whether it is the way up; Invalid with the mend.
struct SqlFileName {
    std::int64_t version = 0;
    std::string name;
    bool up = true;
};
[[nodiscard]] Result<SqlFileName> parse_sql_file_name(const std::string& file);

// A file's text, without a byte order mark.
[[nodiscard]] Result<std::string> read_sql_file(int release, const std::string& folder,
                                                const std::string& file);

}  // namespace tidegate::reconciler
