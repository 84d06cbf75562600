// What staging a tree will do, worked out before anything is written. Inside of stage.cpp and its tests only.
#pragma once

#include "reconciler/stage.hpp"

#include <string>
#include <unordered_map>
#include <vector>

namespace tidegate::reconciler {

// Releases on disk whose files may be taken over, by blob id. A record is read when it is first needed: mostly the
// running release has all there is.
class ShareIndex {
  public:
    struct Source {
        int folder = -1;  // the release's, owned by the index
        std::string path;
        Fingerprint print;
        bool writable = false;
    };

    // Borrows all three.
    ShareIndex(const AppRoot& root, const IntegrityStore& store, const std::vector<ReleaseId>& releases);
    // A file that was recorded with this content in the first release, with Everywhere in any; nullptr where there is
    // none. Whether it still has it is for whoever takes it over to see.
    enum class Where { First, Everywhere };
    [[nodiscard]] const Source* find(const std::string& digest, bool executable, Where where = Where::First);
    // One that is not empty, to see whether files can be cloned at all; nullptr where there is none.
    [[nodiscard]] const Source* any();

  private:
    struct Release {
        ReleaseId id;
        bool read = false;
        shared::Fd folder;
        std::unordered_map<std::string, Source> files;  // by digest and "x" for executables
    };
    const Release& read(Release& release) const;

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
    std::uint64_t need_bytes = 0;
    std::uint64_t need_inodes = 0;
};

[[nodiscard]] Result<StagePlan> plan_stage(const shared::Repo& repo, const StageRequest& request,
                                           ShareIndex& index, bool can_reflink);

// NoSpace, in words, where the file system of `fd` can't hold the plan.
[[nodiscard]] Result<void> check_space(int fd, const StagePlan& plan, std::uint64_t spare);

}  // namespace tidegate::reconciler
