#include "reconciler/source.hpp"

#include "reconciler/git_remotes.hpp"
#include "reconciler/store_cleaning.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr Duration kLocal{120'000};  // for git commands that ask no remote
// All that git says when SIGXFSZ ended the unpacker: for every other fault the unpacker itself says more.
constexpr std::string_view kKilledUnpacker = "fatal: fetch-pack: invalid index-pack output";
const std::string kCommits(kCommitRefs);
const std::string kTags(kTagRefs);
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

}  // namespace

GitMirror::GitMirror(BareStore store, Url url, SourceAccess access, TransferLimits limits)
    : store_(std::move(store)), url_(std::move(url)), access_(std::move(access)), limits_(limits) {}

Result<GitMirror> GitMirror::open(const std::string& folder, Url url, SourceAccess access,
                                  TransferLimits limits) {
    TRY(check_protocol(url, access));
    TRY(access_settings(url, access));  // says now what is wrong with them
    auto store = TRY(BareStore::open(folder + "/" + sha256_hex(url.str()), url.redacted()));
    return GitMirror(std::move(store), std::move(url), std::move(access), limits);
}

Result<void> GitMirror::set_aside() {
    return store_.set_aside();
}

Result<Repo> GitMirror::repo() const {
    return store_.repo();
}

Result<GitCall> GitMirror::remote_call(std::vector<std::string> args, Duration timeout, int cancel_fd) const {
    std::string control_path = "none";
    if (access_.remotes != nullptr) connection_ = access_.remotes->ssh_for(url_, access_, cancel_fd);
    if (connection_) control_path = connection_->socket();
    auto settings = TRY(access_settings(url_, access_, control_path));
    GitCall call;
    call.args = std::move(args);
    call.git_dir = store_.path();
    call.protocols = {url_.scheme()};
    call.env = std::move(settings.env);
    call.config = std::move(settings.config);
    call.config.emplace_back("protocol.version=2");
    call.config.emplace_back("core.bigFileThreshold=8m");  // larger ones are never held in memory
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
    auto exit = TRY(store_.git().run(call));
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
    // Nor may the next try find here what was refused now.
    if (done.error().kind == ErrorKind::Invalid && !drop_unreferenced(store_)) TRY(store_.move_aside());
    // Attack 31: what a crash or the disk did to our copy is mended here; what the remote did is reported.
    const bool may_be_ours = done.error().kind == ErrorKind::Failed ||
                             done.error().kind == ErrorKind::Broken ||
                             says(done.error(), "hung up unexpectedly");
    if (!may_be_ours || !is_corrupt()) return fail(std::move(done.error()));
    TRY(store_.move_aside());
    TRY(store_.prepare());
    TRY(ask(call));
    return {};
}

bool GitMirror::is_corrupt() const {
    GitCall call;
    call.args = {"fsck", "--connectivity-only", "--no-progress", "--no-dangling"};
    call.git_dir = store_.path();
    call.timeout = kLocal;
    const auto exit = store_.git().run(call);
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

// Whether it came, with the tag that the manifest names, by one question each.
Result<bool> GitMirror::fetch_commit_quickly(const Oid& commit, const std::optional<std::string>& tag,
                                             int cancel_fd) const {
    if (access_.remotes == nullptr) return false;
    QuickFetch what{commit, known_ref(kCommits + commit.str()), {}, true, cancel_fd};
    if (tag) {
        const auto tagged = asked_quickly(TRY(RefName::parse("refs/tags/" + *tag)), cancel_fd);
        if (!tagged) return false;
        what.tag = {known_ref(local_tag(*tag)), *tagged};
    }
    return fetch_quickly(what) && TRY(is_here(commit, tag));
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
    const auto locked = TRY(store_.lock(limits_.timeout, cancel_fd));
    TRY(store_.prepare());
    if (TRY(fetch_commit_quickly(commit, tag, cancel_fd))) return {};
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
    const auto locked = TRY(store_.lock(limits_.timeout, cancel_fd));
    TRY(store_.prepare());
    const auto ref = known_ref(kAttestations);
    if (auto there = asked_quickly(ref, cancel_fd)) {
        const auto objects = TRY(repo());
        const auto here = objects.resolve(ref);
        if (here && *here == there && objects.commit(*there)) return there;
        if (fetch_quickly({*there, ref, {}, false, cancel_fd})) return there;
    }
    auto done = fetch({{"+" + kAttestations + ":" + kAttestations}, true, cancel_fd});
    if (!done && done.error().kind == ErrorKind::NotFound && says(done.error(), "couldn't find remote ref"))
        return std::optional<Oid>();
    if (!done) return fail(std::move(done.error()).during("fetching the attestations"));
    const auto objects = TRY(repo());
    return objects.resolve(ref);
}

std::optional<Oid> GitMirror::asked_quickly(const RefName& ref, int cancel_fd) const {
    return access_.remotes == nullptr ? std::nullopt : access_.remotes->look(url_, ref, access_, cancel_fd);
}

Result<std::optional<Oid>> GitMirror::look(const RefName& ref, int cancel_fd) {
    if (auto found = asked_quickly(ref, cancel_fd)) return found;
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

Result<Oid> GitMirror::fetch_ref(const RefName& ref, const RefName& local, const std::optional<Oid>& there,
                                 int cancel_fd) {
    const auto locked = TRY(store_.lock(limits_.timeout, cancel_fd));
    TRY(store_.prepare());
    if (there && fetch_quickly({*there, local, {}, false, cancel_fd})) return *there;
    TRY(fetch({{"+" + ref.str() + ":" + local.str()}, false, cancel_fd}));
    const auto objects = TRY(repo());
    const auto now = TRY(objects.resolve(local));
    if (!now) return fail(ErrorKind::Broken, "a fetch brought no " + escape_foreign(ref.str()));
    return *now;
}

Result<void> GitMirror::keep_only(const std::vector<Oid>& commits) {
    return store_.keep_only(commits);
}

}  // namespace tidegate::reconciler
