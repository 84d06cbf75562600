#include "shared/repo/repo.hpp"

#include "shared/base/files.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"
#include "shared/git/git.hpp"
#include "shared/hash/sha1.hpp"
#include "shared/repo/handles.hpp"

#include <git2/sys/odb_backend.h>

#include <mutex>
#include <optional>

namespace tidegate::shared {

namespace {

// Once for the process. Configuration outside the repository itself is never read, and ownership is checked
// by open() in our own words.
void start_libgit2_once() {
    static std::once_flag once;
    std::call_once(once, [] {
        git_libgit2_init();
        for (const int level : {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
                                GIT_CONFIG_LEVEL_PROGRAMDATA})
            git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
        git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
        git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
    });
}

Result<void> check_owner(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0)
        return fail_errno("cannot open the repository " + escape_foreign(path));
    if (info.st_uid == geteuid() || info.st_uid == 0) return {};
    return fail(ErrorKind::Permission, "the repository belongs to another user: " + escape_foreign(path),
                "chown it to the user that runs this program");
}

}  // namespace

tl::unexpected<Error> fail_git(std::string_view what, int code) {
    const git_error* last = git_error_last();
    const std::string why = last != nullptr && last->message != nullptr ? escape_foreign(last->message)
                                                                        : "error " + std::to_string(code);
    const auto kind = [&] {
        switch (code) {
            case GIT_ENOTFOUND: return ErrorKind::NotFound;
            case GIT_EEXISTS: return ErrorKind::Exists;
            case GIT_ELOCKED:
            case GIT_EMODIFIED: return ErrorKind::Locked;
            case GIT_EINVALIDSPEC:
            case GIT_EINVALID: return ErrorKind::Invalid;
            default:
                return why.find("No space left") != std::string::npos ? ErrorKind::NoSpace
                                                                      : ErrorKind::Broken;
        }
    }();
    return fail(kind, std::string(what) + ": " + why);
}

git_oid raw(const Oid& oid) {
    git_oid value{};
    git_oid_fromstrn(&value, oid.str().data(), std::min<size_t>(oid.str().size(), GIT_OID_HEXSZ));
    return value;
}

Oid cooked(const git_oid& oid) {
    char text[GIT_OID_HEXSZ + 1];
    git_oid_tostr(text, sizeof text, &oid);
    return Oid::parse(text).value_or(Oid());
}

std::string CommitInfo::summary() const {
    return message.substr(0, message.find('\n'));
}

Repo::Repo(git_repository* repository) : repository_(repository), git_dir_(git_repository_path(repository)) {
    while (git_dir_.size() > 1 && git_dir_.ends_with('/')) git_dir_.pop_back();
}
Repo::Repo(Repo&& other) noexcept
    : repository_(std::exchange(other.repository_, nullptr)), git_dir_(std::move(other.git_dir_)) {}
Repo& Repo::operator=(Repo&& other) noexcept {
    std::swap(repository_, other.repository_);
    std::swap(git_dir_, other.git_dir_);
    return *this;
}
Repo::~Repo() {
    git_repository_free(repository_);
}

Result<Repo> Repo::open(const std::string& path) {
    start_libgit2_once();
    TRY(check_owner(path));
    git_repository* opened = nullptr;
    const int code = git_repository_open_ext(&opened, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr);
    if (code == 0) return Repo(opened);
    const git_error* last = git_error_last();
    const std::string why = last != nullptr && last->message != nullptr ? last->message : "";
    if (why.find("unsupported") != std::string::npos)
        return fail(ErrorKind::Unsupported,
                    "cannot read the repository " + escape_foreign(path) + ": " + escape_foreign(why));
    return fail_git("cannot open the repository " + escape_foreign(path), code);
}

Result<Repo> Repo::open_or_init_bare(const std::string& path) {
    if (!exists(path + "/HEAD")) {
        const auto git = TRY(Git::find(GitConfig::Closed));
        GitCall call;
        call.args = {"init", "--quiet", "--bare", "--template=", "-b", "main", "--", path};
        TRY(git.output(call));
    }
    return open(path);
}

Result<std::optional<Oid>> Repo::resolve(const RefName& ref) const {
    git_oid oid{};
    const int code = git_reference_name_to_id(&oid, repository_, ref.str().c_str());
    if (code == GIT_ENOTFOUND) return std::optional<Oid>();
    if (code != 0) return fail_git("cannot read " + escape_foreign(ref.str()), code);
    return std::optional<Oid>(cooked(oid));
}

