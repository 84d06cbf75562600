#include "reconciler/integrity.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <charconv>

namespace tidegate::reconciler {

using namespace shared;

namespace {

// One line of header, then entries that end with NUL (a path may hold a newline), then the SHA-256 of all that.
constexpr std::string_view kMagic = "tidegate-integrity 1";
constexpr size_t kLargest = 512 << 20;
constexpr size_t kDigestDigits = 64;

std::int64_t nanoseconds(const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

char letter(Origin origin) {
    switch (origin) {
        case Origin::Git: return 'g';
        case Origin::Build: return 'b';
        case Origin::Link: return 'l';
    }
    return '?';
}

std::optional<Origin> origin_of(std::string_view text) {
    if (text == "g") return Origin::Git;
    if (text == "b") return Origin::Build;
    if (text == "l") return Origin::Link;
    return std::nullopt;
}

template <typename Number>
bool read_number(std::string_view text, Number& number) {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    return code == std::errc() && end == text.data() + text.size();
}

std::string render(const IntegrityRecord& record) {
    std::string text(kMagic);
    text += " " + record.commit.str() + " " + record.tree.str() + " " + (record.built ? "built" : "plain") +
            " " + (record.writable ? "writable" : "fixed") + "\n";
    for (const auto& entry : record.entries) {
        const auto& print = entry.print;
        text += letter(entry.origin);
        for (const auto& field :
             {entry.digest, std::to_string(print.mode), std::to_string(print.size),
              std::to_string(print.inode), std::to_string(print.modified_ns),
              std::to_string(print.changed_ns), std::string(print.single_link ? "1" : "2"), entry.path})
            text += " " + field;
        text += '\0';
    }
    return text + sha256_hex(text);
}

// The next word of `text`, taken from its front.
std::string_view take_word(std::string_view& text) {
    const auto blank = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
    return word;
}

bool read_entry(std::string_view text, IntegrityEntry& entry) {
    const auto origin = origin_of(take_word(text));
    entry.digest = take_word(text);
    auto& print = entry.print;
    const bool numbers =
        read_number(take_word(text), print.mode) && read_number(take_word(text), print.size) &&
        read_number(take_word(text), print.inode) && read_number(take_word(text), print.modified_ns) &&
        read_number(take_word(text), print.changed_ns);
    print.single_link = take_word(text) == "1";
    entry.path = text;
    if (!origin || !numbers || entry.path.empty()) return false;
    entry.origin = *origin;
    return true;
}

bool read_header(std::string_view line, IntegrityRecord& record) {
    if (!line.starts_with(kMagic)) return false;
    line.remove_prefix(std::min(kMagic.size() + 1, line.size()));
    auto commit = Oid::parse(take_word(line));
    auto tree = Oid::parse(take_word(line));
    if (!commit || !tree) return false;
    record.commit = std::move(*commit);
    record.tree = std::move(*tree);
    record.built = take_word(line) == "built";
    record.writable = take_word(line) == "writable";
    return true;
}

bool read_record(std::string_view text, IntegrityRecord& record) {
    if (text.size() < kDigestDigits) return false;
    const auto digest = text.substr(text.size() - kDigestDigits);
    text.remove_suffix(kDigestDigits);
    if (sha256_hex(text) != digest) return false;
    const auto newline = text.find('\n');
    if (newline == std::string_view::npos || !read_header(text.substr(0, newline), record)) return false;
    text.remove_prefix(newline + 1);
    while (!text.empty()) {
        const auto end = text.find('\0');
        if (end == std::string_view::npos) return false;
        IntegrityEntry entry;
        if (!read_entry(text.substr(0, end), entry)) return false;
        record.entries.push_back(std::move(entry));
        text.remove_prefix(end + 1);
    }
    return true;
}

}  // namespace

Fingerprint Fingerprint::of(const struct stat& info) {
    return {info.st_ino,
            static_cast<std::uint64_t>(info.st_size),
            nanoseconds(info.st_mtim),
            nanoseconds(info.st_ctim),
            info.st_mode,
            info.st_nlink == 1};
}

bool Fingerprint::matches(const Fingerprint& now) const {
    const bool same =
        inode == now.inode && size == now.size && modified_ns == now.modified_ns && mode == now.mode;
    return same && (!single_link || !now.single_link || changed_ns == now.changed_ns);
}

IntegrityStore::IntegrityStore(std::string state, std::string app)
    : folder_(std::move(state) + "/integrity/" + std::move(app)) {}

Result<void> IntegrityStore::save(const ReleaseId& id, const IntegrityRecord& record) const {
    TRY(make_dirs(folder_, 0700));
    return during("recording what the release " + id.str() + " holds",
                  write_file_atomic(folder_ + "/" + id.str(), render(record), 0600));
}

Result<std::optional<IntegrityRecord>> IntegrityStore::load(const ReleaseId& id) const {
    const auto text = read_file(folder_ + "/" + id.str(), kLargest);
    if (!text && text.error().kind == ErrorKind::NotFound) return std::optional<IntegrityRecord>();
    if (!text) return fail(text.error());
    IntegrityRecord record;
    if (read_record(*text, record)) return std::optional<IntegrityRecord>(std::move(record));
    return fail(ErrorKind::Broken,
                "the record of the release " + id.str() + " is damaged: " + folder_ + "/" + id.str(),
                "remove it: the release is then staged again");
}

bool IntegrityStore::complete(const ReleaseId& id) const {
    const auto record = load(id);
    return record && record->has_value();
}

Result<void> IntegrityStore::forget(const ReleaseId& id) const {
    if (!exists(folder_)) return {};
    const Fd dir = TRY(open_dir(folder_));
    TRY(remove_tree(dir.get(), id.str()));
    return sync_fd(dir.get(), folder_);
}

}  // namespace tidegate::reconciler
