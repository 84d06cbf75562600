// Writes an index file of version 2 (gitformat-index(5), SHA-1) entry by entry.
#pragma once

#include "hooks/index_file.hpp"
#include "shared/base/fd.hpp"

#include <memory>

namespace tidegate::hooks {

class IndexWriter {
  public:
    // For `path`, which finish() replaces. `count` entries are to follow, sorted by path.
    [[nodiscard]] static Result<IndexWriter> begin(const std::string& path, std::uint32_t count);
    IndexWriter(IndexWriter&&) noexcept;
    IndexWriter& operator=(IndexWriter&&) noexcept;
    ~IndexWriter();

    // Entries as they lie in another index of version 2.
    void copy(std::string_view entries);
    // `stat` and `oid` as they lie in an index file; the mode in `stat` counts.
    void entry(std::string_view stat, std::string_view oid, std::string_view path);
    void cache_tree(std::string_view body);
    // Not brought to disk: after a power cut a snapshot is made anew anyway. A small index is written over the old
    // one: who is killed in that leaves one without its sum.
    [[nodiscard]] Result<void> finish();

  private:
    struct State;
    explicit IndexWriter(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// Whether it ends with the SHA-1 of what it holds, or with none (`index.skipHash`). git itself does not look.
[[nodiscard]] bool has_its_sum(std::string_view index);

}  // namespace tidegate::hooks
