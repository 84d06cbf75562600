#include "reconciler/adoption.hpp"

#include "manifests/edit.hpp"
#include "reconciler/host_ports.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

Result<const DeclaredApp*> declared_in(const Look& look, const std::string& app) {
    const auto found = look.apps.find(app);
    if (found == look.apps.end() || !look.accepted)
        return fail(ErrorKind::NotFound,
                    "no manifest of the accepted revision declares " + app + " for this host",
                    "declare it first: without a manifest nothing would be done with it");
    const auto& declared = found->second;
    if (declared.wrong) return fail(Error(*declared.wrong));
    if (!declared.spec) return fail(ErrorKind::Invalid, "the manifest of " + app + " cannot be used");
    return &declared;
}

// Whoever owns the release's folder can put anything into it while it is compared.
Result<void> check_release_folder(const AppRoot& root, const ReleaseId& id) {
    const Fd folder = TRY(root.open_release(id));
    struct stat info {};
    if (fstat(folder.get(), &info) != 0) return fail_errno("cannot read " + root.release_path(id));
    const auto& user = root.user();
    if (info.st_uid != 0 && info.st_uid != geteuid() && (!user || info.st_uid != user->uid))
        return fail(ErrorKind::Permission,
                    "the release belongs to another user (uid " + std::to_string(info.st_uid) +
                        "): " + root.release_path(id),
                    "name that user in the manifest (`user`), or chown -R the release to the app's");
    if ((info.st_mode & S_IWOTH) != 0)
        return fail(ErrorKind::Permission, "everybody may write the release: " + root.release_path(id),
                    "chmod -R o-w " + shell_quote(root.release_path(id)));
    return {};
}

Error nothing_runs(const std::string& root) {
    return {ErrorKind::NotFound,
            "there is no `current` in " + root + ": nothing runs there",
            "nothing needs to be adopted; the first deployment makes it",
            {},
            {}};
}

Result<ReleaseId> running_folder(const AppRoot& root) {
    auto current = TRY(root.current());
    if (!current) return fail(nothing_runs(root.path()));
    return *std::move(current);
}

Result<void> check_unknown(Journal& journal, const std::string& app, const ReleaseId& release) {
    const auto remembered = TRY(journal.app(app));
    if (TRY(journal.unfinished(app)))
        return fail(ErrorKind::Locked, "a deployment of " + app + " is under way",
                    "tidegatectl status " + app + "; adopt is for what was deployed by somebody else");
    if (!remembered.running) return {};
    if (remembered.running->release == release.str())
        return fail(ErrorKind::Usage, app + " runs " + release.str() + ", and Tidegate knows it already",
                    "there is nothing to adopt");
    return fail(ErrorKind::Usage,
                app + " is looked after already: it is to run " + remembered.running->release +
                    ", and `current` was moved to " + release.str(),
                "to deploy another release change the manifest; tidegatectl why " + app);
}

Result<Oid> commit_of(const AdoptionRequest& request, FormerTool& tool, const AppSpec& spec,
                      const std::string& release) {
    if (!request.commit.empty()) {
        auto given = Oid::parse(request.commit);
        if (!given)
            return fail(ErrorKind::Usage,
                        "not a full commit id: " + escape_foreign(request.commit.substr(0, 80)),
                        "git rev-parse gives it");
        if (tool.commit && !given->str().starts_with(*tool.commit))
            tool.doubts.push_back(tool.said_by + " says " + tool.commit->substr(0, 12) + ", --commit says " +
                                  given->str().substr(0, 12));
        tool.said_by = "--commit";
        return *given;
    }
    if (!tool.commit)
        return fail(ErrorKind::NotFound,
                    "nothing in releases/" + release + " tells which commit it came from",
                    "say it: --commit FULL_ID");
    if (spec.commit.str().starts_with(*tool.commit)) return spec.commit;
    auto whole = Oid::parse(*tool.commit);
    if (whole) return *whole;
    return fail(
        ErrorKind::Invalid,
        tool.said_by + " holds an abbreviated id, " + *tool.commit + ", which is not the declared commit's",
        "say the whole one: --commit FULL_ID");
}

