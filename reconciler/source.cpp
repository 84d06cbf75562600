#include "reconciler/source.hpp"

#include "reconciler/release_files.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr int kManyPacks = 16;
constexpr Duration kLocal{120'000};  // for git commands that ask no remote
constexpr Duration kLockSlice{100};
// All that git says when SIGXFSZ ended the unpacker: for every other fault the unpacker itself says more.
constexpr std::string_view kKilledUnpacker = "fatal: fetch-pack: invalid index-pack output";
const std::string kCommits = "refs/tidegate/commits/";
const std::string kTags = "refs/tidegate/tags/";
const std::string kAttestations = "refs/tidegate/attestations";

// Names of tags clash as paths ("a" and "a/b"); their digests don't.
std::string local_tag(const std::string& tag) {
    return kTags + sha256_hex(tag).substr(0, 40);
}

RefName known_ref(const std::string& name) {
    return RefName::parse(name).value();  // of our own making: digits below a fixed prefix
}

void replace_each(std::string& text, const std::string& what, const std::string& with) {
    if (what.empty() || what == with) return;
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
}

bool says(const Error& error, std::string_view text) {
    return error.message.find(text) != std::string::npos;
}

// ": object 1234…: hasDotgit: contains '.git'"
std::string fsck_words(const std::string& text) {
    for (const auto line : lines_of(text))
        if (line.starts_with("error: object ")) return ": " + escape_foreign(line.substr(7, 300));
    return {};
}

Result<void> remove_locks(int dir, int depth) {
    for (const auto& name : TRY(list_dir(dir))) {
        struct stat info {};
        if (fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
        const bool stale = name.ends_with(".lock") || name.starts_with("tmp_pack_") ||
                           name.starts_with("tmp_idx_") || name.starts_with("tmp_rev_") ||
                           name.starts_with("tmp_objdir-");
        if (stale) {
            TRY(remove_tree(dir, name));
        } else if (S_ISDIR(info.st_mode) && depth > 0) {
            const Fd below = TRY(open_beneath(dir, name, O_RDONLY | O_DIRECTORY));
            TRY(remove_locks(below.get(), depth - 1));
        }
    }
    return {};
}

}  // namespace

GitMirror::GitMirror(Git git, Url url, SourceAccess access, TransferLimits limits, std::string path)
    : git_(std::move(git)),
      url_(std::move(url)),
      access_(std::move(access)),
      limits_(limits),
      path_(std::move(path)) {}

Result<GitMirror> GitMirror::open(const std::string& folder, Url url, SourceAccess access,
                                  TransferLimits limits) {
    const auto& allowed = access.protocols;
    if (std::find(allowed.begin(), allowed.end(), url.scheme()) == allowed.end())
        return fail(ErrorKind::Denied,
                    "the protocol " + url.scheme() + " is not allowed on this host: " + url.redacted(),
                    "allowed by `trust.protocols`: " + join(allowed, ", "));
    TRY(access_settings(url, access));  // says now what is wrong with them
    TRY(make_dirs(folder, 0700));
    auto path = folder + "/" + sha256_hex(url.str());
    GitMirror mirror(TRY(Git::find(GitConfig::Closed)), std::move(url), std::move(access), limits,
                     std::move(path));
    // Whoever works on it now has prepared it.
    const auto locked = Lock::take(mirror.path_ + ".lock");
    if (locked)
        TRY(mirror.prepare());
    else if (locked.error().kind != ErrorKind::Locked)
        return fail(locked.error());
    return mirror;
}

// Two apps of one source wait for each other.
Result<Lock> GitMirror::lock(int cancel_fd) const {
    const auto end = std::chrono::steady_clock::now() + limits_.timeout;
    while (true) {
        auto taken = Lock::take(path_ + ".lock", kLockSlice);
        if (taken || taken.error().kind != ErrorKind::Locked) return taken;
        if (std::chrono::steady_clock::now() >= end) {
            taken.error().kind = ErrorKind::Transient;
            return taken;
        }
        TRY(check_cancelled(cancel_fd));
    }
}

// Made beside its place and renamed: a mirror is there whole or not at all.
Result<void> GitMirror::make() const {
    const auto fresh = path_ + ".new";
    TRY(remove_tree(fresh));
    GitCall call;
    call.args = {"init", "--quiet", "--bare", "--template=", "-b", "main", "--", fresh};
    TRY(git_.output(call));
    TRY(write_file_atomic(fresh + "/description", url_.redacted() + "\n", 0600));
    if (chmod(fresh.c_str(), 0700) != 0 || rename(fresh.c_str(), path_.c_str()) != 0)
        return fail_errno("cannot make the mirror " + path_);
    return {};
}

// What is wrong with the mirror's folder itself, empty for nothing.
Result<std::string> GitMirror::sane() const {
    struct stat info {};
    for (const char* name : {"/HEAD", "/config", "/objects", "/refs"})
        if (stat((path_ + name).c_str(), &info) != 0) return std::string(name + 1) + " is missing";
    for (const char* name : {"/objects/info/alternates", "/objects/info/http-alternates"})
        if (exists(path_ + name)) return std::string("it borrows objects from elsewhere");
    if (lstat(path_.c_str(), &info) != 0) return fail_errno("cannot open the mirror " + path_);
    if (!S_ISDIR(info.st_mode)) return std::string("it is not a folder");
    if (info.st_uid != geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(ErrorKind::Permission, "others may write the mirror: " + path_,
                    "it is safe to remove it: it is fetched again");
    return std::string();
}

Result<void> GitMirror::prepare() const {
    if (exists(path_)) {
        const auto wrong = TRY(sane());
        if (!wrong.empty()) TRY(move_aside());
    }
    if (!exists(path_)) TRY(make());
    for (const auto& [folder, depth] :
         {std::pair{"", 0}, {"/objects", 0}, {"/objects/pack", 0}, {"/refs", 8}}) {
        const auto dir = open_dir(path_ + folder);
        if (dir) TRY(remove_locks(dir->get(), depth));
    }
    return {};
}

Result<void> GitMirror::move_aside() const {
    const auto aside = path_ + ".broken";
    TRY(remove_tree(aside));
    if (rename(path_.c_str(), aside.c_str()) != 0 && errno != ENOENT)
        return fail_errno("cannot set the broken mirror aside: " + path_);
    return {};
}

Result<void> GitMirror::set_aside() {
    const auto locked = TRY(lock(-1));
    TRY(move_aside());
    return prepare();
}

Result<Repo> GitMirror::repo() const {
    return Repo::open(path_);
}

Result<GitCall> GitMirror::remote_call(std::vector<std::string> args, Duration timeout, int cancel_fd) const {
    auto settings = TRY(access_settings(url_, access_));
    GitCall call;
    call.args = std::move(args);
    call.git_dir = path_;
    call.protocols = {url_.scheme()};
    call.env = std::move(settings.env);
    call.config = std::move(settings.config);
    call.config.emplace_back("protocol.version=2");
    call.timeout = timeout;
    call.cancel_fd = cancel_fd;
    call.limits = {{RLIMIT_FSIZE, limits_.pack_bytes}, {RLIMIT_CORE, 0}};
    return call;
}

// Nothing that was let in by a secret shows it.
Error GitMirror::cleaned(Error error) const {
    const auto clean = [&](std::string& text) {
        replace_each(text, url_.str(), url_.redacted());
        replace_each(text, access_.token, "***");
    };
    clean(error.message);
    clean(error.hint);
    for (auto& line : error.context) clean(line);
    return error;
}

Result<std::string> GitMirror::ask(const GitCall& call) const {
    auto exit = TRY(git_.run(call));
    if (exit.ok() && !exit.truncated) return std::move(exit.out);
    auto error = git_failure(call, exit);
    const auto said = [&](std::string_view text) { return exit.err.find(text) != std::string::npos; };
    if (error.kind == ErrorKind::Denied) {
        error.message = "the ssh host key of " + url_.host() + " is not a known one";
        error.hint =
            "compare it by another way, then add it to " + access_.known_hosts.value_or("known_hosts");
    } else if (said("File too large") || trim(exit.err) == kKilledUnpacker) {
        error.kind = ErrorKind::Invalid;
        error.message =
            "a fetch was stopped: it wrote more than " + std::to_string(limits_.pack_bytes) + " bytes";
    } else if (said("fsck error") || said("fsckObjects")) {
        error.kind = ErrorKind::Invalid;
        error.message = "the remote sent an object that is not well formed" + fsck_words(exit.err);
        error.hint = "see what is wrong in a clone of it: git fsck";
    }
    return fail(cleaned(std::move(error)).during("asking " + escape_foreign(url_.redacted())));
}

Result<void> GitMirror::fetch(const Fetch& what) const {
    std::vector<std::string> args{
        "fetch",   "--quiet",         "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
        "--force", "--update-shallow"};
    if (what.shallow) args.emplace_back("--depth=1");
    args.emplace_back("--");
    args.push_back(url_.str());
    args.insert(args.end(), what.refspecs.begin(), what.refspecs.end());
    const auto call = TRY(remote_call(std::move(args), limits_.timeout, what.cancel_fd));
    auto done = ask(call);
    if (done) return {};
    // Attack 31: what a crash or the disk did to our copy is mended here; what the remote did is reported.
    const bool may_be_ours = done.error().kind == ErrorKind::Failed ||
                             done.error().kind == ErrorKind::Broken ||
                             says(done.error(), "hung up unexpectedly");
    if (!may_be_ours || !is_corrupt()) return fail(std::move(done.error()));
    TRY(move_aside());
    TRY(prepare());
    TRY(ask(call));
    return {};
}

bool GitMirror::is_corrupt() const {
    GitCall call;
    call.args = {"fsck", "--connectivity-only", "--no-progress", "--no-dangling"};
    call.git_dir = path_;
    call.timeout = kLocal;
    const auto exit = git_.run(call);
    return exit && !exit->timed_out && !exit->ok();
}

Result<bool> GitMirror::is_here(const Oid& commit, const std::optional<std::string>& tag) const {
    const auto objects = repo();
    if (!objects) return false;  // whatever is wrong with it is mended by a fetch
    const auto kept = objects->resolve(known_ref(kCommits + commit.str()));
    if (!kept || *kept != commit || !objects->commit(commit)) return false;
    if (!tag) return true;
    const auto tagged = objects->resolve(known_ref(local_tag(*tag)));
    if (!tagged || !*tagged) return false;
    const auto target = objects->peel_to_commit(**tagged);
    return target && *target == commit;
}

Result<void> GitMirror::fetch_by_id(const Oid& commit, const std::optional<std::string>& tag,
                                    int cancel_fd) const {
    Fetch what{{commit.str() + ":" + kCommits + commit.str()}, true, cancel_fd};
    if (tag) {
        const auto ref = TRY(RefName::parse("refs/tags/" + *tag));
        what.refspecs.push_back("+" + ref.str() + ":" + local_tag(*tag));
    }
    auto done = fetch(what);
    if (done) return {};
    const bool refused = says(done.error(), "unadvertised object") || says(done.error(), "shallow");
    if (!refused) return done;
    if (tag) {
        what.refspecs.erase(what.refspecs.begin());
        what.shallow = false;
        TRY(fetch(what));
    }
    return fetch_by_refs(commit, cancel_fd);
}

// For servers that give no commit by its id: all there is, then look.
Result<void> GitMirror::fetch_by_refs(const Oid& commit, int cancel_fd) const {
    TRY(fetch({{"+refs/heads/*:refs/tidegate/heads/*", "+refs/tags/*:refs/tidegate/all-tags/*"},
               false,
               cancel_fd}));
    auto objects = TRY(repo());
    if (!objects.contains(commit))
        return fail(ErrorKind::NotFound, "the commit " + commit.str() + " is on no branch or tag");
    return objects.update_ref(known_ref(kCommits + commit.str()), commit, std::nullopt, "fetched");
}

Result<void> GitMirror::fetch_commit(const Oid& commit, const std::optional<std::string>& tag,
                                     int cancel_fd) {
    if (TRY(is_here(commit, tag))) return {};
    const auto locked = TRY(lock(cancel_fd));
    TRY(prepare());
    auto done = fetch_by_id(commit, tag, cancel_fd);
    if (!done && done.error().kind == ErrorKind::NotFound) {
        const bool no_tag = tag && says(done.error(), "couldn't find remote ref");
        const auto where = " in " + escape_foreign(url_.redacted());
        if (no_tag)
            return fail(ErrorKind::Denied, "there is no tag " + escape_foreign(*tag) + where,
                        "push the tag, or mend `tag` in the manifest");
        if (says(done.error(), "not our ref") || says(done.error(), "on no branch"))
            return fail(ErrorKind::NotFound, "there is no commit " + commit.str() + where,
                        "was it pushed? A force-pushed branch may have lost it");
    }
    if (!done) return during("fetching " + commit.str(), std::move(done));
    const auto objects = TRY(repo());
    TRY(during("fetching " + commit.str(), objects.commit(commit)));
    if (!tag || TRY(is_here(commit, tag))) return {};
    return fail(ErrorKind::Denied,
                "the tag " + escape_foreign(*tag) + " does not point at " + commit.str() + " in " +
                    escape_foreign(url_.redacted()),
                "a tag was moved, or the manifest names the wrong one");
}

Result<std::optional<Oid>> GitMirror::fetch_attestations(int cancel_fd) {
    const auto locked = TRY(lock(cancel_fd));
    TRY(prepare());
    auto done = fetch({{"+" + kAttestations + ":" + kAttestations}, true, cancel_fd});
    if (!done && done.error().kind == ErrorKind::NotFound && says(done.error(), "couldn't find remote ref"))
        return std::optional<Oid>();
    if (!done) return fail(std::move(done.error()).during("fetching the attestations"));
    const auto objects = TRY(repo());
    return objects.resolve(known_ref(kAttestations));
}

Result<std::optional<Oid>> GitMirror::look(const RefName& ref, int cancel_fd) {
    const auto call =
        TRY(remote_call({"ls-remote", "--", url_.str(), ref.str()}, limits_.look_timeout, cancel_fd));
    const auto answer = TRY(ask(call));
    for (const auto line : lines_of(answer)) {
        const auto tab = line.find('\t');
        if (tab == std::string_view::npos || line.substr(tab + 1) != ref.str()) continue;
        return std::optional<Oid>(TRY(Oid::parse(line.substr(0, tab))));
    }
    return std::optional<Oid>();
}

Result<Oid> GitMirror::fetch_ref(const RefName& ref, const RefName& local, int cancel_fd) {
    const auto locked = TRY(lock(cancel_fd));
    TRY(prepare());
    TRY(fetch({{"+" + ref.str() + ":" + local.str()}, false, cancel_fd}));
    const auto objects = TRY(repo());
    const auto now = TRY(objects.resolve(local));
    if (!now) return fail(ErrorKind::Broken, "a fetch brought no " + escape_foreign(ref.str()));
    return *now;
}

Result<void> GitMirror::keep_only(const std::vector<Oid>& commits) {
    const auto locked = TRY(lock(-1));
    TRY(prepare());
    GitCall call;
    call.git_dir = path_;
    call.timeout = kLocal;
    call.args = {"for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", kCommits, kTags};
    std::string deletions;
    const auto refs = TRY(git_.output(call));
    for (const auto line : lines_of(refs)) {
        const bool wanted = std::any_of(commits.begin(), commits.end(), [&](const Oid& commit) {
            return line.find(commit.str(), line.find(' ')) != std::string_view::npos;
        });
        if (!wanted) deletions += "delete " + std::string(line.substr(0, line.find(' '))) + "\n";
    }
    if (deletions.empty()) return {};
    call.args = {"update-ref", "--stdin"};
    call.input = deletions;
    TRY(git_.output(call));
    call.input.clear();
    // Each fetch makes a pack: they are put together, without what is forgotten, when there are many.
    call.args = {"-c",      "gc.auto=6700",        "-c", "gc.autoPackLimit=" + std::to_string(kManyPacks),
                 "-c",      "gc.autoDetach=false", "gc", "--auto",
                 "--quiet", "--prune=now"};
    TRY(git_.output(call));
    return {};
}

}  // namespace tidegate::reconciler
