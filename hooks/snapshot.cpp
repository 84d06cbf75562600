#include "hooks/snapshot.hpp"

#include "hooks/cache.hpp"
#include "hooks/folder_events.hpp"
#include "hooks/index_writer.hpp"
#include "hooks/mover.hpp"
#include "hooks/private_repo.hpp"
#include "hooks/snapshot_state.hpp"
#include "hooks/tree_stamps.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <fcntl.h>

#include <algorithm>
#include <system_error>
#include <thread>
#include <tuple>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLargestIndex = 1U << 30;
constexpr int kMostSpares = 8;
constexpr Duration kPatience = std::chrono::hours(12);
constexpr size_t kFewFiles = 2000;  // looked at one by one; of larger trees the kernel tells what happens

struct Slot {
    std::string path;
    Lock lock;
};

// The stage's own place, or the first spare that nobody uses.
Result<Slot> take_slot(const std::string& folder, const std::string& stage) {
    for (int number = 1; number <= kMostSpares; ++number) {
        const auto path = folder + "/" + stage + (number == 1 ? "" : "~" + std::to_string(number));
        auto lock = Lock::take(path + "/lock");
        if (!lock && lock.error().kind == ErrorKind::NotFound) {
            TRY(make_dirs(path, 0700));
            lock = Lock::take(path + "/lock");
        }
        if (lock) return Slot{path, std::move(*lock)};
        if (lock.error().kind != ErrorKind::Locked) return fail(std::move(lock.error()));
    }
    const auto path = folder + "/" + stage;
    return Slot{path, TRY(Lock::take(path + "/lock", kPatience))};
}

std::string setup_key(const Setup& setup, const IndexFile& index) {
    std::vector<TreeEntry> inputs;
    for (IndexCursor cursor(index); cursor.next();)
        if (setup.takes(cursor.entry().path)) inputs.push_back(cursor.entry().as_tree_entry());
    std::vector<const TreeEntry*> pointers;
    for (const auto& entry : inputs) pointers.push_back(&entry);
    Sha256 hash;
    hash.field(setup.run.shell);
    for (const auto& word : setup.run.argv) hash.field(word);
    if (!setup.folder.empty()) hash.field("in " + setup.folder);
    hash.field(input_key(pointers));
    return hash.finish_hex();
}

// Changes whenever a file is replaced or written.
std::string stamp_of(const std::string& path) {
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0) return {};
    return std::to_string(info.st_ino) + " " + std::to_string(info.st_size) + " " +
           std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

}  // namespace

struct Snapshot::State {
    State(const Repository& repository, Slot place, Git program)
        : repo(repository), slot(std::move(place)), git(std::move(program)) {}

    const Repository& repo;
    Slot slot;
    Git git;
    PrivateRepo own;
    SnapshotState kept;
    Oid tree;
    std::vector<std::string> setup_keys;
    std::vector<size_t> pending;
    std::vector<std::string> missing_links;
    std::optional<TreeStamps> stamps;  // of a small tree
    std::thread looker;                // looks at its files while it is moved, and finds:
    std::optional<EarlyLook> early;
    FolderEvents events;      // of any other
    std::thread watcher;      // begins that while the tree is moved
    std::string index_stamp;  // of the index as prepare() left it
    bool index_lost = false;  // a gate has put something else into it

