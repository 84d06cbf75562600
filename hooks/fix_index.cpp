#include "hooks/fix_index.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>

#include <climits>
#include <cstdlib>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kIndexLimit = 1U << 30;

Result<Fd> make_new(const std::string& path) {
    Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file && errno == EEXIST)
        return fail(ErrorKind::Locked, "git's index is locked: " + escape_foreign(path) + " is there",
                    "wait for the other git command to end; if there is none, remove that file");
    if (!file) return fail_errno("cannot write " + escape_foreign(path));
    return file;
}

// "<tag> <mode> <oid> <stage>\t<path>", as `git ls-files -v -s` has it.
struct ListedEntry {
    bool skip_worktree = false;
    bool assume_unchanged = false;
    std::string_view mode;
    std::string_view oid;
    std::string_view path;
};

std::optional<ListedEntry> parse_listed(std::string_view line) {
    const auto tab = line.find('\t');
    const auto words = split(line.substr(0, tab), ' ');
    if (tab == std::string_view::npos || words.size() != 4 || words[0].size() != 1 || words[3] != "0")
        return std::nullopt;
    const char tag = words[0][0];
    return ListedEntry{tag == 'S' || tag == 's', tag >= 'a' && tag <= 'z', words[1], words[2],
                       line.substr(tab + 1)};
}

}  // namespace

std::string index_info(std::string_view mode, const Oid& oid, std::string_view path) {
    std::string line(mode);
    line += " " + oid.str() + " 0\t";
    line += path;
    return line + '\0';
}

IndexLock::~IndexLock() {
    if (!lock_.empty()) unlink(lock_.c_str());
}

Result<void> IndexLock::commit() {
    if (rename(lock_.c_str(), original_.c_str()) != 0)
        return fail_errno("cannot replace the index " + escape_foreign(original_));
    lock_.clear();
    return {};
}

Result<IndexCopy> IndexCopy::take(const Repository& repo, const std::string& original, std::string copy) {
    char resolved[PATH_MAX];  // git's lock lies beside what a link leads to
    const std::string file = realpath(original.c_str(), resolved) != nullptr ? resolved : original;
    auto bytes = TRY(read_file(file, kIndexLimit));
    const auto fd = TRY(make_new(copy));
    TRY(write_all(fd.get(), bytes, copy));
    return IndexCopy(repo, file, std::move(copy), std::move(bytes));
}

GitCall IndexCopy::call(std::vector<std::string> args) const {
    auto call = repo_->call(std::move(args));
    call.directory = repo_->work_tree;
    call.index_file = copy_;
    call.config = {"core.fsmonitor=false"};
    return call;
}

Result<void> IndexCopy::put(const std::vector<FixedFile>& files) {
    std::map<std::string_view, const FixedFile*> wanted;
    for (const auto& file : files) wanted.emplace(file.path, &file);
    const auto listed = TRY(repo_->git.output(call({"ls-files", "-v", "-s", "-z"})));
    std::string changes;
    std::string skipped;
    std::string assumed;
    for (const auto line : split(listed, '\0')) {
        const auto entry = parse_listed(line);
        if (!entry) continue;
        const auto found = wanted.find(entry->path);
        if (found == wanted.end() || found->second->before.str() != entry->oid) continue;
        changes += index_info(entry->mode, found->second->after, entry->path);
        // The entry is made anew, and its flags with it.
        if (entry->skip_worktree) skipped += std::string(entry->path) + '\0';
        if (entry->assume_unchanged) assumed += std::string(entry->path) + '\0';
    }
    const auto update = [&](std::vector<std::string> args, std::string input) -> Result<void> {
        if (input.empty()) return {};
        auto one = call(std::move(args));
        one.input = std::move(input);
        TRY(repo_->git.output(one));
        return {};
    };
    TRY(update({"update-index", "-z", "--index-info"}, std::move(changes)));
    TRY(update({"update-index", "-z", "--skip-worktree", "--stdin"}, std::move(skipped)));
    return update({"update-index", "-z", "--assume-unchanged", "--stdin"}, std::move(assumed));
}

Result<Oid> IndexCopy::write_tree() const {
    return Oid::parse(TRY(repo_->git.line(call({"write-tree"}))));
}

Result<IndexLock> IndexCopy::lock() const {
    const auto next = TRY(read_file(copy_, kIndexLimit));
    struct stat info {};
    const mode_t mode = stat(original_.c_str(), &info) == 0 ? info.st_mode & 0777U : 0644;
    const auto path = original_ + ".lock";
    const auto fd = TRY(make_new(path));
    IndexLock lock(original_, path);
    TRY(write_all(fd.get(), next, path));
    if (fchmod(fd.get(), mode) != 0) return fail_errno("cannot set the mode of " + escape_foreign(path));
    const auto now = read_file(original_, kIndexLimit);
    if (!now || *now != bytes_)
        return fail(ErrorKind::Transient, "the index was changed while its gates ran: nothing was fixed",
                    "commit again");
    return lock;
}

}  // namespace tidegate::hooks
