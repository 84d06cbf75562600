#include "shared/archive/archive.hpp"

#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <poll.h>
#include <sys/stat.h>

#include <vector>

namespace tidegate::shared {

namespace {

constexpr size_t kLongestName = 4096;
constexpr size_t kPiece = 256 << 10;
// Attack 40. gzip packs 1 to 1032 at most; nothing that a person releases comes near that.
constexpr std::uint64_t kHighestRatio = 300;
constexpr std::uint64_t kHeaders = 16 << 10;  // of one entry, long names and padding among them
constexpr std::uint64_t kAnyRatioBelow = 256ULL << 20;

using Reader = Handle<archive, archive_read_free>;

// libarchive converts names by the thread's locale, and a daemon's is "C": names in UTF-8 would be faults.
class Utf8Names {
  public:
    Utf8Names() : utf8_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
        if (utf8_ != nullptr) before_ = uselocale(utf8_);
    }
    ~Utf8Names() {
        if (utf8_ == nullptr) return;
        uselocale(before_);
        freelocale(utf8_);
    }
    Utf8Names(const Utf8Names&) = delete;
    Utf8Names& operator=(const Utf8Names&) = delete;

  private:
    locale_t utf8_;
    locale_t before_ = nullptr;
};

tl::unexpected<Error> bad(const std::string& why, std::string_view name = {}) {
    return fail(ErrorKind::Invalid,
                "the archive " + why + (name.empty() ? "" : ": " + escape_foreign(name.substr(0, 200))));
}

// "cannot be read: …"; anything but OK is fatal, a warning too.
tl::unexpected<Error> unreadable(archive* reader) {
    const char* text = archive_error_string(reader);
    return bad("cannot be read: " + escape_foreign(text == nullptr ? "it is damaged" : text));
}

Result<void> check_cancelled(int cancel_fd) {
    pollfd cancel{cancel_fd, POLLIN, 0};
    if (cancel_fd >= 0 && ::poll(&cancel, 1, 0) > 0) return fail(ErrorKind::Cancelled, "cancelled");
    return {};
}

Result<ArchiveEntry::Type> type_of(archive_entry* entry, const char* name) {
    if (archive_entry_hardlink(entry) != nullptr) return ArchiveEntry::Type::HardLink;
    switch (archive_entry_filetype(entry)) {
        case AE_IFREG: return ArchiveEntry::Type::File;
        case AE_IFDIR: return ArchiveEntry::Type::Folder;
        case AE_IFLNK: return ArchiveEntry::Type::SymbolicLink;
        default: return bad("holds something that is no file, folder or link", name);
    }
}

class ArchiveWalk {
  public:
    ArchiveWalk(archive* reader, std::uint64_t packed, const ArchiveLimits& limits, int cancel_fd,
                const ArchiveVisitor& visitor)
        : reader_(reader),
          packed_(packed),
          limits_(limits),
          cancel_fd_(cancel_fd),
          visitor_(visitor),
          piece_(kPiece) {}

    Result<void> walk() {
        while (true) {
            archive_entry* entry = nullptr;
            const int code = archive_read_next_header(reader_, &entry);
            if (code == ARCHIVE_EOF) break;
            if (code != ARCHIVE_OK) return unreadable(reader_);
            if (++count_ > limits_.entries)
                return bad("holds more than " + std::to_string(limits_.entries) + " entries");
            TRY(check_unpacked(0));
            if (count_ % 64 == 0) TRY(check_cancelled(cancel_fd_));
            TRY(visit(entry));
        }
        return count_ == 0 ? Result<void>(bad("is empty")) : Result<void>();
    }

  private:
    // By what came out of the decompressor so far, headers and padding too, and by what is about to.
    Result<void> check_unpacked(std::uint64_t more) {
        const auto out = archive_filter_bytes(reader_, 0);
        const auto unpacked = std::max(out > 0 ? static_cast<std::uint64_t>(out) : 0, bytes_ + more);
        const auto headers = (count_ + 1) * kHeaders + kPiece;
        if (more > limits_.bytes - bytes_ || unpacked > limits_.bytes + headers)
            return bad("unpacks to more than " + std::to_string(limits_.bytes) + " bytes");
        if (unpacked > most_unpacked(packed_))
            return bad("unpacks to more than " + std::to_string(kHighestRatio) + " times its size");
        return {};
    }

