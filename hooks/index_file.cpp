#include "hooks/index_file.hpp"

#include "shared/base/text.hpp"

#include <cstring>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr std::uint16_t kExtended = 0x4000;
constexpr std::uint16_t kIntentToAdd = 0x2000;  // in the second flags word
constexpr std::uint32_t kModeFolder = 0040000;  // a sparse index's entry for a whole folder

tl::unexpected<Error> broken(std::string_view what) {
    return fail(ErrorKind::Broken, "git's index cannot be read: " + std::string(what), "see: git fsck");
}

// Big-endian numbers from a text, with one question about the end asked by whoever reads.
class Bytes {
  public:
    explicit Bytes(std::string_view text) : text_(text) {}
    [[nodiscard]] size_t left() const { return text_.size() - at_; }
    [[nodiscard]] size_t at() const { return at_; }
    std::string_view take(size_t count) {
        const auto part = text_.substr(at_, count);
        at_ += part.size();
        return part;
    }
    std::uint32_t number(size_t width) {
        std::uint32_t value = 0;
        for (const char byte : take(width)) value = value << 8 | static_cast<unsigned char>(byte);
        return value;
    }
    // Up to the next `end`, which is taken too; nothing where there is none.
    std::optional<std::string_view> until(char end) {
        const auto found = text_.find(end, at_);
        if (found == std::string_view::npos) return std::nullopt;
        const auto part = text_.substr(at_, found - at_);
        at_ = found + 1;
        return part;
    }

  private:
    std::string_view text_;
    size_t at_ = 0;
};

// The length a version 4 entry takes off the name before it: git's variable-width integer with offset.
std::optional<size_t> read_offset(Bytes& bytes) {
    size_t value = 0;
    for (int i = 0; i < 8; ++i) {
        if (bytes.left() == 0) return std::nullopt;
        const auto byte = bytes.number(1);
        value = i == 0 ? byte & 127 : ((value + 1) << 7) | (byte & 127);
        if ((byte & 128) == 0) return value;
    }
    return std::nullopt;
}

// The root of the cache-tree extension: "\0", number of entries in ASCII (-1: not valid), " ", subtrees, "\n", oid.
std::optional<Oid> root_of_cache_tree(std::string_view text, size_t oid_size) {
    Bytes bytes(text);
    const auto path = bytes.until('\0');
    const auto count = bytes.until(' ');
    if (!path || !path->empty() || !count || count->starts_with('-')) return std::nullopt;
    if (!bytes.until('\n') || bytes.left() < oid_size) return std::nullopt;
    auto oid = Oid::parse(hex(bytes.take(oid_size)));
    return oid ? std::optional(*oid) : std::nullopt;
}

Result<void> read_extensions(Bytes& bytes, size_t oid_size, IndexFile& index) {
    while (bytes.left() > oid_size) {
        if (bytes.left() < 8 + oid_size) return broken("an extension is cut off");
        const auto name = bytes.take(4);
        const auto size = bytes.number(4);
        if (size > bytes.left() - oid_size) return broken("an extension is cut off");
        const auto body = bytes.take(size);
        if (name == "TREE") index.tree = root_of_cache_tree(body, oid_size);
        if (name[0] < 'A' || name[0] > 'Z')
            return fail(ErrorKind::Unsupported, "git's index has the extension " + escape_foreign(name));
    }
    return {};
}

}  // namespace

Result<IndexFile> parse_index(std::string_view text, bool sha256) {
    const size_t oid_size = sha256 ? 32 : 20;
    Bytes bytes(text);
    if (text.size() < 12 + oid_size || bytes.take(4) != "DIRC") return broken("it is no index");
    const auto version = bytes.number(4);
    if (version < 2 || version > 4)
        return fail(ErrorKind::Unsupported, "git's index is of version " + std::to_string(version));
    const auto count = bytes.number(4);
    if (count > text.size() / (42 + oid_size)) return broken("it is cut off");

    IndexFile index;
    index.entries.reserve(count);
    std::string previous;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto begin = bytes.at();
        if (bytes.left() < 42 + oid_size + 2) return broken("it is cut off");
        (void)bytes.take(24);
        const auto mode = bytes.number(4);
        (void)bytes.take(12);
        const auto oid = bytes.take(oid_size);
        const auto flags = bytes.number(2);
        const auto more = (flags & kExtended) != 0 && version >= 3 ? bytes.number(2) : 0U;
        if (mode == kModeFolder) return fail(ErrorKind::Unsupported, "git's index is sparse");

        std::string path;
        if (version == 4) {
            const auto cut = read_offset(bytes);
            const auto rest = bytes.until('\0');
            if (!cut || *cut > previous.size() || !rest) return broken("a path is wrong");
            path = previous.substr(0, previous.size() - *cut) + std::string(*rest);
            previous = path;
        } else {
            const auto name = bytes.until('\0');
            if (!name) return broken("a path is wrong");
            path = *name;
            const auto length =
                bytes.at() - 1 - begin;  // without the NUL: padded to a multiple of 8, one NUL at least
            (void)bytes.take(7 - length % 8);
        }
        if ((flags >> 12 & 3) != 0) {
            if (index.unmerged.empty() || index.unmerged.back() != path)
                index.unmerged.push_back(std::move(path));
        } else if ((more & kIntentToAdd) != 0) {
            index.intent_to_add = true;
        } else {
            index.entries.push_back(
                {std::move(path), static_cast<FileMode>(mode), TRY(Oid::parse(hex(oid)))});
        }
    }
    TRY(read_extensions(bytes, oid_size, index));
    return index;
}

}  // namespace tidegate::hooks
