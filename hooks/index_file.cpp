#include "hooks/index_file.hpp"

#include "shared/base/text.hpp"

#include <algorithm>
#include <cstring>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLargest = 1U << 30;
constexpr size_t kHeader = 12;
constexpr size_t kStat = 40;
constexpr std::uint32_t kLongestInFlags = 0xfff;
constexpr std::uint32_t kExtended = 0x4000;
constexpr std::uint32_t kAssumeValid = 0x8000;
constexpr std::uint32_t kSkipWorktree = 0x4000;  // in the second flags word
constexpr std::uint32_t kIntentToAdd = 0x2000;   // likewise
constexpr std::uint32_t kModeFolder = 0040000;   // a sparse index's entry for a whole folder

tl::unexpected<Error> broken(std::string_view what) {
    return fail(ErrorKind::Broken, "git's index cannot be read: " + std::string(what), "see: git fsck");
}

std::uint32_t big_endian(std::string_view bytes, size_t at, size_t width) {
    std::uint32_t value = 0;
    for (size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
}

// The length a version 4 entry takes off the name before it: git's variable-width integer with offset.
std::optional<size_t> read_offset(std::string_view bytes, size_t& at) {
    size_t value = 0;
    for (int i = 0; i < 8 && at < bytes.size(); ++i) {
        const auto byte = static_cast<unsigned char>(bytes[at++]);
        value = i == 0 ? byte & 127U : ((value + 1) << 7) | (byte & 127U);
        if ((byte & 128U) == 0) return value;
    }
    return std::nullopt;
}

// The root of the cache-tree extension: "\0", number of entries in ASCII (-1: not valid), " ", subtrees, "\n", oid.
std::optional<Oid> root_of_cache_tree(std::string_view text, size_t oid_size) {
    const auto blank = text.find(' ');
    const auto newline = text.find('\n');
    if (text.size() < 2 || text[0] != '\0' || text[1] == '-' || blank == std::string_view::npos ||
        newline == std::string_view::npos || newline < blank || text.size() - newline - 1 < oid_size)
        return std::nullopt;
    auto oid = Oid::parse(hex(text.substr(newline + 1, oid_size)));
    return oid ? std::optional(*oid) : std::nullopt;
}

bool is_attributes(std::string_view path) {
    constexpr std::string_view kName = ".gitattributes";
    return path.ends_with(kName) &&
           (path.size() == kName.size() || path[path.size() - kName.size() - 1] == '/');
}

}  // namespace

TreeEntry IndexEntry::as_tree_entry() const {
    return {std::string(path), mode, Oid::parse(hex(oid)).value_or(Oid())};
}

bool IndexCursor::step() {
    const std::string_view bytes = bytes_;
    const auto begin = at_;
    const auto fixed = kStat + file_.oid_size_ + 2;
    if (at_end() || bytes.size() - begin < fixed + 2 + file_.oid_size_) return false;
    entry_.stat = bytes.substr(begin, kStat);
    const auto mode = big_endian(bytes, begin + 24, 4);
    entry_.mode = static_cast<FileMode>(mode);
    entry_.oid = bytes.substr(begin + kStat, file_.oid_size_);
    const auto flags = big_endian(bytes, begin + fixed - 2, 2);
    auto at = begin + fixed;
    std::uint32_t more = 0;
    if ((flags & kExtended) != 0 && file_.version_ >= 3) {
        more = big_endian(bytes, at, 2);
        at += 2;
    }
    entry_.stage = static_cast<int>(flags >> 12 & 3U);
    entry_.intent_to_add = (more & kIntentToAdd) != 0;
    entry_.flagged = (flags & kAssumeValid) != 0 || (more & kSkipWorktree) != 0;

    if (file_.version_ == 4) {
        const auto cut = read_offset(bytes, at);
        const auto end = bytes.find('\0', at);
        if (!cut || *cut > path_.size() || end == std::string_view::npos) return false;
        path_.resize(path_.size() - *cut);
        path_ += bytes.substr(at, end - at);
        entry_.path = path_;
        at_ = end + 1;
    } else {
        // The flags have the length, as far as it fits.
        const auto length = flags & kLongestInFlags;
        const auto end = length < kLongestInFlags ? at + length : bytes.find('\0', at);
        if (end >= bytes.size() || bytes[end] != '\0') return false;
        entry_.path = bytes.substr(at, end - at);
        at_ = end + 8 - (end - begin) % 8;  // padded to a multiple of 8, one NUL at least
    }
    entry_.begin = begin;
    entry_.end = at_;
    ++number_;
    return at_ <= bytes.size();  // a split index has empty paths
}