    ~State() {
        for (auto* thread : {&watcher, &looker})
            if (thread->joinable()) thread->join();
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    [[nodiscard]] std::string index_file() const { return own.git_dir + "/index"; }
    [[nodiscard]] Result<IndexFile> read_index() const { return IndexFile::read(index_file(), repo.sha256); }
    [[nodiscard]] GitCall call(std::vector<std::string> args) const {
        GitCall call;
        call.args = std::move(args);
        call.git_dir = own.git_dir;
        call.work_tree = own.checkout;
        call.directory = own.checkout;
        call.timeout = std::chrono::minutes(30);
        call.cancel_fd = repo.cancel_fd;
        // Whatever a file's time was set back to, its ctime tells.
        call.config = {"core.trustctime=true", "core.checkStat=default"};
        return call;
    }

    [[nodiscard]] std::string state_file() const { return slot.path + "/state"; }
    Result<void> save(bool clean) {
        kept.clean = clean;
        if (clean)
            kept.index = index_stamp;  // else what it was: a text of the same length is written over it
        return write_over(state_file(), format_state(kept));
    }

    Result<void> bring_to_tree(const Target& target, const Stage& stage);
    Result<void> look_over();
    void begin_to_watch(std::shared_ptr<const IndexFile> index);
    Result<void> watch(const IndexFile& index);
    void begin_to_look(std::shared_ptr<const IndexFile> index);
    [[nodiscard]] timespec written_last() const;
    Result<bool> stamp_files();
    Result<void> restore_index();
    Result<void> make_anew(const Target& target, const Stage& stage);
    Result<void> set_links(const Stage& stage, const IndexFile& index);
    Result<void> see_to_setup(const Stage& stage, const IndexFile& index);
};

// Every file compared with the index, what differs written again, what is neither tracked nor ignored removed.
Result<void> Snapshot::State::look_over() {
    TRY(git.output(call({"read-tree", "--reset", "-u", tree.str()})));
    TRY(git.output(call({"clean", "-ffdq"})));
    return {};
}

// When this run last wrote something, by the file system's clock: what gates do comes after it.
timespec Snapshot::State::written_last() const {
    timespec now{};
    for (const auto& file : {state_file(), index_file()}) {
        struct stat info {};
        if (lstat(file.c_str(), &info) == 0 &&
            std::tie(now.tv_sec, now.tv_nsec) < std::tie(info.st_ctim.tv_sec, info.st_ctim.tv_nsec))
            now = info.st_ctim;
    }
    return now;
}

// Whether every file was as the index has it.
Result<bool> Snapshot::State::stamp_files() {
    if (looker.joinable()) {
        looker.join();
        if (early && stamps.emplace().take_after(*early, own.checkout, TRY(read_index()), written_last()))
            return true;
    }
    stamps.emplace().take(own.checkout, TRY(read_index()), written_last());
    return stamps->as_recorded();
}

void Snapshot::State::begin_to_look(std::shared_ptr<const IndexFile> index) {
    try {
        looker = std::thread([this, index = std::move(index)] { early = look_early(own.checkout, index); });
    } catch (const std::system_error&) {  // too many processes: stamp_files() does it
    }
}

void Snapshot::State::begin_to_watch(std::shared_ptr<const IndexFile> index) {
    try {
        watcher = std::thread([this, index = std::move(index)] { events.begin(own.checkout, *index); });
    } catch (const std::system_error&) {  // too many processes: watch() does it
    }
}

// From here on what changes is a gate's doing. What somebody else did to a small tree since the last run is mended.
Result<void> Snapshot::State::watch(const IndexFile& index) {
    if (index.size() > kFewFiles) {
        if (watcher.joinable())
            watcher.join();
        else
            events.begin(own.checkout, index);
        events.settle();
        return {};
    }
    if (TRY(stamp_files())) return {};
    TRY(git.run(call({"update-index", "-q", "--refresh"})));  // mostly only times differ
    if (TRY(stamp_files())) return {};
    TRY(look_over());
    TRY(stamp_files());
    return {};
}

// A gate that runs `git add` or `git commit` must not hide what it did to a file. Only refreshed, as `git status`
// does it, the index still holds the tree.
Result<void> Snapshot::State::restore_index() {
    if (stamp_of(index_file()) == index_stamp) return {};
    const auto index = read_index();
    if (index && index->tree() == tree && index->unmerged().empty() && !index->intent_to_add() &&
        !index->flagged())
        return {};
    index_lost = true;
    unlink((own.git_dir + "/index.lock").c_str());
    TRY(git.output(call({"read-tree", tree.str()})));
    index_stamp = stamp_of(index_file());
    return {};
}

Result<void> Snapshot::State::make_anew(const Target& target, const Stage& stage) {
    TRY(remove_tree(own.git_dir));
    TRY(remove_tree(slot.path + "/tree"));
    kept = {};
    TRY(save(false));
    TRY(make_dirs(own.checkout, 0755));
    TRY(make_dirs(own.git_dir, 0755));
    TRY(refresh(own, repo, target, stage.link));
    TRY(write_quickly(own.checkout + "/.git", "gitdir: " + own.git_dir + "\n"));
    auto checkout = call({"read-tree", "--reset", "-u", tree.str()});
    checkout.config.emplace_back("checkout.workers=0");  // as many as there are cores, where it is worth it
    TRY(git.output(checkout));
    return {};
}

Result<void> Snapshot::State::bring_to_tree(const Target& target, const Stage& stage) {
    const auto pointer = read_file(own.checkout + "/.git", 64 << 10);
    const bool whole =
        pointer && *pointer == "gitdir: " + own.git_dir + "\n" && exists(own.git_dir + "/HEAD");
    const bool clean = whole && kept.clean && kept.index == stamp_of(index_file());
    unlink((own.git_dir + "/index.lock").c_str());  // of a gate that was killed
    TRY(save(false));                               // until release(): a run that is killed leaves it so
    if (!whole) return make_anew(target, stage);
    const bool there = clean && kept.tree == tree.str();
    const bool few = target.index && target.index->size() <= kFewFiles;
    std::shared_ptr<const IndexFile> from;
    if (clean && target.index && (few || !there))
        if (auto index = read_index()) from = std::make_shared<const IndexFile>(std::move(*index));
    if (few && from) begin_to_look(from);
    TRY(refresh(own, repo, target, stage.link));
    if (there) return {};
    if (from && TRY(move_checkout(own, repo, *from, *target.index))) return {};
    if (clean) {
        const auto moved = TRY(git.run(call({"read-tree", "-m", "-u", kept.tree, tree.str()})));
        if (moved.ok()) return {};
    }
    auto looked = has_its_sum(read_file(index_file(), kLargestIndex).value_or("")) || repo.sha256
                      ? look_over()
                      : fail(ErrorKind::Broken, "its index is torn");
    if (looked || looked.error().kind == ErrorKind::Cancelled) return looked;
    return make_anew(target, stage);
}

Result<void> Snapshot::State::set_links(const Stage& stage, const IndexFile& index) {
    for (const auto& old : kept.links) {
        if (std::find(stage.link.begin(), stage.link.end(), old) != stage.link.end()) continue;
        struct stat info {};
        const auto path = own.checkout + "/" + old;
        if (lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) unlink(path.c_str());
    }
    const bool other_links = kept.links != stage.link;
    kept.links = stage.link;
    if (other_links) TRY(save(false));
    for (const auto& link : stage.link) {
        if (index.holds(link))
            return fail(ErrorKind::Invalid,
                        "`link` names something that the tree holds: " + escape_foreign(link),
                        "only ignored folders of the working tree can be lent to a snapshot");
        const auto target = repo.work_tree + "/" + link;
        const auto path = own.checkout + "/" + link;
        struct stat info {};
        if (stat(target.c_str(), &info) != 0) {
            missing_links.push_back(link);
            continue;
        }
        TRY(make_dirs(path.substr(0, path.rfind('/')), 0755));
        const auto folder = TRY(open_dir(path.substr(0, path.rfind('/'))));
        const auto name = path.substr(path.rfind('/') + 1);
        const auto there = read_link(folder.get(), name);
        if (there && *there == target) continue;
        TRY(remove_tree(folder.get(), name));
        if (symlinkat(target.c_str(), folder.get(), name.c_str()) != 0)
            return fail_errno("cannot make the link " + escape_foreign(link));
    }
    return {};
}

// A command that is to run is not known to have run, whatever comes of it.
Result<void> Snapshot::State::see_to_setup(const Stage& stage, const IndexFile& index) {
    for (size_t i = 0; i < stage.setup.size(); ++i) {
        setup_keys.push_back(setup_key(stage.setup[i], index));
        const bool same = i < kept.setup.size() && kept.setup[i] == setup_keys[i];
        // What comes after a command that runs again may stand on it.
        if (!same || !pending.empty()) pending.push_back(i);
    }
    kept.setup.resize(pending.empty() ? stage.setup.size() : pending.front());
    return pending.empty() ? Result<void>() : save(false);
}

Result<Snapshot> Snapshot::prepare(const Repository& repo, const Stage& stage, Target& target) {
    const auto folder = TRY(snapshots_of(repo));
    auto slot = TRY(take_slot(folder.path, stage.name));
    auto state = std::make_unique<State>(repo, std::move(slot), repo.git);
    state->own.git_dir = state->slot.path + "/git";
    state->own.checkout = state->slot.path + "/tree/" + folder.name;
    state->tree = target.tree;
    state->kept = parse_state(read_file(state->state_file(), 1 << 20).value_or(""));
    if (target.index && target.index->size() > kFewFiles) state->begin_to_watch(target.index);
    TRY(during("preparing the snapshot " + state->own.checkout, state->bring_to_tree(target, stage)));
    state->kept.tree = target.tree.str();

    if (!target.index) {
        auto index = TRY(state->read_index());
        target.index = std::make_shared<const IndexFile>(std::move(index));
    }
    TRY(state->set_links(stage, *target.index));
    TRY(state->see_to_setup(stage, *target.index));
    TRY(state->watch(*target.index));
    state->index_stamp = stamp_of(state->index_file());
    return Snapshot(std::move(state));
}

Snapshot::Snapshot(std::unique_ptr<State> state) : state_(std::move(state)) {}
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() = default;

const std::string& Snapshot::path() const {
    return state_->own.checkout;
}

const std::vector<std::string>& Snapshot::missing_links() const {
    return state_->missing_links;
}

const std::vector<size_t>& Snapshot::pending_setup() const {
    return state_->pending;
}

Result<void> Snapshot::setup_done(size_t index) {
    state_->kept.setup.resize(index + 1);
    state_->kept.setup[index] = state_->setup_keys[index];
    return state_->save(false);
}

int Snapshot::watch_fd() const {
    return state_->events.touched().unknown ? -1 : state_->events.fd();
}

void Snapshot::read_events() {
    state_->events.read_events();
}

Result<Spoil> Snapshot::spoil() {
    state_->events.read_events();
    const auto touched =
        state_->stamps ? state_->stamps->touched(state_->repo.sha256) : state_->events.touched();
    TRY(state_->restore_index());
    Spoil spoil;
    if (touched.empty()) return spoil;
    auto call = state_->call({"status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal",
                              "--ignore-submodules=all"});
    call.env["GIT_LITERAL_PATHSPECS"] = "1";
    if (!touched.unknown && touched.paths.size() <= 500) {
        call.args.emplace_back("--");
        call.args.insert(call.args.end(), touched.paths.begin(), touched.paths.end());
    }
    const auto text = TRY(state_->git.output(call));
    for (const auto line : split(text, '\0')) {
        if (line.size() < 4) continue;
        // The first column compares HEAD and index, which is the change itself; the second index and files.
        if (line.starts_with("??"))
            spoil.added.emplace_back(line.substr(3));
        else if (line[1] != ' ')
            spoil.changed.emplace_back(line.substr(3));
    }
    return spoil;
}

Result<void> Snapshot::release(const Spoil& spoil) {
    return state_->save(spoil.empty() && !state_->index_lost);
}

}  // namespace tidegate::hooks
