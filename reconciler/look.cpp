#include "reconciler/look.hpp"

#include "manifests/depends.hpp"
#include "reconciler/git_remotes.hpp"
#include "reconciler/host_ports.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kManifestLimit = 1 << 20;
constexpr Duration kReadAgain{900'000};
constexpr std::string_view kSuffix = ".yaml";
constexpr std::string_view kLeaveOut = "[skip-deploy]";  // in a commit's message: hosts wait for the next one

bool for_this_host(const AppSpec& spec, const HostConfig& config) {
    for (const auto& [label, value] : spec.hosts) {
        const auto have = config.labels.find(label);
        if (have == config.labels.end() || have->second != value) return false;
    }
    return true;
}

DeclaredApp read_app(const Host& host, const std::string& app, std::string file, std::string text) {
    DeclaredApp out;
    out.app = app;
    out.file = std::move(file);
    out.digest = manifest_digest(text);
    auto spec = read_app_spec(out.file, text);
    out.text = std::move(text);
    if (!spec) {
        out.wrong = std::move(spec.error());
    } else if (spec->app != app) {
        out.wrong = Error{ErrorKind::Invalid,
                          out.file + " declares the app `" + escape_foreign(spec->app) + "`",
                          "a manifest is called after its app",
                          {},
                          {}};
    } else if (!root_allowed(host.config, spec->root)) {
        out.wrong =
            Error{ErrorKind::Denied,
                  "the root " + escape_foreign(spec->root) + " lies beneath none of this host's `roots`",
                  "change it in " + out.file + ", or `roots` in " + host.config.file,
                  {},
                  {}};
    } else if (auto user = app_user(*spec); !user) {
        out.wrong = std::move(user.error());
    }
    if (spec) out.spec = std::move(*spec);
    if (out.wrong && out.spec && !for_this_host(*out.spec, host.config)) out.wrong.reset();
    return out;
}

Result<Schedule> schedule_at(const Host& host, const Repo& repo, const Oid& revision) {
    return schedule_of(TRY(branch_rules(repo, revision)), host.config.environment, host.clock.now());
}

bool lies_in(const std::string& root, const std::string& other) {
    return root == other || root.starts_with(other + "/");
}

// Two apps in one folder would undo each other for ever: neither is touched.
void refuse_shared_roots(std::map<std::string, DeclaredApp>& apps) {
    std::map<std::string, Error> wrong;
    for (const auto& [name, app] : apps)
        for (const auto& [other_name, other] : apps) {
            if (name == other_name || !app.spec || !other.spec) continue;
            const auto& root = app.spec->root;
            const auto& taken = other.spec->root;
            if (!lies_in(root, taken) && !lies_in(taken, root)) continue;
            const auto how = root == taken ? " is that of " : " meets that of ";
            wrong.emplace(name, Error{ErrorKind::Invalid,
                                      "the root " + root + how + other.file + " too",
                                      "give each app a folder of its own",
                                      {},
                                      {}});
        }
    for (auto& [name, error] : wrong) {
        apps[name].spec.reset();
        apps[name].wrong = std::move(error);
    }
}

// Apps that wait for each other would wait for ever.
void refuse_circles(std::map<std::string, DeclaredApp>& apps) {
    manifests::Dependencies dependencies;
    for (const auto& [name, app] : apps)
        if (app.spec) dependencies[name] = app.spec->depends_on;
    for (auto& [name, app] : apps) {
        const auto circle = manifests::circle_of(dependencies, name);
        if (circle.empty() || app.wrong) continue;
        app.wrong = Error{ErrorKind::Invalid,
                          "`depends_on` goes in a circle: " + join(circle, " → "),
                          "take one of them out",
                          {},
                          {}};
    }
}

// `<environment>/<app>.yaml`, one level, at `revision`. A file that cannot be read makes that app wrong, not the
// others.
Result<std::map<std::string, DeclaredApp>> read_apps(const Host& host, const Repo& repo,
                                                     const Oid& revision) {
    std::map<std::string, DeclaredApp> apps;
    const auto commit = TRY(repo.commit(revision));
    const auto folder = TRY(repo.entry_at(commit.tree, host.config.environment));
    if (!folder) return apps;
    if (folder->kind != EntryKind::Tree)
        return fail(ErrorKind::Invalid,
                    host.config.environment + " of " + revision.short_str() + " is no folder");
    for (const auto& entry : TRY(repo.list_level(folder->oid))) {
        if (entry.path.size() <= kSuffix.size() || !entry.path.ends_with(kSuffix)) continue;
        if (entry.kind != EntryKind::File && entry.kind != EntryKind::Executable) continue;
        const auto app = entry.path.substr(0, entry.path.size() - kSuffix.size());
        if (!check_name("app", app)) continue;
        const auto file = host.config.environment + "/" + entry.path;
        auto found = read_app(host, app, file, TRY(repo.blob(entry.oid, kManifestLimit)));
        if (found.spec && !for_this_host(*found.spec, host.config)) continue;
        apps.emplace(app, std::move(found));
    }
    refuse_shared_roots(apps);
    refuse_circles(apps);
    return apps;
}

// Which of the apps the refused tip would change: by comparing names of blobs, nothing of it is read.
void mark_pending(Look& look, const Host& host, const Repo& repo) {
    const auto accepted = repo.commit(look.accepted->revision);
    const auto tip = repo.commit(*look.tip);
    if (!accepted || !tip) return;
    const auto why = "revision " + look.tip->short_str() + " is refused: " + look.refused->line();
    for (auto& [name, app] : look.apps) {
        const auto path = host.config.environment + "/" + name + std::string(kSuffix);
        const auto here = repo.entry_at(accepted->tree, path);
        const auto there = repo.entry_at(tip->tree, path);
        const bool same = here && there && *here && *there && (*here)->oid == (*there)->oid;
        if (!same) app.pending = why;
    }
}

// Rules that cannot be read are not taken for none: nothing is deployed by them.
void read_schedule(Look& look, const Host& host, const Repo& repo) {
    auto schedule = schedule_at(host, repo, look.accepted->revision);
    if (schedule) {
        look.schedule = std::make_shared<const Schedule>(std::move(*schedule));
        return;
    }
    if (!look.refused) look.refused = schedule.error();
    for (auto& [name, app] : look.apps)
        if (!app.wrong) app.wrong = schedule.error();
}

void read_age(Look& look, const Repo& repo) {
    if (const auto commit = repo.commit(look.accepted->revision)) look.newest = commit->committer_time;
}

// What was heard is remembered over restarts, without a write for each look. A clock that was put back must not keep
// the silence from being counted.
void remember_heard(const Host& host, Look& look, const Look* before) {
    const auto now = host.clock.now();
    look.silent_since = std::min(look.silent_since, now);
    if (!look.heard) return;
    look.heard = std::min(*look.heard, now);
    const bool lost = look.unreachable && (before == nullptr || !before->unreachable);
    const auto age = *look.heard - look.heard_saved;
    if (age == Duration(0) || (!lost && age > Duration(0) && age < host.config.stale_after / 8)) return;
    if (auto ok = host.journal.save_heard(*look.heard); ok)
        look.heard_saved = *look.heard;
    else
        host.log.warning("the journal cannot be written", ok.error());
}

// git's own `Revert "<subject>"` repeats the subject of what it reverts: that is no wish of its author's.
bool says_leave_out(std::string_view message) {
    if (message.starts_with("Revert \"")) message.remove_prefix(std::min(message.find('\n'), message.size()));
    return message.find(kLeaveOut) != std::string_view::npos;
}

Result<ManifestsBranch> open_branch(const Host& host) {
    return ManifestsBranch::open(host.manifests_folder(), *host.config.manifests_url,
                                 *host.config.manifests_branch, TRY(host.manifests_access()));
}

// Follows the tip where policy lets it; what is remembered as accepted is on disk before anything is done with it.
Result<void> accept_tip(const Host& host, const Repo& repo, Look& look) {
    // Asked at every look, so that the time is remembered in quiet months, too.
    const auto now = host.trusted_now();
    if (look.accepted && look.accepted->revision == *look.tip) return {};
    std::optional<Oid> before;
    if (look.accepted) before = look.accepted->revision;
    const auto allowed = TRY(host.allowed());
    const auto verified = TRY(verify_revision(repo, *look.tip, before, host.policy(), allowed, now));
    look.left_out = says_leave_out(TRY(repo.commit(*look.tip)).message);
    if (look.left_out) return {};
    const auto signer = verified.signer ? verified.signer->principal : std::string();
    TRY(schedule_at(host, repo, verified.oid));
    TRY(host.journal.accept(verified.oid, signer, host.clock.now()));
    look.accepted = TRY(host.journal.accepted());
    host.log.info("revision accepted",
                  {{"revision", verified.oid.str()}, {"signer", signer}, {"summary", verified.summary}});
    return {};
}

// `there`: what the branch is, where that was asked already.
Result<void> look_into(const Host& host, Look& look, std::optional<Oid> there, int cancel_fd) {
    auto branch = TRY(open_branch(host));
    const auto tip = branch.look(cancel_fd, std::move(there));
    if (tip)
        look.tip = tip->commit;
    else
        look.unreachable = tip.error();
    const auto repo = TRY(branch.repo());
    if (look.tip) {
        const auto accepted = accept_tip(host, repo, look);
        const bool refused = !accepted && (accepted.error().kind == ErrorKind::Denied ||
                                           accepted.error().kind == ErrorKind::Invalid);
        if (refused)
            look.refused = accepted.error();
        else if (!accepted)
            look.unreachable = accepted.error();
        if (!look.unreachable) look.heard = look.silent_since = host.clock.now();
    }
    if (!look.accepted) return {};
    read_age(look, repo);
    look.apps = TRY(read_apps(host, repo, look.accepted->revision));
    read_schedule(look, host, repo);
    if (look.refused && look.tip) mark_pending(look, host, repo);
    return {};
}

// Whether the look before holds as long as the branch has not moved.
bool may_hold(const Host& host, const Look& before) {
    const auto now = host.clock.now();
    const bool followed = before.accepted && before.tip && before.accepted->revision == *before.tip;
    if (!followed || before.refused || before.unreachable || !before.schedule) return false;
    if (now - before.read > kReadAgain || now < before.read) return false;
    for (const auto& [name, app] : before.apps)
        if (app.wrong) return false;
    const auto accepted = host.journal.accepted();
    return accepted && *accepted && (*accepted)->revision == *before.tip;
}

// What the branch is by one short question; nullopt where git has to be asked.
std::optional<Oid> asked_quickly(const Host& host, int cancel_fd) {
    const auto access = host.manifests_access();
    if (!access) return std::nullopt;
    return host.remotes.look(*host.config.manifests_url, *host.config.manifests_branch, *access, cancel_fd);
}

// The look before once more.
std::shared_ptr<const Look> same_again(const Host& host, const Look& before) {
    (void)host.trusted_now();  // so that the time is remembered in quiet months, too
    auto out = std::make_shared<Look>(before);
    out->heard = out->silent_since = out->at = host.clock.now();
    remember_heard(host, *out, &before);
    return out;
}

}  // namespace

