#include "reconciler/object_import.hpp"

#include "shared/base/fd.hpp"
#include "shared/base/files.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha1.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace tidegate::reconciler {

using namespace shared;

namespace {

const Duration kLongest{3'600'000};

RefName ref_of(const std::string& name) {
    return RefName::parse(std::string(kCommitRefs) + name).value();  // digits and what we put behind them
}

// One line of a tree object; git orders folders as if their names ended with "/".
struct TreeLine {
    std::string order;
    std::string mode;
    std::string name;
    Oid oid;
};

}  // namespace

// A git fast-import that is fed through a pipe, in a thread of its own that waits for its end.
class ObjectImport::Packer {
  public:
    static Result<std::unique_ptr<Packer>> start(const BareStore& store) {
        auto packer = std::unique_ptr<Packer>(new Packer);
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe");
        packer->out_.reset(ends[0]);
        packer->in_.reset(ends[1]);
        packer->cancel_.reset(eventfd(0, EFD_CLOEXEC));
        if (!packer->cancel_) return fail_errno("cannot make an event");
        auto& call = packer->call_;
        // Contents are packed once and read a few times: quickly, without looking for differences between them.
        call.config = {"core.compression=1", "pack.compression=1", "fastimport.unpackLimit=1"};
        call.args = {"fast-import", "--quiet", "--done", "--depth=0", "--big-file-threshold=1m"};
        call.git_dir = store.path();
        call.timeout = kLongest;
        call.cancel_fd = packer->cancel_.get();
        auto command = store.git().command(call);
        command.input_fd = packer->out_.get();
        packer->thread_ = std::thread([raw = packer.get(), command = std::move(command)] {
            raw->exit_ = shared::run(command);
            raw->out_.reset();  // whoever still writes gets EPIPE
        });
        return packer;
    }
    ~Packer() {
        if (!thread_.joinable()) return;
        const std::uint64_t one = 1;
        (void)!write(cancel_.get(), &one, sizeof one);
        thread_.join();
    }

    Result<void> begin_blob(std::uint64_t size) {
        hash_ = Sha1();
        hash_.update("blob " + std::to_string(size) + std::string(1, '\0'));
        return put("blob\ndata " + std::to_string(size) + "\n");
    }
    Result<void> more(std::string_view bytes) {
        hash_.update(bytes);
        return put(bytes);
    }
    Result<Oid> end_blob() {
        TRY(put("\n"));
        return Oid::parse(hash_.finish_hex());
    }
    Result<void> finish() {
        TRY(put("done\n"));
        in_.reset();
        thread_.join();
        return outcome();
    }

  private:
    Packer() = default;

    Result<void> put(std::string_view bytes) {
        auto written = write_all(in_.get(), bytes, "git fast-import");
        if (written) return written;
        in_.reset();
        if (thread_.joinable()) thread_.join();
        TRY(outcome());  // says why it is gone
        return written;
    }
    Result<void> outcome() const {
        if (!exit_) return fail(exit_.error());
        if (!exit_->ok()) return fail(git_failure(call_, *exit_));
        return {};
    }

    GitCall call_;
    Fd out_;
    Fd in_;
    Fd cancel_;
    Sha1 hash_;
    std::thread thread_;
    Result<Exit> exit_ = Exit{};
};

namespace {

Result<Oid> write_node(Repo& repo, const UnpackedNode& folder) {
    std::vector<TreeLine> lines;
    for (const auto& [name, node] : folder.children) {
        using Kind = UnpackedNode::Kind;
        if (node->kind == Kind::Folder)
            lines.push_back({name + "/", "40000", name, TRY(write_node(repo, *node))});
        else if (node->kind == Kind::Link)
            lines.push_back({name, "120000", name, TRY(repo.write_blob(node->target))});
        else
            lines.push_back({name, node->executable ? "100755" : "100644", name, node->blob});
    }
    std::sort(lines.begin(), lines.end(),
              [](const TreeLine& a, const TreeLine& b) { return a.order < b.order; });
    std::string bytes;
    for (const auto& line : lines)
        bytes += line.mode + " " + line.name + std::string(1, '\0') + unhex(line.oid.str());
    return repo.write_raw_tree(bytes);
}

}  // namespace

ObjectImport::ObjectImport(const BareStore& store, std::unique_ptr<Packer> packer)
    : store_(store), packer_(std::move(packer)) {}
ObjectImport::~ObjectImport() = default;

Result<std::unique_ptr<ObjectImport>> ObjectImport::begin(const BareStore& store) {
    auto packer = TRY(Packer::start(store));
    return std::unique_ptr<ObjectImport>(new ObjectImport(store, std::move(packer)));
}

Result<void> ObjectImport::add_archive(int fd, const ArchiveLimits& limits, UnpackedTree& tree,
                                       int cancel_fd) {
    ArchiveVisitor visitor;
    visitor.entry = [&](const ArchiveEntry& entry) -> Result<Take> {
        const auto take = TRY(tree.add(entry));
        if (take == Take::Content) TRY(packer_->begin_blob(entry.size));
        return take;
    };
    visitor.content = [&](std::string_view bytes) { return packer_->more(bytes); };
    visitor.end_of_file = [&]() -> Result<void> {
        tree.set_blob(TRY(packer_->end_blob()));
        return {};
    };
    return read_archive(fd, limits, cancel_fd, visitor);
}

Result<Oid> ObjectImport::finish(const UnpackedTree& tree, const std::string& name,
                                 const std::string& message) {
    TRY(packer_->finish());
    auto repo = TRY(store_.repo());
    const auto top = TRY(write_node(repo, tree.top()));
    const auto commit =
        TRY(repo.write_commit(top, {}, "tidegate", "tidegate@localhost", WallTime{}, message));
    const auto ref = ref_of(name);
    const auto before = TRY(repo.resolve(ref));
    TRY(repo.update_ref(ref, commit, before, "unpacked"));
    return commit;
}

std::optional<Oid> imported(const BareStore& store, const std::string& name) {
    const auto repo = store.repo();
    if (!repo) return std::nullopt;
    const auto kept = repo->resolve(ref_of(name));
    if (!kept || !*kept) return std::nullopt;
    const auto commit = repo->commit(**kept);
    if (!commit || !repo->list_level(commit->tree)) return std::nullopt;
    return **kept;
}

}  // namespace tidegate::reconciler
