#include "hooks/fix_merge.hpp"

#include "shared/base/text.hpp"

#include <fcntl.h>

#include <map>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kFileLimit = 1U << 30;

GitCall call_in(const Repository& repo, const std::string& work_tree, const std::string& index,
                std::vector<std::string> args) {
    auto call = repo.call(std::move(args));
    call.work_tree = work_tree;
    call.directory = work_tree;
    call.index_file = index;
    call.config = {"core.fsmonitor=false", "core.safecrlf=false", "core.sparseCheckout=false",
                   "core.splitIndex=false", "index.sparse=false"};
    return call;
}

// An index that holds these files and no others, and knows nothing of what lies in any working tree.
Result<void> make_index(const Repository& repo, const GitCall& like, const std::vector<TreeEntry>& files) {
    auto call = like;
    call.args = {"update-index", "-z", "--add", "--index-info"};
    for (const auto& file : files)
        call.input +=
            index_info(file.mode == FileMode::Executable ? "100755" : "100644", file.oid, file.path);
    TRY(repo.git.output(call));
    return {};
}

// A file of the working tree, as it is merged.
struct WorkFile {
    const FixedFile* fixed = nullptr;
    struct stat info {};
    std::string bytes;
    Oid clean;  // what `git add` would store of it
    Oid merged;
};

