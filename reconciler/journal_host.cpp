// What is remembered of the host itself. The accepted revision lies twice: in the database and in the file
// STATE/accepted, "<count> <revision> <ms> <saved ms> <signer>\n", so that a lost database does not open the
// way back to an older revision.
#include "reconciler/journal.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <charconv>

namespace tidegate::reconciler {

using namespace shared;

namespace {

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

std::string encode(const Accepted& accepted) {
    return std::to_string(accepted.count) + " " + accepted.revision.str() + " " +
           std::to_string(accepted.at.time_since_epoch().count()) + " " + accepted.signer;
}

// nullopt for what is torn: the other copy counts then.
std::optional<Accepted> decode(std::string_view text) {
    const auto parts = split(trim(text), ' ');
    if (parts.size() < 3) return std::nullopt;
    const auto count = number(parts[0]);
    const auto revision = Oid::parse(parts[1]);
    const auto at = number(parts[2]);
    if (!count || !revision || !at) return std::nullopt;
    return Accepted{*revision, parts.size() > 3 ? std::string(parts[3]) : std::string(), *count,
                    WallTime(Duration(*at))};
}

}  // namespace

Result<std::optional<std::string>> Journal::fact(std::string_view key) {
    return database_.first(
        "SELECT value FROM facts WHERE key=?", [](const Row& row) { return row.text(0); }, key);
}

Result<void> Journal::set_fact(std::string_view key, const std::string& value) {
    return database_.run("INSERT OR REPLACE INTO facts VALUES(?,?)", key, value);
}

Result<std::optional<Accepted>> Journal::accepted() {
    const std::lock_guard lock(mutex_);
    std::optional<Accepted> best;
    if (const auto text = TRY(fact("accepted"))) best = decode(*text);
    const auto path = folder_ + "/accepted";
    const auto recorded = best ? best->count : 0;
    std::int64_t copied = 0;
    if (exists(path)) {
        const auto copy = decode(TRY(read_file(path, 4096)));
        if (copy) copied = copy->count;
        if (!copy && !best)
            return fail(
                ErrorKind::Broken,
                path + " cannot be read, and the journal does not know the accepted revision",
                "write the commit that this host last accepted into trust.accept, and remove the file");
        if (copy && (!best || copy->count > best->count)) best = copy;
    }
    // A copy that is lost or behind is made again, so that the other may be lost tomorrow. Another time will do.
    if (best && recorded < best->count) (void)set_fact("accepted", encode(*best));
    if (best && copied < best->count) (void)write_file_atomic(path, encode(*best) + "\n", 0600);
    return best;
}

Result<void> Journal::accept(const Oid& revision, const std::string& signer, WallTime now) {
    Accepted next{revision, signer, 1, now};
    if (const auto before = TRY(accepted())) next.count = before->count + 1;
    const std::lock_guard lock(mutex_);
    // The file first: a crash between the two leaves the later one in the file, and the later one wins.
    TRY(write_file_atomic(folder_ + "/accepted", encode(next) + "\n", 0600));
    return set_fact("accepted", encode(next));
}

Result<std::optional<WallTime>> Journal::saved_time() {
    return time_of("time");
}

Result<std::optional<WallTime>> Journal::heard() {
    return time_of("heard");
}

Result<void> Journal::save_heard(WallTime time) {
    const std::lock_guard lock(mutex_);
    return set_fact("heard", std::to_string(time.time_since_epoch().count()));
}

Result<std::optional<WallTime>> Journal::time_of(std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto text = TRY(fact(key));
    const auto ms = text ? number(*text) : std::nullopt;
    if (!ms) return std::nullopt;
    return WallTime(Duration(*ms));
}

Result<void> Journal::save_time(WallTime time) {
    const std::lock_guard lock(mutex_);
    return set_fact("time", std::to_string(time.time_since_epoch().count()));
}

Result<void> Journal::child_started(std::int64_t deployment, const ChildRow& child) {
    const std::lock_guard lock(mutex_);
    return database_.run("INSERT OR REPLACE INTO children VALUES(?,?,?,?)", deployment,
                         static_cast<std::int64_t>(child.pid), static_cast<std::int64_t>(child.start_ticks),
                         child.boot);
}

Result<void> Journal::child_ended(std::int64_t deployment) {
    const std::lock_guard lock(mutex_);
    return database_.run("DELETE FROM children WHERE deployment=?", deployment);
}

Result<std::vector<ChildRow>> Journal::children() {
    const std::lock_guard lock(mutex_);
    return database_.all("SELECT pid, start_ticks, boot FROM children", [](const Row& row) {
        return ChildRow{static_cast<pid_t>(row.integer(0)), static_cast<std::uint64_t>(row.integer(1)),
                        row.text(2)};
    });
}

Result<void> Journal::forget_children() {
    const std::lock_guard lock(mutex_);
    return database_.run("DELETE FROM children");
}

}  // namespace tidegate::reconciler
