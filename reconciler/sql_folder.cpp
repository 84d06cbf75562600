#include "reconciler/sql_folder.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kLongestFile = 16 << 20;
constexpr size_t kMostFiles = 20'000;
constexpr size_t kMostDigits = 18;
constexpr size_t kLongestName = 120;
constexpr std::string_view kMark = "\xEF\xBB\xBF";  // a byte order mark

bool ends_in_sql(const std::string& file) {
    if (file.size() < 4) return false;
    auto end = file.substr(file.size() - 4);
    for (auto& c : end) c = static_cast<char>(c | 0x20);
    return end == ".sql" && file[file.size() - 4] == '.';
}

Error in_file(const std::string& folder, const std::string& file, Error error) {
    if (!error.where) error.where = Where{folder + "/" + escape_foreign(file), 0, 0, {}, 1};
    return error;
}

Result<std::string> read_bounded(int release, const std::string& folder, const std::string& file) {
    const auto path = folder + "/" + file;
    const auto fd = open_beneath(release, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat facts {};
    if (!fd || fstat(fd->get(), &facts) != 0 || !S_ISREG(facts.st_mode))
        return fail(ErrorKind::Invalid,
                    "not a plain file, and links are not followed: " + escape_foreign(path));
    if (facts.st_size > static_cast<off_t>(kLongestFile))
        return fail(ErrorKind::Invalid, "over 16 MiB: " + escape_foreign(path),
                    "data of that size is better loaded by a command: migrate: {up: …}");
    return read_fd(fd->get(), kLongestFile, path);
}

// The two files of one number.
struct Pair {
    std::string up;
    std::string down;
};

Result<std::map<std::int64_t, Pair>> pairs_of(const std::vector<std::string>& files,
                                              const std::string& folder) {
    std::map<std::int64_t, Pair> pairs;
    for (const auto& file : files) {
        if (!ends_in_sql(file)) continue;
        const auto parsed = parse_sql_file_name(file);
        if (!parsed) return fail(in_file(folder, file, parsed.error()));
        auto& pair = pairs[parsed->version];
        auto& mine = parsed->up ? pair.up : pair.down;
        const auto& other = parsed->up ? pair.down : pair.up;
        if (!mine.empty() || (!other.empty() && other != parsed->name))
            return fail(in_file(folder, file,
                                Error{ErrorKind::Invalid,
                                      "the number " + std::to_string(parsed->version) + " is also that of " +
                                          (mine.empty() ? other : mine),
                                      "give one of them a number of its own",
                                      {},
                                      {}}));
        mine = parsed->name;
    }
    return pairs;
}

}  // namespace

Result<SqlFileName> parse_sql_file_name(const std::string& file) {
    const auto wrong = [](std::string what) {
        return fail(ErrorKind::Invalid, std::move(what),
                    "name it as 003_add_email.up.sql and 003_add_email.down.sql");
    };
    SqlFileName out;
    for (const auto& [end, up] : {std::pair(".up.sql", true), std::pair(".down.sql", false)}) {
        if (!file.ends_with(end)) continue;
        out.name = file.substr(0, file.size() - std::string_view(end).size());
        out.up = up;
    }
    if (out.name.empty()) return wrong("neither the way up nor the way down");
    const auto digits = out.name.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string::npos || out.name[digits] != '_' ||
        digits + 1 == out.name.size())
        return wrong("the name does not begin with a number, _ and a word");
    if (digits > kMostDigits || out.name.size() > kLongestName) return wrong("the name is too long");
    if (!std::all_of(out.name.begin(), out.name.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                   c == '-' || c == '.';
        }))
        return wrong("the name has other characters than letters, digits, _ - and .");
    for (const char c : out.name.substr(0, digits)) out.version = out.version * 10 + (c - '0');
    return out;
}

Result<std::string> read_sql_file(int release, const std::string& folder, const std::string& file) {
    auto text = TRY(read_bounded(release, folder, file));
    if (text.starts_with(kMark)) text.erase(0, kMark.size());
    return text;
}

Result<std::vector<SqlMigration>> read_sql_folder(int release, const std::string& folder) {
    const auto opened = open_beneath(release, folder, O_RDONLY | O_DIRECTORY);
    if (!opened)
        return fail(
            opened.error().kind == ErrorKind::NotFound ? ErrorKind::NotFound : ErrorKind::Invalid,
            "the release has no folder of migrations " + escape_foreign(folder) + " (links are not followed)",
            "`migrate: {sql: {folder: …}}` is a path of the release");
    const auto files = TRY(list_dir(opened->get()));
    if (files.size() > kMostFiles)
        return fail(ErrorKind::Invalid, "over 20,000 files in " + escape_foreign(folder));
    std::vector<SqlMigration> found;
    for (const auto& [version, pair] : TRY(pairs_of(files, folder))) {
        if (pair.up.empty())
            return fail(in_file(folder, pair.down + ".down.sql",
                                Error{ErrorKind::Invalid,
                                      "a way down without its way up",
                                      "add " + pair.down + ".up.sql",
                                      {},
                                      {}}));
        SqlMigration migration{version, pair.up, "", !pair.down.empty()};
        migration.checksum = sha256_hex(TRY(read_bounded(release, folder, migration.up_file())));
        found.push_back(std::move(migration));
    }
    if (found.empty())
        return fail(
            ErrorKind::Invalid, "no migration lies in " + escape_foreign(folder),
            "they are named as 001_first.up.sql; take `sql` out of the manifest where there are none");
    return found;
}

}  // namespace tidegate::reconciler
