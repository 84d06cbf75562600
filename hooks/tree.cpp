#include "hooks/tree.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>

#include <algorithm>
#include <charconv>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kIndexLimit = 1U << 30;

Result<FileMode> parse_mode(std::string_view octal) {
    std::uint32_t mode = 0;
    const auto [end, code] = std::from_chars(octal.data(), octal.data() + octal.size(), mode, 8);
    if (code != std::errc() || end != octal.data() + octal.size())
        return fail(ErrorKind::Broken, "git gave a wrong file mode: " + escape_foreign(octal));
    if ((mode & 0170000U) == 0100000U)  // old trees hold 100664 and the like
        return (mode & 0100U) != 0 ? FileMode::Executable : FileMode::File;
    return static_cast<FileMode>(mode);
}

tl::unexpected<Error> unmerged(const std::vector<std::string>& paths) {
    std::string names;
    for (size_t i = 0; i < std::min<size_t>(paths.size(), 3); ++i)
        names += (i == 0 ? "" : ", ") + escape_foreign(paths[i]);
    if (paths.size() > 3) names += ", …";
    return fail(ErrorKind::Invalid, "the index has conflicts and so is no tree yet: " + names,
                "mend them, then: git add");
}

struct WrittenTree {
    Oid tree;
    std::string index;  // with what was worked out
};

// By git, on a copy: write-tree would write what it works out into the index.
Result<WrittenTree> write_tree(const Repository& repo) {
    const auto bytes = TRY(read_file(repo.index_file, kIndexLimit));
    TRY(make_dirs(repo.own_dir(), 0755));
    const auto folder = TRY(TempDir::make("index", repo.own_dir()));
    const auto copy = folder.path() + "/index";
    {
        const Fd file(::open(copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!file) return fail_errno("cannot write a copy of the index");
        TRY(write_all(file.get(), bytes, copy));
    }
    auto call = repo.call({"write-tree"});
    call.index_file = copy;
    const auto line = TRY(repo.git.line(call));
    return WrittenTree{TRY(Oid::parse(line)), TRY(read_file(copy, kIndexLimit))};
}

}  // namespace

Result<IndexTree> read_index_tree(const Repository& repo) {
    auto index = IndexFile::read(repo.index_file, repo.sha256);
    if (!index && index.error().kind == ErrorKind::NotFound) {
        IndexTree empty;
        empty.tree =
            TRY(Oid::parse(repo.sha256 ? "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
                                       : "4b825dc642cb6eb9a060e54bf8d69288fbee4904"));
        return empty;
    }
    if (!index && index.error().kind != ErrorKind::Unsupported) return fail(std::move(index.error()));
    IndexTree result;
    if (!index) {
        result.tree = TRY(write_tree(repo)).tree;
        return result;
    }
    if (!index->unmerged().empty()) return unmerged(index->unmerged());
    if (index->tree() && !index->intent_to_add()) {
        result.tree = *index->tree();
    } else {
        auto written = TRY(write_tree(repo));
        result.tree = written.tree;
        index = IndexFile::parse(std::move(written.index), repo.sha256);
        if (!index) return fail(std::move(index.error()));
    }
    result.index = std::make_shared<const IndexFile>(std::move(*index));
    return result;
}

Result<Oid> tree_of(const Repository& repo, const Oid& commit) {
    return Oid::parse(
        TRY(repo.git.line(repo.call({"rev-parse", "-q", "--verify", commit.str() + "^{tree}"}))));
}

Result<std::vector<TreeEntry>> list_tree(const Repository& repo, const Oid& tree) {
    const auto text = TRY(repo.git.output(repo.call({"ls-tree", "-r", "-z", "--full-tree", tree.str()})));
    std::vector<TreeEntry> entries;
    for (const auto line : split(text, '\0')) {
        if (line.empty()) continue;
        const auto tab = line.find('\t');
        const auto words = split(line.substr(0, tab), ' ');
        if (tab == std::string_view::npos || words.size() < 3)
            return fail(ErrorKind::Broken, "git ls-tree gave a wrong line");
        entries.push_back(
            {std::string(line.substr(tab + 1)), TRY(parse_mode(words[0])), TRY(Oid::parse(words[2]))});
    }
    return entries;
}