Result<manifests::BranchRules> branch_rules(const Repo& repo, const Oid& revision) {
    const auto commit = TRY(repo.commit(revision));
    const std::string file(manifests::kBranchFile);
    const auto entry = TRY(repo.entry_at(commit.tree, file));
    if (!entry) return manifests::BranchRules{};
    if (entry->kind != EntryKind::File && entry->kind != EntryKind::Executable)
        return fail(ErrorKind::Invalid, file + " of " + revision.short_str() + " is no file");
    return manifests::parse_branch_rules(file, TRY(repo.blob(entry->oid, kManifestLimit)));
}

bool takes_over(const Look& look, const DeclaredApp& app, const Host& host) {
    if (!look.schedule || begins_by_itself(*look.schedule, host.clock.now())) return true;
    const auto remembered = host.journal.app(app.app);
    return remembered && remembered->running && remembered->running->digest == app.digest;
}

std::shared_ptr<const Look> look(const Host& host, const std::shared_ptr<const Look>& before, int cancel_fd) {
    const auto there = asked_quickly(host, cancel_fd);
    if (there && before && before->tip == there && may_hold(host, *before)) return same_again(host, *before);
    auto out = std::make_shared<Look>();
    out->silent_since = before ? before->silent_since : host.clock.now();
    if (before) {
        out->heard = before->heard;
        out->heard_saved = before->heard_saved;
    }
    out->read = host.clock.now();
    auto accepted = host.journal.accepted();
    if (accepted) {
        out->accepted = std::move(*accepted);
        if (auto ok = look_into(host, *out, there, cancel_fd); !ok) out->unreachable = std::move(ok.error());
        if (out->left_out && (!before || before->tip != out->tip))
            host.log.info("revision left out: its message says " + std::string(kLeaveOut),
                          {{"revision", out->tip->str()}});
    } else {
        out->unreachable = std::move(accepted.error());
    }
    // A look that failed half way keeps what was known: an empty set of apps must never mean "orphaned".
    if (out->unreachable && out->apps.empty() && before) {
        out->apps = before->apps;
        out->schedule = before->schedule;
        out->newest = before->newest;
    }
    out->at = host.clock.now();
    remember_heard(host, *out, before.get());
    return out;
}

std::shared_ptr<const Look> look_at_home(const Host& host) {
    auto out = std::make_shared<Look>();
    const auto now = host.clock.now();
    out->heard = host.journal.heard().value_or(std::nullopt);
    if (out->heard) out->heard = out->heard_saved = std::min(*out->heard, now);
    out->silent_since = out->heard.value_or(now);
    const auto accepted = host.journal.accepted();
    if (!accepted || !*accepted) return out;
    auto branch = open_branch(host);
    if (!branch) return out;
    const auto repo = branch->repo();
    if (!repo) return out;
    auto apps = read_apps(host, *repo, (*accepted)->revision);
    if (!apps) return out;
    out->accepted = *accepted;
    out->apps = std::move(*apps);
    read_age(*out, *repo);
    read_schedule(*out, host, *repo);
    return out;
}

}  // namespace tidegate::reconciler
