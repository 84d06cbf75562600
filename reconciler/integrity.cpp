#include "reconciler/integrity.hpp"

#include "reconciler/parallel.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace tidegate::reconciler {

using namespace shared;

namespace {

// One line of header; then items that end with NUL (a path may hold a newline), each an entry or "c DIGEST 1|2", which
// stands for a piece, the file `piece-DIGEST` of such entries; then the SHA-256 of all that. After a 2, all files of the
// piece were hard links when it was written, whatever its entries say.
constexpr std::string_view kMagic = "tidegate-integrity 2";
constexpr size_t kLargest = 512 << 20;
constexpr size_t kDigestDigits = 64;
const std::string kPiece = "piece-";
// Up to this many entries a record is one file.
constexpr size_t kSmall = 1024;
constexpr size_t kShortestPiece = 128;
constexpr size_t kLongestPiece = 1024;
constexpr size_t kPiecesOfOneThread = 8;  // fewer are not worth a thread
constexpr std::uint32_t kOneIn = 256;     // paths that a piece ends with

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

void render(const IntegrityEntry& entry, bool single_link, std::string& text) {
    const auto& print = entry.print;
    text += letter(entry.origin);
    for (const auto& field :
         {entry.digest, std::to_string(print.mode), std::to_string(print.size), std::to_string(print.inode),
          std::to_string(print.modified_ns), std::to_string(print.changed_ns)})
        (text += ' ') += field;
    text += single_link ? " 1 " : " 2 ";
    text += entry.path;
    text += '\0';
}

std::string header_of(const IntegrityRecord& record) {
    return std::string(kMagic) + " " + record.commit.str() + " " + record.tree.str() + " " +
           (record.built ? "built" : "plain") + " " + (record.writable ? "writable" : "fixed") + "\n";
}

// FNV-1a: where pieces end depends on the names alone, so that a new file moves the end of its own piece only.
bool ends_piece(const std::string& path) {
    std::uint32_t hash = 2166136261U;
    for (const char c : path) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return (hash >> 8) % kOneIn == 0;
}

// The end of the piece that begins at `first`.
size_t piece_end(const std::vector<IntegrityEntry>& entries, size_t first) {
    const auto longest = std::min(entries.size(), first + kLongestPiece);
    for (auto at = std::min(longest, first + kShortestPiece); at < longest; ++at)
        if (ends_piece(entries[at].path)) return at + 1;
    return longest;
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

// The items of a whole record behind its header; nullopt where it is torn or changed.
std::optional<std::string_view> items_of(std::string_view text, IntegrityRecord& record) {
    if (text.size() < kDigestDigits) return std::nullopt;
    const auto digest = text.substr(text.size() - kDigestDigits);
    text.remove_suffix(kDigestDigits);
    if (sha256_hex(text) != digest) return std::nullopt;
    const auto newline = text.find('\n');
    if (newline == std::string_view::npos || !read_header(text.substr(0, newline), record))
        return std::nullopt;
    return text.substr(newline + 1);
}

std::optional<std::string_view> take_item(std::string_view& items) {
    const auto end = items.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const auto item = items.substr(0, end);
    items.remove_prefix(end + 1);
    return item;
}

struct PieceName {
    std::string digest;
    bool linked = false;
};
std::optional<PieceName> piece_of(std::string_view item) {
    if (!item.starts_with("c ")) return std::nullopt;
    item.remove_prefix(2);
    const auto digest = take_word(item);
    return PieceName{std::string(digest), item == "2"};
}

bool one_file_system(int one, int other) {
    struct stat a {};
    struct stat b {};
    return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev;
}

bool read_piece(const std::string& folder, const PieceName& piece, IntegrityRecord& record) {
    const auto text = read_file(folder + "/" + kPiece + piece.digest, kLargest);
    if (!text || sha256_hex(*text) != piece.digest) return false;
    for (std::string_view rest = *text; !rest.empty();) {
        const auto item = take_item(rest);
        IntegrityEntry entry;
        if (!item || !read_entry(*item, entry)) return false;
        if (piece.linked) entry.print.single_link = false;
        record.entries.push_back(std::move(entry));
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

// A file's text is the same as in the release that it was shared from: so the pieces are.
Result<void> IntegrityStore::save(const ReleaseId& id, const IntegrityRecord& record,
                                  const Fd* release) const {
    const auto doing = "recording what the release " + id.str() + " holds";
    TRY(make_dirs(folder_, 0700));
    const Fd folder = TRY(open_dir(folder_));
    auto text = header_of(record);
    const bool small = record.entries.size() <= kSmall;
    if (small)
        for (const auto& entry : record.entries) render(entry, entry.print.single_link, text);
    else
        text += TRY(during(doing, keep_pieces(folder.get(), record.entries)));
    if (release != nullptr) TRY(during(doing, sync_file_system(release->get(), "the release " + id.str())));
    if (!small && (release == nullptr || !one_file_system(release->get(), folder.get())))
        TRY(during(doing, sync_file_system(folder.get(), folder_)));
    return during(doing, write_file_atomic(folder.get(), id.str(), text + sha256_hex(text), 0600));
}

// Gives the lines that stand for them.
Result<std::string> IntegrityStore::keep_pieces(int folder,
                                                const std::vector<IntegrityEntry>& entries) const {
    std::vector<size_t> ends{0};
    while (ends.back() < entries.size()) ends.push_back(piece_end(entries, ends.back()));
    const size_t pieces = ends.size() - 1;
    std::vector<Result<std::string>> lines(pieces);
    const size_t threads = threads_for(pieces, kPiecesOfOneThread);
    in_parallel(threads, [&](size_t part) {
        for (size_t i = part; i < pieces; i += threads)
            lines[i] = keep_piece(folder, entries.data() + ends[i], entries.data() + ends[i + 1]);
    });
    std::string text;
    for (auto& line : lines) text += TRY(std::move(line));
    return text;
}

Result<std::string> IntegrityStore::keep_piece(int folder, const IntegrityEntry* first,
                                               const IntegrityEntry* last) const {
    const bool linked =
        std::none_of(first, last, [](const IntegrityEntry& entry) { return entry.print.single_link; });
    std::string piece;
    for (const auto* entry = first; entry != last; ++entry)
        render(*entry, linked || entry->print.single_link, piece);
    const auto digest = sha256_hex(piece);
    TRY(write_piece(folder, digest, piece));
    return "c " + digest + (linked ? " 2" : " 1") + std::string(1, '\0');
}

// One that is there may have been torn by a power cut before anybody named it.
Result<void> IntegrityStore::write_piece(int folder, const std::string& digest,
                                         const std::string& text) const {
    const auto name = kPiece + digest;
    const auto there = read_file(folder_ + "/" + name, kLargest);
    if (there && *there == text) return {};
    TRY(remove_tree(folder, name));
    const Fd fd(openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return fail_errno("cannot write " + name);
    return write_all(fd.get(), text, name);
}

Result<std::optional<std::string>> IntegrityStore::text_of(const ReleaseId& id) const {
    auto text = read_file(folder_ + "/" + id.str(), kLargest);
    if (text) return std::optional<std::string>(std::move(*text));
    if (text.error().kind == ErrorKind::NotFound) return std::optional<std::string>();
    return fail(std::move(text.error()));
}

Result<std::optional<IntegrityStore::Part>> IntegrityStore::part(const ReleaseId& id, size_t from,
                                                                 size_t most) const {
    const auto text = TRY(text_of(id));
    if (!text) return std::optional<Part>();
    const auto broken = [&] {
        return fail(ErrorKind::Broken,
                    "the record of the release " + id.str() + " is damaged: " + folder_ + "/" + id.str(),
                    "remove it: the release is then staged again");
    };
    Part part;
    auto items = items_of(*text, part.record);
    if (!items) return broken();
    auto& entries = part.record.entries;
    for (size_t at = 0; !items->empty(); ++at) {
        const auto item = take_item(*items);
        if (!item) return broken();
        if (at < from) continue;
        if (const auto piece = piece_of(*item)) {
            if (!read_piece(folder_, *piece, part.record)) return broken();
        } else {
            IntegrityEntry entry;
            if (!read_entry(*item, entry)) return broken();
            entries.push_back(std::move(entry));
        }
        if (entries.size() < most || items->empty()) continue;
        part.next = at + 1;
        break;
    }
    return std::optional<Part>(std::move(part));
}

Result<std::optional<IntegrityRecord>> IntegrityStore::load(const ReleaseId& id) const {
    auto whole = TRY(part(id, 0, SIZE_MAX));
    if (!whole) return std::optional<IntegrityRecord>();
    return std::optional<IntegrityRecord>(std::move(whole->record));
}

bool IntegrityStore::complete(const ReleaseId& id) const {
    const auto record = load(id);
    return record && record->has_value();
}

Result<void> IntegrityStore::forget(const ReleaseId& id) const {
    if (!exists(folder_)) return {};
    const Fd dir = TRY(open_dir(folder_));
    TRY(remove_tree(dir.get(), id.str()));
    TRY(sync_fd(dir.get(), folder_));
    return drop_pieces(dir.get());
}

// Pieces that no record names. One that cannot be read names none: its release is staged again.
Result<void> IntegrityStore::drop_pieces(int folder) const {
    const auto names = TRY(list_dir(folder));
    const auto is_piece = [](const std::string& name) { return name.starts_with(kPiece); };
    if (std::none_of(names.begin(), names.end(), is_piece)) return {};
    std::set<std::string> needed;
    for (const auto& name : names) {
        if (is_piece(name)) continue;
        const auto text = read_file(folder_ + "/" + name, kLargest);
        IntegrityRecord record;
        auto items = text ? items_of(*text, record) : std::nullopt;
        while (items && !items->empty()) {
            const auto item = take_item(*items);
            const auto piece = item ? piece_of(*item) : std::nullopt;
            if (!piece) break;
            needed.insert(kPiece + piece->digest);
        }
    }
    for (const auto& name : names)
        if (is_piece(name) && !needed.contains(name)) TRY(remove_tree(folder, name));
    return {};
}

}  // namespace tidegate::reconciler
