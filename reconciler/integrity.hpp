// What a finished release holds, file by file: written when the release is complete, kept outside of it below
// STATE/integrity/<app>/, where no release's code can write. A release folder of ours without its record is not
// complete (a crash in its build) and must be staged again.
#pragma once

#include "reconciler/release_id.hpp"
#include "shared/base/fd.hpp"
#include "shared/base/names.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

// What fstat(2) says of a file, so that an untouched file need not be read. The change time counts only where
// the file has one name: a hard link made or removed changes it too.
struct Fingerprint {
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    std::uint32_t mode = 0;
    bool single_link = true;

    [[nodiscard]] static Fingerprint of(const struct stat& info);
    // Whether a file that had this fingerprint and now has `now` is untouched.
    [[nodiscard]] bool matches(const Fingerprint& now) const;
};

enum class Origin {
    Git,    // `digest` is a git blob id: the mirror has the content
    Build,  // `digest` is the SHA-256 of what the build made
    Link,   // a symbolic link; `digest` is its text in hexadecimal
};

struct IntegrityEntry {
    std::string path;
    Origin origin = Origin::Git;
    std::string digest;  // hex
    Fingerprint print;
};

struct IntegrityRecord {
    shared::Oid commit;
    shared::Oid tree;
    bool built = false;                   // build steps ran in it
    bool writable = false;                // its files belong to the app's user; never hard linked
    std::vector<IntegrityEntry> entries;  // sorted by path
};

// Records of large releases are kept in pieces of some hundred entries, named by their content: releases that share
// files share the pieces that tell of them.
class IntegrityStore {
  public:
    // Below STATE; makes STATE/integrity/<app> (0700) when the first record is saved.
    IntegrityStore(std::string state, std::string app);

    // Atomic, with a checksum at its end and one of each piece; on disk when it returns. Everything in the file system
    // of `release`, where that is given, is on disk before the record is.
    [[nodiscard]] Result<void> save(const ReleaseId& id, const IntegrityRecord& record,
                                    const shared::Fd* release = nullptr) const;
    // nullopt where there is none; Broken where it is torn or not ours.
    [[nodiscard]] Result<std::optional<IntegrityRecord>> load(const ReleaseId& id) const;
    // Some of a record's entries, `most` or a piece more: `from` is 0, or `next` of the part before.
    struct Part {
        IntegrityRecord record;
        size_t next = 0;  // 0: it was the last
    };
    [[nodiscard]] Result<std::optional<Part>> part(const ReleaseId& id, size_t from, size_t most) const;
    // Whether a good record is there: the release was finished.
    [[nodiscard]] bool complete(const ReleaseId& id) const;
    // With the pieces that nobody else needs.
    [[nodiscard]] Result<void> forget(const ReleaseId& id) const;

  private:
    [[nodiscard]] Result<std::optional<std::string>> text_of(const ReleaseId& id) const;
    [[nodiscard]] Result<std::string> keep_pieces(int folder,
                                                  const std::vector<IntegrityEntry>& entries) const;
    [[nodiscard]] Result<std::string> keep_piece(int folder, const IntegrityEntry* first,
                                                 const IntegrityEntry* last) const;
    [[nodiscard]] Result<void> write_piece(int folder, const std::string& digest,
                                           const std::string& text) const;
    [[nodiscard]] Result<void> drop_pieces(int folder) const;

    std::string folder_;
};

}  // namespace tidegate::reconciler