Result<void> Repo::update_ref(const RefName& ref, const Oid& to, const std::optional<Oid>& expected,
                              const std::string& why) {
    const git_oid target = raw(to);
    git_reference* made = nullptr;
    int code = 0;
    if (expected) {
        const git_oid before = raw(*expected);
        code = git_reference_create_matching(&made, repository_, ref.str().c_str(), &target, 1, &before,
                                             why.c_str());
    } else {
        code = git_reference_create(&made, repository_, ref.str().c_str(), &target, 0, why.c_str());
    }
    const ReferenceHandle reference(made);
    if (code == GIT_EEXISTS || code == GIT_ENOTFOUND || code == GIT_EMODIFIED)
        return fail(ErrorKind::Locked, "somebody else moved " + escape_foreign(ref.str()) + " meanwhile");
    if (code != 0) return fail_git("cannot move " + escape_foreign(ref.str()), code);
    return {};
}

bool Repo::contains(const Oid& oid) const {
    git_odb* odb = nullptr;
    if (git_repository_odb(&odb, repository_) != 0) return false;
    const OdbHandle owner(odb);
    const git_oid id = raw(oid);
    return oid.str().size() == GIT_OID_HEXSZ && git_odb_exists(odb, &id) == 1;
}

namespace {

Result<CommitHandle> find_commit(git_repository* repository, const Oid& oid) {
    git_commit* commit = nullptr;
    const git_oid id = raw(oid);
    const int code = git_commit_lookup(&commit, repository, &id);
    if (code != 0) return fail_git("cannot read the commit " + oid.str(), code);
    return CommitHandle(commit);
}

WallTime time_of(const git_signature* who) {
    return WallTime(std::chrono::seconds(who->when.time));
}

}  // namespace

Result<CommitInfo> Repo::commit(const Oid& oid) const {
    const auto commit = TRY(find_commit(repository_, oid));
    CommitInfo info;
    info.oid = oid;
    info.tree = cooked(*git_commit_tree_id(commit.get()));
    for (unsigned i = 0; i < git_commit_parentcount(commit.get()); ++i)
        info.parents.push_back(cooked(*git_commit_parent_id(commit.get(), i)));
    const git_signature* author = git_commit_author(commit.get());
    const git_signature* committer = git_commit_committer(commit.get());
    info.author_name = author->name;
    info.author_email = author->email;
    info.author_time = time_of(author);
    info.committer_name = committer->name;
    info.committer_email = committer->email;
    info.committer_time = time_of(committer);
    info.message = git_commit_message(commit.get());
    return info;
}

Result<Oid> Repo::peel_to_commit(const Oid& oid) const {
    git_object* object = nullptr;
    const git_oid id = raw(oid);
    int code = git_object_lookup(&object, repository_, &id, GIT_OBJECT_ANY);
    const ObjectHandle owner(object);
    if (code != 0) return fail_git("cannot read the object " + oid.str(), code);
    git_object* target = nullptr;
    code = git_object_peel(&target, object, GIT_OBJECT_COMMIT);
    const ObjectHandle peeled(target);
    if (code != 0) return fail(ErrorKind::Invalid, "not a commit: " + oid.str());
    return cooked(*git_object_id(target));
}

Result<std::string> Repo::raw_object(const Oid& oid, size_t limit) const {
    git_odb* odb = nullptr;
    int code = git_repository_odb(&odb, repository_);
    const OdbHandle owner(odb);
    if (code != 0) return fail_git("cannot read the objects of " + escape_foreign(git_dir_), code);
    const git_oid id = raw(oid);
    size_t size = 0;
    git_object_t type{};
    code = git_odb_read_header(&size, &type, odb, &id);
    if (code != 0) return fail_git("cannot read the object " + oid.str(), code);
    if (size > limit)
        return fail(ErrorKind::Invalid,
                    "the object " + oid.str() + " is longer than " + std::to_string(limit) + " bytes");
    git_odb_object* object = nullptr;
    code = git_odb_read(&object, odb, &id);
    const OdbObjectHandle read(object);
    if (code != 0) return fail_git("cannot read the object " + oid.str(), code);
    return std::string(static_cast<const char*>(git_odb_object_data(object)), git_odb_object_size(object));
}

namespace {

// Read past the check of libgit2, whose hash looks for collisions: git did so when the object was received. Here it
// only has to be seen whether the disk still gives what was written. nullopt: ask the usual way, which says what is wrong.
std::optional<std::string> read_blob(git_odb* odb, const git_oid& id, const Oid& oid, size_t limit) {
    for (size_t i = 0; i < git_odb_num_backends(odb); ++i) {
        git_odb_backend* backend = nullptr;
        if (git_odb_get_backend(&backend, odb, i) != 0 || backend->read == nullptr) continue;
        void* data = nullptr;
        size_t size = 0;
        git_object_t type{};
        if (backend->read(&data, &size, &type, backend, &id) != 0) continue;
        const ScopeExit release([&] { git_odb_backend_data_free(backend, data); });
        if (type != GIT_OBJECT_BLOB || size > limit) return std::nullopt;
        std::string content(static_cast<const char*>(data), size);
        Sha1 hash;
        hash.update("blob " + std::to_string(size) + std::string(1, '\0'));
        hash.update(content);
        if (hash.finish_hex() != oid.str()) return std::nullopt;
        return content;
    }
    return std::nullopt;
}

}  // namespace

