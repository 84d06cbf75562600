// git's index file, read without git: gitformat-index(5), versions 2 to 4, SHA-1 and SHA-256. Kept as the bytes it
// is: fifty thousand entries are walked in less time than it takes to lay them out.
#pragma once

#include "hooks/file_map.hpp"
#include "hooks/tree_entry.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks {

// One entry, as it lies in the file.
struct IndexEntry {
    std::string_view path;  // until the cursor moves on
    FileMode mode = FileMode::File;
    std::string_view
        stat;  // 40 bytes, big-endian: ctime, mtime (seconds, nanoseconds), dev, ino, mode, uid, gid, size
    std::string_view oid;  // raw
    int stage = 0;
    bool intent_to_add = false;
    bool flagged = false;  // assume-unchanged, skip-worktree: git does not look at the file
    size_t begin = 0;      // in the file, with what pads it
    size_t end = 0;

    [[nodiscard]] TreeEntry as_tree_entry() const;
};

class IndexFile {
  public:
    // Unsupported for split and sparse indexes and unknown mandatory extensions; Broken for what is no index.
    [[nodiscard]] static Result<IndexFile> parse(std::string bytes, bool sha256);
    // The same for a file. NotFound where there is none.
    [[nodiscard]] static Result<IndexFile> read(const std::string& path, bool sha256);

    // Entries that are part of the tree: stage 0, intent-to-add left out; sorted by path as git does.
    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] std::vector<TreeEntry> entries() const;
    [[nodiscard]] std::optional<TreeEntry> find(std::string_view path) const;
    // Whether it has `path`, or anything beneath it.
    [[nodiscard]] bool holds(std::string_view path) const;

    [[nodiscard]] const std::vector<std::string>& unmerged() const {
        return unmerged_;
    }  // other stages' paths
    // There are such entries: the cached tree is not to be trusted.
    [[nodiscard]] bool intent_to_add() const { return intent_to_add_; }
    [[nodiscard]] bool flagged() const { return flagged_; }  // any entry is
    [[nodiscard]] std::uint32_t version() const { return version_; }
    [[nodiscard]] std::string_view bytes() const { return bytes_.empty() ? map_.bytes() : bytes_; }
    // Takes what lies before `end` out of memory until it is looked at again.
    void put_aside(size_t end) const { map_.put_aside(end); }
    [[nodiscard]] size_t entries_end() const { return entries_end_; }  // where extensions begin
    [[nodiscard]] const std::vector<TreeEntry>& attributes() const {
        return attributes_;
    }  // .gitattributes files
    // Of the cache-tree extension, where it is valid for the whole.
    [[nodiscard]] const std::optional<shared::Oid>& tree() const { return tree_; }
    // The body of that extension; empty where there is none.
    [[nodiscard]] std::string_view cache_tree() const {
        return bytes().substr(cache_tree_at_, cache_tree_size_);
    }

  private:
    friend class IndexCursor;
    static Result<IndexFile> look_over(IndexFile index, bool sha256);
    Result<void> look_at_entries();
    Result<void> read_extensions(size_t at);

    std::string bytes_;  // or:
    FileMap map_;
    size_t oid_size_ = 20;
    std::uint32_t version_ = 2;
    std::uint32_t count_ = 0;  // of all entries
    size_t size_ = 0;
    std::vector<std::string> unmerged_;
    bool intent_to_add_ = false;
    bool flagged_ = false;
    std::vector<TreeEntry> attributes_;
    std::optional<shared::Oid> tree_;
    size_t entries_end_ = 0;
    size_t cache_tree_at_ = 0;
    size_t cache_tree_size_ = 0;
};

// Walks the entries that are part of the tree.
class IndexCursor {
  public:
    explicit IndexCursor(const IndexFile& file) : file_(file), bytes_(file.bytes()) {}
    // To the next one; false at the end.
    bool next();
    [[nodiscard]] const IndexEntry& entry() const { return entry_; }

  private:
    friend class IndexFile;
    bool step();  // to the next entry of any kind; false at the end, and where the file is broken
    [[nodiscard]] bool at_end() const { return number_ == file_.count_; }

    const IndexFile& file_;
    std::string_view bytes_;
    size_t at_ = 12;
    std::uint32_t number_ = 0;
    std::string path_;  // of version 4, where each path begins with a part of the one before
    IndexEntry entry_;
};

}  // namespace tidegate::hooks