bool IndexCursor::next() {
    while (step())
        if (entry_.stage == 0 && !entry_.intent_to_add) return true;
    return false;
}

Result<IndexFile> IndexFile::parse(std::string bytes, bool sha256) {
    IndexFile index;
    index.bytes_ = std::move(bytes);
    return look_over(std::move(index), sha256);
}

Result<IndexFile> IndexFile::read(const std::string& path, bool sha256) {
    IndexFile index;
    index.map_ = TRY(FileMap::open(path, kLargest));
    return look_over(std::move(index), sha256);
}

Result<IndexFile> IndexFile::look_over(IndexFile index, bool sha256) {
    index.oid_size_ = sha256 ? 32 : 20;
    const auto text = index.bytes();
    if (text.size() < kHeader + index.oid_size_ || !text.starts_with("DIRC")) return broken("it is no index");
    index.version_ = big_endian(text, 4, 4);
    if (index.version_ < 2 || index.version_ > 4)
        return fail(ErrorKind::Unsupported, "git's index is of version " + std::to_string(index.version_));
    index.count_ = big_endian(text, 8, 4);
    if (index.count_ > text.size() / (42 + index.oid_size_)) return broken("it is cut off");
    TRY(index.look_at_entries());
    index.put_aside(text.size());
    return index;
}

Result<void> IndexFile::look_at_entries() {
    IndexCursor cursor(*this);
    while (cursor.step()) {
        const auto& entry = cursor.entry();
        if (static_cast<std::uint32_t>(entry.mode) == kModeFolder)
            return fail(ErrorKind::Unsupported, "git's index is sparse");
        flagged_ = flagged_ || entry.flagged;
        if (entry.stage != 0) {
            if (unmerged_.empty() || unmerged_.back() != entry.path) unmerged_.emplace_back(entry.path);
        } else if (entry.intent_to_add) {
            intent_to_add_ = true;
        } else {
            ++size_;
            if (is_attributes(entry.path)) attributes_.push_back(entry.as_tree_entry());
        }
    }
    if (!cursor.at_end()) return broken("it is cut off, or a path is wrong");
    entries_end_ = cursor.at_;
    return read_extensions(entries_end_);
}

Result<void> IndexFile::read_extensions(size_t at) {
    const auto text = bytes();
    while (text.size() - at > oid_size_) {
        if (text.size() - at < 8 + oid_size_) return broken("an extension is cut off");
        const auto name = text.substr(at, 4);
        const size_t size = big_endian(text, at + 4, 4);
        at += 8;
        if (size > text.size() - at - oid_size_) return broken("an extension is cut off");
        if (name == "TREE") {
            tree_ = root_of_cache_tree(text.substr(at, size), oid_size_);
            cache_tree_at_ = at;
            cache_tree_size_ = size;
        }
        if (name[0] < 'A' || name[0] > 'Z')
            return fail(ErrorKind::Unsupported, "git's index has the extension " + escape_foreign(name));
        at += size;
    }
    return {};
}

std::vector<TreeEntry> IndexFile::entries() const {
    std::vector<TreeEntry> all;
    all.reserve(size_);
    for (IndexCursor cursor(*this); cursor.next();) all.push_back(cursor.entry().as_tree_entry());
    return all;
}

std::optional<TreeEntry> IndexFile::find(std::string_view path) const {
    for (IndexCursor cursor(*this); cursor.next() && cursor.entry().path <= path;)
        if (cursor.entry().path == path) return cursor.entry().as_tree_entry();
    return std::nullopt;
}

bool IndexFile::holds(std::string_view path) const {
    for (IndexCursor cursor(*this); cursor.next();) {
        const auto& entry = cursor.entry().path;
        if (entry.starts_with(path) && (entry.size() == path.size() || entry[path.size()] == '/'))
            return true;
    }
    return false;
}

}  // namespace tidegate::hooks