Result<std::string> Repo::blob(const Oid& oid, size_t limit) const {
    git_odb* odb = nullptr;
    if (git_repository_odb(&odb, repository_) == 0) {
        const OdbHandle owner(odb);
        const git_oid id = raw(oid);
        size_t size = 0;
        git_object_t type{};
        if (git_odb_read_header(&size, &type, odb, &id) == 0 && size <= limit)
            if (auto content = read_blob(odb, id, oid, limit)) return std::move(*content);
    }
    return raw_object(oid, limit);
}

Result<std::uint64_t> Repo::blob_size(const Oid& oid) const {
    git_odb* odb = nullptr;
    int code = git_repository_odb(&odb, repository_);
    const OdbHandle owner(odb);
    if (code != 0) return fail_git("cannot read the objects of " + escape_foreign(git_dir_), code);
    const git_oid id = raw(oid);
    size_t size = 0;
    git_object_t type{};
    code = git_odb_read_header(&size, &type, odb, &id);
    if (code != 0) return fail_git("cannot read the object " + oid.str(), code);
    return size;
}

Result<bool> Repo::reaches(const Oid& tip, const Oid& ancestor) const {
    if (tip == ancestor) return true;
    const git_oid from = raw(tip);
    const git_oid to = raw(ancestor);
    const int code = git_graph_descendant_of(repository_, &from, &to);
    if (code < 0) return fail_git("cannot read the history of " + tip.str(), code);
    return code == 1;
}

Result<std::vector<Oid>> Repo::walk(const Oid& tip, const std::vector<Oid>& hidden, size_t limit) const {
    git_revwalk* made = nullptr;
    int code = git_revwalk_new(&made, repository_);
    const RevwalkHandle walk(made);
    if (code != 0) return fail_git("cannot read the history of " + tip.str(), code);
    git_revwalk_sorting(made, GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME);
    const git_oid from = raw(tip);
    code = git_revwalk_push(made, &from);
    for (const auto& oid : hidden) {
        const git_oid id = raw(oid);
        if (code == 0 && contains(oid)) code = git_revwalk_hide(made, &id);
    }
    std::vector<Oid> found;
    git_oid next{};
    while (code == 0 && found.size() < limit) {
        code = git_revwalk_next(&next, made);
        if (code == 0) found.push_back(cooked(next));
    }
    if (code != 0 && code != GIT_ITEROVER) return fail_git("cannot read the history of " + tip.str(), code);
    return found;
}

Result<Oid> Repo::write_blob(std::string_view content) {
    git_oid oid{};
    const int code = git_blob_create_from_buffer(&oid, repository_, content.data(), content.size());
    if (code != 0) return fail_git("cannot write an object", code);
    return cooked(oid);
}

Result<Oid> Repo::write_raw_tree(std::string_view bytes) {
    git_odb* opened = nullptr;
    int code = git_repository_odb(&opened, repository_);
    const OdbHandle objects(opened);
    git_oid oid{};
    if (code == 0) code = git_odb_write(&oid, opened, bytes.data(), bytes.size(), GIT_OBJECT_TREE);
    if (code != 0) return fail_git("cannot write a tree", code);
    return cooked(oid);
}

Result<Oid> Repo::write_commit(const Oid& tree, const std::vector<Oid>& parents, const std::string& name,
                               const std::string& email, WallTime when, const std::string& message) {
    git_signature* made = nullptr;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
    int code = git_signature_new(&made, name.c_str(), email.c_str(), seconds, 0);
    const SignatureHandle who(made);
    if (code != 0)
        return fail_git("not an author: " + escape_foreign(name) + " <" + escape_foreign(email) + ">", code);
    git_tree* found = nullptr;
    const git_oid tree_id = raw(tree);
    code = git_tree_lookup(&found, repository_, &tree_id);
    const TreeHandle tree_owner(found);
    if (code != 0) return fail_git("cannot read the tree " + tree.str(), code);
    std::vector<CommitHandle> owners;
    std::vector<const git_commit*> pointers;
    for (const auto& parent : parents) {
        owners.push_back(TRY(find_commit(repository_, parent)));
        pointers.push_back(owners.back().get());
    }
    git_oid oid{};
    code = git_commit_create(&oid, repository_, nullptr, made, made, "UTF-8", message.c_str(), found,
                             pointers.size(), pointers.data());
    if (code != 0) return fail_git("cannot write a commit", code);
    return cooked(oid);
}

}  // namespace tidegate::shared