Result<std::vector<Change>> diff_trees(const Repository& repo, const std::optional<Oid>& from,
                                       const Oid& to) {
    std::vector<Change> changes;
    if (!from) {
        for (auto& entry : TRY(list_tree(repo, to)))
            changes.push_back({Change::Kind::Added, std::move(entry)});
        return changes;
    }
    const auto text = TRY(repo.git.output(
        repo.call({"diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", from->str(), to.str()})));
    const auto parts = split(text, '\0');
    for (size_t i = 0; i + 1 < parts.size(); i += 2) {
        const auto words = split(parts[i], ' ');  // ":100644 100755 OLD NEW M"
        if (words.size() != 5 || words[4].empty())
            return fail(ErrorKind::Broken, "git diff-tree gave a wrong line");
        Change change;
        const bool deleted = words[4][0] == 'D';
        change.kind = words[4][0] == 'A'   ? Change::Kind::Added
                      : deleted            ? Change::Kind::Deleted
                      : words[4][0] == 'T' ? Change::Kind::TypeChanged
                                           : Change::Kind::Modified;
        change.entry.path = parts[i + 1];
        change.entry.mode = TRY(parse_mode(deleted ? words[0].substr(1) : words[1]));
        change.entry.oid = TRY(Oid::parse(deleted ? words[2] : words[3]));
        if (words[0] == ":120000" && change.entry.is_file()) change.link_before = TRY(Oid::parse(words[2]));
        changes.push_back(std::move(change));
    }
    return changes;
}

namespace {

// Takes `git cat-file --batch` apart as it comes: "<oid> <type> <size>\n<content>\n" or "<oid> missing\n".
class BatchReader {
  public:
    BatchReader(size_t limit, const TakeBlob& take) : limit_(limit), take_(take) {}

    void feed(std::string_view bytes) {
        while (!bytes.empty() && !missing_) {
            if (in_content_)
                content(bytes);
            else
                header(bytes);
        }
    }
    [[nodiscard]] const std::optional<std::string>& missing() const { return missing_; }
    [[nodiscard]] size_t taken() const { return index_; }

  private:
    void header(std::string_view& bytes) {
        const auto newline = bytes.find('\n');
        line_ += bytes.substr(0, newline);
        if (newline == std::string_view::npos) return bytes.remove_prefix(bytes.size());
        bytes.remove_prefix(newline + 1);
        const auto words = split(line_, ' ');
        if (words.size() != 3) {
            missing_ = line_;
            return;
        }
        size_ = 0;
        std::from_chars(words[2].data(), words[2].data() + words[2].size(), size_);
        left_ = size_ + 1;  // and a newline
        kept_.clear();
        kept_.reserve(static_cast<size_t>(std::min<std::uint64_t>(size_, limit_)));
        in_content_ = true;
        line_.clear();
    }

    void content(std::string_view& bytes) {
        const auto part = bytes.substr(0, static_cast<size_t>(std::min<std::uint64_t>(left_, bytes.size())));
        auto wanted = part;
        if (part.size() == left_) wanted.remove_suffix(1);
        kept_ += wanted.substr(0, limit_ - std::min(limit_, kept_.size()));
        left_ -= part.size();
        bytes.remove_prefix(part.size());
        if (left_ > 0) return;
        in_content_ = false;
        take_(index_++, size_, std::move(kept_));
        kept_ = {};
    }

    size_t limit_;
    const TakeBlob& take_;
    std::string line_;
    std::string kept_;
    std::uint64_t size_ = 0;
    std::uint64_t left_ = 0;
    bool in_content_ = false;
    size_t index_ = 0;
    std::optional<std::string> missing_;
};

}  // namespace

Result<void> read_blobs(const Repository& repo, const std::vector<Oid>& oids, size_t limit,
                        const TakeBlob& take) {
    if (oids.empty()) return {};
    auto call = repo.call({"cat-file", "--batch", "--buffer"});
    for (const auto& oid : oids) call.input += oid.str() + "\n";
    BatchReader reader(limit, take);
    auto command = repo.git.command(call);
    command.output_limit = 64 << 10;
    command.on_output = [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::Out) reader.feed(bytes);
    };
    const auto exit = TRY(run(command));
    if (reader.missing())
        return fail(ErrorKind::Broken, "an object is missing: " + escape_foreign(*reader.missing()),
                    "see: git fsck");
    if (!exit.ok() || reader.taken() != oids.size())
        return fail(ErrorKind::Broken,
                    "git cat-file failed (" + exit.describe() + "): " + git_complaint(exit));
    return {};
}

Result<std::string> read_tree_file(const Repository& repo, const Oid& tree, const std::string& path,
                                   size_t limit) {
    auto call = repo.call({"cat-file", "blob", tree.str() + ":" + path});
    call.output_limit = limit;
    const auto exit = TRY(repo.git.run(call));
    if (exit.truncated)
        return fail(ErrorKind::Invalid,
                    "longer than " + std::to_string(limit) + " bytes: " + escape_foreign(path));
    if (!exit.ok())
        return fail(ErrorKind::NotFound, "not in the tree " + tree.short_str() + ": " + escape_foreign(path));
    return exit.out;
}

}  // namespace tidegate::hooks
