// What an archive, or the layers of an artifact one over the other, unpack to: names only, in memory. What may not be
// in a release is refused while it comes, before anything of it is written anywhere.
#pragma once

#include "shared/archive/archive.hpp"
#include "shared/base/names.hpp"

#include <map>
#include <memory>
#include <string>

namespace tidegate::reconciler {

struct UnpackedNode {
    enum class Kind { Folder, File, Link };
    Kind kind = Kind::Folder;
    bool executable = false;
    shared::Oid blob;    // of a file; null until its content has come
    std::string target;  // of a link
    int layer = 0;       // that made it
    std::map<std::string, std::unique_ptr<UnpackedNode>> children;
};

class UnpackedTree {
  public:
    // `strip`: leading folders that are left out of every name, as tar's --strip-components; names that have no more
    // than these are passed over.
    explicit UnpackedTree(int strip = 0) : strip_(strip) {}

    // From here on entries may take the place of what earlier layers hold, and ".wh." names remove it (OCI image
    // layer specification). Within one layer no name comes twice.
    void begin_layer();

    // Invalid where the entry may not be: its name is none of ours (RelPath), is there already, lies below a link or a
    // file, or is a hard link to something that is no file here. Content where the content of a file is wanted; give
    // its blob with set_blob().
    [[nodiscard]] Result<shared::Take> add(const shared::ArchiveEntry& entry);
    void set_blob(const shared::Oid& blob);

    [[nodiscard]] const UnpackedNode& top() const { return top_; }

  private:
    struct Place {
        UnpackedNode* folder = nullptr;
        std::string name;
    };
    [[nodiscard]] Result<Place> place_of(const std::string& path);
    [[nodiscard]] const UnpackedNode* find(const std::string& path) const;
    [[nodiscard]] std::string stripped(const std::string& path) const;
    [[nodiscard]] bool white_out(const std::string& path);
    [[nodiscard]] Result<UnpackedNode*> put(const std::string& path, UnpackedNode::Kind kind);

    UnpackedNode top_;
    UnpackedNode* open_ = nullptr;  // the file whose content comes
    int strip_;
    int layer_ = 0;
};

}  // namespace tidegate::reconciler