bool same(const struct stat& a, const struct stat& b) {
    return a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
           a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
           a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

class Merger {
  public:
    Merger(const Repository& repo, const Scratch& scratch) : repo_(repo), scratch_(scratch) {}

    Result<MergePlan> plan(const std::vector<FixedFile>& files);

  private:
    Result<void> find(int root, const std::vector<FixedFile>& files);
    Result<void> read(int root);
    Result<void> merge();
    Result<bool> merge_edited(WorkFile& file, std::string& merged);
    Result<void> check_out();
    Result<std::string> to_file(const Oid& oid, const std::string& name);

    const Repository& repo_;
    const Scratch& scratch_;
    std::vector<WorkFile> files_;
    MergePlan plan_;
};

Result<void> Merger::find(int root, const std::vector<FixedFile>& files) {
    std::vector<TreeEntry> entries;
    for (const auto& fixed : files) {
        const auto fd = open_beneath(root, fixed.path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
        WorkFile file;
        file.fixed = &fixed;
        if (!fd || fstat(fd->get(), &file.info) != 0 || !S_ISREG(file.info.st_mode)) continue;
        entries.push_back({fixed.path, FileMode::File, fixed.before});
        files_.push_back(std::move(file));
    }
    const auto clean = TRY(blobs_as_added(repo_, scratch_, repo_.work_tree, entries, Store::Scratch));
    for (size_t i = 0; i < files_.size(); ++i) files_[i].clean = clean[i];
    return {};
}

// The bytes that git has just looked at, or none.
Result<void> Merger::read(int root) {
    for (auto& file : files_) {
        const auto& path = file.fixed->path;
        const auto fd = TRY(open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
        file.bytes = TRY(read_fd(fd.get(), kFileLimit, path));
        struct stat info {};
        if (fstat(fd.get(), &info) != 0 || !same(info, file.info))
            return fail(ErrorKind::Transient,
                        "changed while its fix was being merged: " + escape_foreign(path),
                        "nothing was changed; commit again");
    }
    return {};
}

Result<std::string> Merger::to_file(const Oid& oid, const std::string& name) {
    auto call = scratch_.in_own_store(repo_.call({"cat-file", "blob", oid.str()}));
    call.output_limit = kFileLimit;
    const auto content = TRY(repo_.git.output(call));
    const auto path = scratch_.file(name);
    TRY(write_file_atomic(path, content, 0600));
    return path;
}

// false: a conflict.
Result<bool> Merger::merge_edited(WorkFile& file, std::string& merged) {
    const auto ours = TRY(to_file(file.clean, "ours"));
    const auto base = TRY(to_file(file.fixed->before, "base"));
    const auto theirs = TRY(to_file(file.fixed->after, "theirs"));
    auto call = repo_.call({"merge-file", "-p", "-q", ours, base, theirs});
    call.output_limit = kFileLimit;
    const auto exit = TRY(repo_.git.run(call));
    if (exit.cancelled) return fail(ErrorKind::Cancelled, "cancelled while merging fixes");
    merged = exit.out;
    return exit.ok() && !exit.truncated;  // above 0: so many conflicts; 255: no text
}

Result<void> Merger::merge() {
    std::vector<WorkFile*> edited;
    std::vector<std::string> stored;
    for (auto& file : files_) {
        file.merged = file.fixed->after;
        if (file.clean == file.fixed->before || file.clean == file.fixed->after) continue;
        std::string merged;
        if (!TRY(merge_edited(file, merged))) {
            plan_.conflicts.push_back(file.fixed->path);
            continue;
        }
        stored.push_back(scratch_.file("merged-" + std::to_string(stored.size())));
        TRY(write_file_atomic(stored.back(), merged, 0600));
        edited.push_back(&file);
    }
    const auto oids = TRY(store_files(repo_, scratch_.in_own_store(repo_.call({})), stored));
    for (size_t i = 0; i < edited.size(); ++i) edited[i]->merged = oids[i];
    return {};
}

// The merged contents as files, by git's own checkout into the scratch folder.
Result<void> Merger::check_out() {
    std::vector<TreeEntry> entries;
    std::string paths;
    for (const auto& file : files_) {
        if (file.merged == file.clean) continue;
        entries.push_back({file.fixed->path, FileMode::File, file.merged});
        paths += file.fixed->path + '\0';
    }
    if (entries.empty()) return {};
    auto call = scratch_.in_own_store(call_in(repo_, repo_.work_tree, scratch_.file("index-out"), {}));
    TRY(make_index(repo_, call, entries));
    call.args = {"checkout-index", "-f", "-z", "--stdin", "--prefix=" + scratch_.file("out") + "/"};
    call.input = paths;
    TRY(repo_.git.output(call));
    for (auto& file : files_) {
        if (file.merged == file.clean) continue;
        auto content = scratch_.file("out/" + file.fixed->path);
        if (TRY(read_file(content, kFileLimit)) == file.bytes) continue;  // git writes both alike
        plan_.replacements.push_back(
            {file.fixed->path, std::move(file.bytes), std::move(content), file.clean != file.fixed->before});
    }
    return {};
}

Result<MergePlan> Merger::plan(const std::vector<FixedFile>& files) {
    const auto root = TRY(open_dir(repo_.work_tree));
    TRY(find(root.get(), files));
    TRY(read(root.get()));
    TRY(merge());
    if (plan_.conflicts.empty()) TRY(check_out());
    return std::move(plan_);
}

}  // namespace

Result<std::vector<Oid>> blobs_as_added(const Repository& repo, const Scratch& scratch,
                                        const std::string& work_tree, const std::vector<TreeEntry>& files,
                                        Store store) {
    std::vector<Oid> oids;
    if (files.empty()) return oids;
    const auto index = scratch.file("index-in");
    unlink(index.c_str());
    auto call = call_in(repo, work_tree, index, {});
    if (store == Store::Scratch) call = scratch.in_own_store(call);
    TRY(make_index(repo, call, files));
    auto add = call;
    add.args = {"update-index", "-z", "--stdin"};
    for (const auto& file : files) add.input += file.path + '\0';
    TRY(repo.git.output(add));
    call.args = {"ls-files", "-s", "-z"};
    std::map<std::string, Oid> by_path;
    const auto text = TRY(repo.git.output(call));
    for (const auto line : split(text, '\0')) {
        const auto tab = line.find('\t');
        const auto words = split(line.substr(0, tab), ' ');
        if (tab == std::string_view::npos || words.size() != 3) continue;
        by_path.emplace(std::string(line.substr(tab + 1)), TRY(Oid::parse(words[1])));
    }
    for (const auto& file : files) {
        const auto found = by_path.find(file.path);
        if (found == by_path.end())
            return fail(ErrorKind::Transient, "gone while it was read: " + escape_foreign(file.path));
        oids.push_back(found->second);
    }
    return oids;
}

Result<MergePlan> plan_merge(const Repository& repo, const Scratch& scratch,
                             const std::vector<FixedFile>& files) {
    return Merger(repo, scratch).plan(files);
}

}  // namespace tidegate::hooks