    Result<ArchiveEntry> read_entry(archive_entry* entry) {
        const char* name = archive_entry_pathname(entry);
        if (name == nullptr) return bad("holds a name that cannot be read");
        ArchiveEntry out;
        out.type = TRY(type_of(entry, name));
        out.path = TRY(archive_path(name));
        const auto mode = archive_entry_perm(entry);
        if (out.type == ArchiveEntry::Type::HardLink) {
            out.target = TRY(archive_path(archive_entry_hardlink(entry)));
        } else if (out.type == ArchiveEntry::Type::SymbolicLink) {
            const char* text = archive_entry_symlink(entry);
            if (text == nullptr || *text == '\0') return bad("holds a link to nowhere", name);
            out.target = text;
            if (out.target.size() > kLongestName) return bad("holds a link that is too long", name);
        } else if (out.type == ArchiveEntry::Type::File) {
            if ((mode & (S_ISUID | S_ISGID)) != 0) return bad("holds a file with setuid or setgid", name);
            if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0)
                return bad("does not say how long a file is", name);
            out.size = static_cast<std::uint64_t>(archive_entry_size(entry));
            out.executable = (mode & S_IXUSR) != 0;
            if (out.size > limits_.file_bytes)
                return bad("holds a file of more than " + std::to_string(limits_.file_bytes) + " bytes",
                           name);
        }
        if (archive_entry_is_encrypted(entry)) return bad("is encrypted", name);
        return out;
    }

    Result<void> visit(archive_entry* raw) {
        const auto entry = TRY(read_entry(raw));
        if (entry.path.empty()) return {};
        if (entry.type == ArchiveEntry::Type::File) {
            TRY(check_unpacked(entry.size));
            bytes_ += entry.size;
        }
        const auto take = TRY(visitor_.entry(entry));
        if (entry.type != ArchiveEntry::Type::File || take == Take::Nothing) return {};
        TRY(read_content(entry));
        return visitor_.end_of_file();
    }

    // Holes of sparse files come as zeros.
    Result<void> read_content(const ArchiveEntry& entry) {
        std::uint64_t left = entry.size;
        while (true) {
            const auto got = archive_read_data(reader_, piece_.data(), piece_.size());
            if (got < 0) return unreadable(reader_);
            if (got == 0) break;
            const auto size = static_cast<size_t>(got);
            if (size > left) return bad("holds more of a file than it says", entry.path);
            left -= size;
            TRY(visitor_.content(std::string_view(piece_.data(), size)));
            TRY(check_cancelled(cancel_fd_));
        }
        if (left > 0) return bad("holds less of a file than it says", entry.path);
        return {};
    }

    archive* reader_;
    std::uint64_t packed_;
    const ArchiveLimits& limits_;
    int cancel_fd_;
    const ArchiveVisitor& visitor_;
    std::vector<char> piece_;
    std::uint64_t count_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace

std::uint64_t most_unpacked(std::uint64_t packed) {
    return std::max(kAnyRatioBelow, (packed + 1) * kHighestRatio);
}

Result<std::string> archive_path(std::string_view name) {
    if (name.size() > kLongestName) return bad("holds a name of more than 4096 bytes", name);
    if (name.starts_with('/')) return bad("holds an absolute name", name);
    std::string path;
    for (const auto part : split(name, '/')) {
        if (part.empty() || part == ".") continue;
        if (part == "..") return bad("holds a name with `..`", name);
        if (!path.empty()) path += '/';
        path += part;
    }
    return path;
}

Result<void> read_archive(int fd, const ArchiveLimits& limits, int cancel_fd, const ArchiveVisitor& visitor) {
    struct stat info {};
    if (fstat(fd, &info) != 0) return fail_errno("cannot read the archive");
    const Utf8Names names;
    const Reader reader(archive_read_new());
    if (!reader) return fail(ErrorKind::Transient, "out of memory");
    bool good = true;
    for (const auto support :
         {archive_read_support_filter_gzip, archive_read_support_filter_zstd, archive_read_support_filter_xz,
          archive_read_support_format_tar, archive_read_support_format_zip})
        good = good && support(reader.get()) == ARCHIVE_OK;
    if (!good || archive_read_open_fd(reader.get(), fd, kPiece) != ARCHIVE_OK)
        return fail(ErrorKind::Invalid, "no archive that can be read here",
                    "tar, plain or with gzip, zstd or xz; or zip");
    const auto packed = static_cast<std::uint64_t>(info.st_size);
    return ArchiveWalk(reader.get(), packed, limits, cancel_fd, visitor).walk();
}

}  // namespace tidegate::shared