// The manifest as it would have been for `commit`: what a revert to this release goes by.
Result<std::string> manifest_for(const DeclaredApp& declared, const Oid& commit) {
    const auto& spec = *declared.spec;
    if (spec.commit == commit) return declared.text;
    const auto* git = std::get_if<manifests::GitSource>(&spec.source);
    if (git == nullptr)
        return fail(ErrorKind::Unsupported,
                    "what runs is not the release that the manifest asks for, and the "
                    "manifest's source is not git: " +
                        declared.file,
                    "declare the running release first, by an archive of it or from git; then adopt it");
    return manifests::with_release(declared.file, declared.text,
                                   manifests::GitSource{git->url, commit, std::nullopt});
}

std::string some_of(const std::vector<std::string>& paths) {
    std::string out;
    for (size_t i = 0; i < paths.size() && i < 3; ++i) out += (i == 0 ? "" : ", ") + escape_foreign(paths[i]);
    return paths.size() > 3 ? out + " …" : out;
}

void judge_files(AdoptionPlan& plan) {
    const auto& compared = *plan.compared;
    if (!compared.changed.empty())
        plan.warnings.push_back(count_of(compared.changed.size(), "file differs", "files differ") +
                                " from the commit: " + some_of(compared.changed) +
                                "; the next release will not have these changes");
    if (!compared.missing.empty())
        plan.warnings.push_back(
            count_of(compared.missing.size(), "file") + " of the commit " +
            (compared.missing.size() == 1 ? "is" : "are") + " not here: " + some_of(compared.missing) +
            (compared.leaves_out ? " (.gitattributes makes `git archive` leave files out)" : ""));
}

