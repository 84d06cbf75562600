// What staging a tree will do, worked out before anything is written. Inside of stage.cpp and its tests only.
#pragma once

#include "reconciler/disk_room.hpp"
#include "reconciler/stage.hpp"

#include <string>
#include <unordered_map>
#include <vector>

namespace tidegate::reconciler {

// Releases on disk whose files may be taken over, by path and blob id. A record is read when it is first needed: mostly
// the running release has all there is.
class ShareIndex {
  public:
    struct Source {
        int folder = -1;  // the release's, owned by the index
        std::string path;
        std::string digest;
        Fingerprint print;
        bool writable = false;
    };

    // Borrows all three.
    ShareIndex(const AppRoot& root, const IntegrityStore& store, const std::vector<ReleaseId>& releases);
    // A file that was recorded with this content in the first release, best at this very path; nullptr where there is
    // none. Quick where paths are asked for in order. Whether it still has it is for whoever takes it over to see.
    [[nodiscard]] const Source* find(const std::string& path, const std::string& digest, bool executable);
    // The same in any of the releases, wherever it lies.
    [[nodiscard]] const Source* find_anywhere(const std::string& digest, bool executable);
    // One that is not empty, to see whether files can be cloned at all; nullptr where there is none.
    [[nodiscard]] const Source* any();

  private:
    struct Release {
        ReleaseId id;
        bool read = false;
        shared::Fd folder;
        std::vector<Source> files;  // by path
        size_t next = 0;            // where the path asked for last was, or would be
        size_t asked = 0;           // times by content
        std::unordered_map<std::string, const Source*> by_content;
    };
    Release& read(Release& release) const;
    const Source* by_content(Release& release, const std::string& digest, bool executable) const;

    const AppRoot& root_;
    const IntegrityStore& store_;
    std::vector<Release> releases_;
};

enum class FileWay { Reflink, HardLink, Write };

struct PlannedFile {
    std::string path;
    bool executable = false;
    std::string digest;
    std::uint64_t size = 0;
    FileWay way = FileWay::Write;
    const ShareIndex::Source* source = nullptr;
};

struct PlannedLink {
    std::string path;
    std::string target;
};

struct StagePlan {
    shared::Oid tree;
    std::vector<PlannedFile> files;  // in tree order
    std::vector<PlannedLink> links;
    std::vector<std::string> folders;  // the empty ones, of archives
    bool has_lfs = false;              // some .gitattributes uses Git LFS: pointers are refused
    DiskNeed need;
};

// What the commit's tree holds, in tree order, but for what becomes a link to ROOT/shared. Paths that may not be, and
// submodules, are refused.
struct ReleaseTree {
    shared::Oid tree;
    std::vector<shared::TreeEntry> entries;
};
[[nodiscard]] Result<ReleaseTree> list_release(const shared::Repo& repo, const StageRequest& request);

[[nodiscard]] Result<StagePlan> plan_stage(const shared::Repo& repo, const StageRequest& request,
                                           ReleaseTree tree, ShareIndex& index, bool can_reflink);

}  // namespace tidegate::reconciler