void judge_shared(AdoptionPlan& plan, const AppRoot& root, const AppSpec& spec,
                  const std::map<std::string, std::string>& links) {
    std::vector<std::string> declared;
    for (const auto& path : spec.shared.dirs) declared.push_back(path.str());
    for (const auto& path : spec.shared.files) declared.push_back(path.str());
    const auto folder = root.open_release(plan.release);
    for (const auto& path : declared) {
        const auto link = links.find(path);
        if (link != links.end() && link->second == path) continue;
        struct stat info {};
        if (folder && fstatat(folder->get(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
            plan.warnings.push_back(path + " is the release's own here, not a link to shared/" + path +
                                    ": what it holds is not in the next release, unless you copy it there");
    }
    for (const auto& [path, target] : links)
        if (std::find(declared.begin(), declared.end(), path) == declared.end())
            plan.warnings.push_back(
                escape_foreign(path) + " is a link to shared/" + escape_foreign(target) +
                " here, and `shared` of the manifest does not name it: the next release will not have it");
}

Result<void> ask_source(const Host& host, const AppSpec& spec, const AppRoot& root, AdoptionPlan& plan,
                        int cancel_fd) {
    const auto source = TRY(ReleaseSource::open(host, spec));
    TRY(source->fetch(cancel_fd));
    const auto repo = TRY(source->repo());
    const auto commit = TRY(source->commit());
    plan.compared = TRY(compare_release(root, plan.release, repo, commit, spec.commit, cancel_fd));
    const auto need = attestation_need(host.policy().attestations, spec.stages, spec.threshold);
    if (need.stages.empty()) {
        plan.proof = "none is asked for";
        return {};
    }
    const auto allowed = TRY(host.allowed());
    (void)source->fetch_proofs(cancel_fd);  // what is missing then is said below
    if (const auto proof = source->prove(need, allowed, host.trusted_now())) {
        plan.proof = "attested";
    } else {
        plan.proof = "not proven: " + proof.error().line();
        plan.warnings.push_back("this host would not deploy it: " + proof.error().line());
    }
    return {};
}

}  // namespace

Result<AdoptionPlan> plan_adoption(const Host& host, const Look& look, const std::string& app,
                                   const AdoptionRequest& request, int cancel_fd) {
    const auto& declared = *TRY(declared_in(look, app));
    const auto& spec = *declared.spec;
    const auto user = TRY(app_user(spec));
    auto opened = AppRoot::open(spec.root, host.config.roots, user, IfMissing::Fail);
    if (!opened && opened.error().kind == ErrorKind::NotFound) return fail(nothing_runs(spec.root));
    const auto root = TRY(std::move(opened));
    const auto release = TRY(running_folder(root));
    TRY(check_release_folder(root, release));
    TRY(check_unknown(host.journal, app, release));
    auto tool = TRY(read_former_tool(root, release));
    const auto commit = TRY(commit_of(request, tool, spec, release.str()));
    const auto text = TRY(manifest_for(declared, commit));
    const auto own = TRY(read_app_spec(declared.file, text));

    AdoptionPlan plan{
        std::move(tool), release, own.release.str(), spec.commit == commit, {}, {}, {}, {}, {}, {}, {},
        false,           {}};
    plan.running = {spec.root,
                    release.str(),
                    commit.str(),
                    own.label(),
                    text,
                    manifest_digest(text),
                    look.accepted->revision.str(),
                    host.clock.now()};
    plan.signer = look.accepted->signer;
    plan.who = request.who;
    plan.with_old = request.with_old;
    plan.warnings = plan.tool.doubts;
    for (const auto& other : TRY(root.releases()))
        if (other != release) plan.others.push_back(other.str());

    if (auto asked = ask_source(host, own, root, plan, cancel_fd); !asked) {
        if (asked.error().kind == ErrorKind::Cancelled) return fail(std::move(asked.error()));
        plan.not_compared = asked.error().line();
        plan.warnings.push_back("it could not be compared with the commit: " + plan.not_compared);
    }
    if (plan.compared) judge_files(plan);
    judge_shared(plan, root, spec,
                 plan.compared ? plan.compared->shared_links : TRY(shared_links_of(root, release)));
    return plan;
}

Result<void> perform(const Host& host, const std::string& app, const AdoptionPlan& plan) {
    if (plan.compared) TRY(IntegrityStore(host.config.state, app).save(plan.release, plan.compared->record));
    DeploymentRow row;
    row.app = app;
    row.root = plan.running.root;
    row.to_release = plan.running.release;
    row.to_commit = plan.running.commit;
    row.to_label = plan.running.label;
    row.to_manifest = plan.running.manifest;
    row.digest = plan.running.digest;
    row.revision = plan.running.revision;
    row.signer = plan.who;
    row.started = plan.running.since;
    row.outcome = "adopted";
    row.reason =
        "taken over" + (plan.tool.name.empty() ? std::string() : " from " + plan.tool.name) + " as it was";
    std::vector<AdoptedRelease> rows{{plan.running.release, plan.stands_for, plan.with_old}};
    if (plan.with_old)
        for (const auto& other : plan.others) rows.push_back({other, "", true});
    TRY(host.journal.take_over(row, plan.running, rows));
    host.log.info("adopted", {{"app", app},
                              {"release", plan.running.release},
                              {"commit", plan.running.commit},
                              {"said_by", plan.tool.said_by},
                              {"by", plan.who},
                              {"warnings", std::to_string(plan.warnings.size())}});
    return {};
}

Value to_value(const std::string& app, const AdoptionPlan& plan) {
    const auto texts = [](const std::vector<std::string>& from, size_t most) {
        Value list(Value::List{});
        for (size_t i = 0; i < from.size() && i < most; ++i) list.push(Value(from[i]));
        return list;
    };
    Value out;
    out.set("app", app);
    out.set("root", plan.running.root);
    out.set("tool", plan.tool.name);
    out.set("release", plan.running.release);
    out.set("commit", plan.running.commit);
    out.set("label", plan.running.label);
    out.set("said_by", plan.tool.said_by);
    out.set("deployed_by", plan.tool.by);
    out.set("as_declared", Value(plan.as_declared));
    if (plan.compared) {
        Value files;
        files.set("same", static_cast<std::int64_t>(plan.compared->same));
        files.set("extra", static_cast<std::int64_t>(plan.compared->extra));
        files.set("changed", texts(plan.compared->changed, 1000));
        files.set("missing", texts(plan.compared->missing, 1000));
        out.set("files", std::move(files));
        std::vector<std::string> shared;
        for (const auto& [path, target] : plan.compared->shared_links) shared.push_back(path);
        out.set("shared", texts(shared, 1000));
    } else {
        out.set("not_compared", plan.not_compared);
    }
    out.set("proof", plan.proof);
    out.set("others", texts(plan.others, 1000));
    out.set("with_old", Value(plan.with_old));
    out.set("warnings", texts(plan.warnings, 1000));
    return out;
}

ReleaseId folder_of(Journal& journal, const AppSpec& spec) {
    for (const auto& adopted : journal.adopted(spec.app).value_or(std::vector<AdoptedRelease>{})) {
        if (adopted.stands_for != spec.release.str()) continue;
        struct stat info {};
        const auto path = spec.root + "/releases/" + adopted.release;
        auto id = ReleaseId::parse(adopted.release);
        if (id && lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return *std::move(id);
    }
    return spec.release;
}

}  // namespace tidegate::reconciler
