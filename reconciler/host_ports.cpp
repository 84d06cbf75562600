#include "reconciler/host_ports.hpp"

#include "reconciler/drift.hpp"
#include "reconciler/leftover.hpp"
#include "reconciler/look.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kLogsKept = 200;  // of an app

bool holds(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string server_of(const AppSpec& spec) {
    if (const auto* git = std::get_if<manifests::GitSource>(&spec.source)) return git->url.host();
    if (const auto* archive = std::get_if<manifests::ArchiveSource>(&spec.source)) return archive->url.host();
    const auto& ref = std::get<manifests::OciSource>(spec.source).ref;
    return ref.substr(0, ref.find('/'));
}

}  // namespace

Result<std::map<std::string, std::string>> load_secrets(const AppSpec& spec) {
    std::map<std::string, std::string> values;
    for (const auto& [name, source] : spec.secrets)
        values.emplace(name, TRY(during("reading the secret " + name, load_secret(source))));
    return values;
}

Result<std::optional<RunAs>> app_user(const AppSpec& spec) {
    if (spec.user.empty() && !spec.runs_commands()) return std::nullopt;
    return resolve_user(spec.user);
}

Result<CommandSite> command_site(const HostConfig& config, const AppSpec& spec, const AppRoot& root,
                                 const std::optional<std::string>& previous) {
    CommandSite site{spec.app, spec.release, std::nullopt, spec.commit, root.release_path(spec.release),
                     spec.env, {},           root.user()};
    if (previous && !previous->empty()) site.previous = TRY(ReleaseId::parse(*previous));
    site.secrets = TRY(load_secrets(spec));
    site.label = spec.label();
    site.sandbox = sandbox_for(config, spec.app, root, spec.shared, spec.limits);
    return site;
}

Result<std::unique_ptr<HostPorts>> HostPorts::make(const Host& host, const DeploymentRow& row) {
    auto to = TRY(read_app_spec(row.app, row.to_manifest));
    std::optional<AppSpec> from;
    if (!row.from_manifest.empty()) from = TRY(read_app_spec(row.app, row.from_manifest));
    // The folders are the row's: an adopted release has another name than its manifest would give it.
    to.release = TRY(ReleaseId::parse(row.to_release));
    if (from && !row.from_release.empty()) from->release = TRY(ReleaseId::parse(row.from_release));
    if (!root_allowed(host.config, to.root))
        return fail(ErrorKind::Denied,
                    "the root " + escape_foreign(to.root) + " lies beneath none of this host's `roots`",
                    "name a folder above it in `roots` of " + host.config.file);
    const auto user = TRY(app_user(to));
    auto root = TRY(AppRoot::open(to.root, host.config.roots, user, IfMissing::Create));
    const auto path = host.log_path(row.app, row.id);
    const auto folder = std::filesystem::path(path).parent_path().string();
    TRY(make_dirs(folder, 0700));
    DeploymentLog::forget_old(folder, kLogsKept);
    std::vector<std::string> hidden;
    for (const auto* spec : {&to, from ? &*from : nullptr}) {
        if (spec == nullptr) continue;
        const auto secrets = load_secrets(*spec);  // a missing secret is told of where it is needed
        if (!secrets) continue;
        for (const auto& entry : *secrets) hidden.push_back(entry.second);
        if (spec->sql) hidden.push_back(sql_password(*spec->sql, spec->env, *secrets));
    }
    auto log = TRY(DeploymentLog::open(path, hidden));
    return std::unique_ptr<HostPorts>(
        new HostPorts(host, row, std::move(to), std::move(from), std::move(root), std::move(log)));
}

HostPorts::HostPorts(const Host& host, DeploymentRow row, AppSpec to, std::optional<AppSpec> from,
                     AppRoot root, DeploymentLog log)
    : host_(host),
      row_(std::move(row)),
      to_(std::move(to)),
      from_(std::move(from)),
      root_(std::move(root)),
      log_(std::move(log)),
      store_(host.config.state, row_.app) {}

const AppSpec& HostPorts::spec(Side side) const {
    return side == Side::From && from_ ? *from_ : to_;
}

Result<ReleaseId> HostPorts::release(Side side) const {
    return ReleaseId::parse(side == Side::To ? row_.to_release : row_.from_release);
}

Result<CommandSite> HostPorts::site(Side side) const {
    auto site = TRY(command_site(host_.config, spec(side), root_,
                                 side == Side::To ? row_.from_release : row_.to_release));
    site.release = TRY(release(side));
    site.directory = root_.release_path(site.release);
    site.sandbox.deployment = row_.id;
    return site;
}

AttestationNeed HostPorts::need() const {
    return attestation_need(host_.policy().attestations, to_.stages, to_.threshold);
}

RunOptions HostPorts::options(std::string what, Duration timeout, int cancel_fd) const {
    RunOptions options;
    options.what = std::move(what);
    options.timeout = timeout;
    options.cancel_fd = cancel_fd;
    return options;
}

Result<Exit> HostPorts::run_journalled(const Script& script, const CommandSite& where, RunOptions how,
                                       DeploymentLog& log) {
    how.on_start = [this](pid_t pid) {
        const auto child = child_row(pid);
        if (!child) return;  // it has ended already
        if (auto ok = host_.journal.child_started(row_.id, *child); !ok)
            host_.log.warning("the journal cannot be written", ok.error());
    };
    auto exit = run_script(script, where, how, log);
    if (auto ok = host_.journal.child_ended(row_.id); !ok)
        host_.log.warning("the journal cannot be written", ok.error());
    return exit;
}

Result<std::string> HostPorts::fetch(int cancel_fd) {
    const auto slot = TRY(host_.fetches.take(server_of(to_), cancel_fd));
    const auto source = TRY(ReleaseSource::open(host_, to_));
    TRY(source->fetch(cancel_fd));
    if (need().stages.empty()) return std::string("source");
    const bool attested = TRY(source->fetch_proofs(cancel_fd));
    return std::string(attested ? "source and attestations" : "source; the remote has no attestations");
}

Result<void> HostPorts::check_approvals(const AllowedSigners& allowed, WallTime now) const {
    const auto access = TRY(host_.manifests_access());
    auto branch = TRY(ManifestsBranch::open(host_.manifests_folder(), *host_.config.manifests_url,
                                            *host_.config.manifests_branch, access));
    const auto revision = TRY(Oid::parse(row_.revision));
    const auto repo = TRY(branch.repo());
    // The branch may ask for more than the host, never for less.
    const auto rules = TRY(branch_rules(repo, revision)).rules_of(host_.config.environment);
    const int needed = std::max(host_.config.approvals, rules.approvals);
    TRY(verify_approvals(repo, revision, host_.config.environment, row_.app, needed, allowed, now));
    return {};
}

Result<std::string> HostPorts::verify(int cancel_fd) {
    take_baseline(cancel_fd);
    const auto allowed = TRY(host_.allowed());
    const auto now = host_.trusted_now();
    TRY(check_approvals(allowed, now));
    const auto needed = need();
    if (needed.stages.empty()) return std::string("no attestation asked for");
    const auto source = TRY(ReleaseSource::open(host_, to_));
    // A release that was there already needs its proof here, too.
    TRY(source->fetch(cancel_fd));
    auto proofs = source->prove(needed, allowed, now);
    if (!proofs) {
        TRY(source->fetch_proofs(cancel_fd));  // maybe it has come since
        proofs = source->prove(needed, allowed, now);
        if (!proofs) return fail(std::move(proofs.error()));
    }
    std::vector<std::string> words;
    for (const auto& proof : *proofs)
        for (const auto& signer : proof.signers) words.push_back(proof.stage + " by " + signer.principal);
    return "attested: " + join(words, ", ");
}

// A release that lay there unwatched is looked at before it is gone back to (attack 47): one that was changed in
// place, or shares a file with one that was, is staged again. The running one is the drift check's.
bool HostPorts::complete() {
    if (!root_.has(to_.release)) return false;
    if (!to_.release.ours()) return true;  // adopted: it is as it is, and never staged or removed
    auto record = store_.load(to_.release);
    if (!record || !*record) return false;
    const auto running = root_.current();
    if (running && *running == to_.release) return true;
    bool refreshed = false;
    const auto drift = find_drift(root_, to_.release, **record, refreshed);
    if (!drift || !drift->none()) {
        log_.note("── the release was changed since it was staged" + (drift ? ": " + drift->words() : ""));
        return false;
    }
    if (refreshed) (void)store_.save(to_.release, **record);
    return true;
}

Result<std::string> HostPorts::stage(int cancel_fd) {
    const auto slot = TRY(host_.slots.take(cancel_fd));
    TRY(discard());
    StageRequest request{to_.release,        to_.commit, to_.shared,
                         !to_.build.empty(), {},         stage_limits(host_.config),
                         cancel_fd,          to_.commit};
    if (const auto running = TRY(root_.current())) request.share_with.push_back(*running);
    for (const auto& good : TRY(host_.journal.good_releases(row_.app)))
        if (auto id = ReleaseId::parse(good.release);
            id && (request.share_with.empty() || *id != request.share_with.front()))
            request.share_with.push_back(*id);
    const auto source = TRY(ReleaseSource::open(host_, to_));
    const auto from_source = [&]() -> Result<StageReport> {
        request.commit = TRY(source->commit());
        return stage_release(root_, TRY(source->repo()), store_, request);
    };
    auto report = from_source();
    if (!report && report.error().kind == ErrorKind::Broken) {
        // Attack 31: a damaged mirror is set aside and filled again, once.
        TRY(source->set_aside());
        TRY(source->fetch(cancel_fd));
        report = from_source();
    }
    if (!report) return fail(std::move(report.error()));
    auto words = count_of(report->files, "file") + ", " + std::to_string(report->written) + " written";
    if (!report->missing_shared_files.empty())
        words += "; not in shared/: " + escape_foreign(join(report->missing_shared_files, ", "));
    staged_ = std::move(report->record);
    return words;
}

Result<std::string> HostPorts::build(int cancel_fd) {
    const auto slot = TRY(host_.slots.take(cancel_fd));
    if (!staged_) return fail(ErrorKind::Broken, "the release was not staged by this deployment");
    if (!to_.build.empty()) {
        const auto where = TRY(site(Side::To));
        for (const auto& step : to_.build) {
            auto how = options("build", step.timeout, cancel_fd);
            how.builds = true;
            how.step = to_.build.size() > 1 ? static_cast<int>(&step - to_.build.data()) + 1 : 0;
            TRY(run_journalled(step.run, where, std::move(how)));
        }
    }
    TRY(seal_release(root_, store_, to_.release, std::move(*staged_), !to_.build.empty()));
    staged_.reset();
    return to_.build.empty() ? std::string("nothing to build") : count_of(to_.build.size(), "step");
}

Result<std::string> HostPorts::discard() {
    TRY(root_.clean_leftovers());
    const auto current = root_.current();
    if (!root_.has(to_.release) || complete() || !current || *current == to_.release) return std::string();
    TRY(store_.forget(to_.release));
    TRY(root_.remove(to_.release, {}));
    return "removed " + to_.release.str();
}

Result<std::optional<std::string>> HostPorts::current() {
    const auto id = TRY(root_.current());
    if (!id) return std::nullopt;
    return id->str();
}

Result<std::string> HostPorts::switch_to(Side side) {
    const auto id = TRY(release(side));
    if (row_.from_release == row_.to_release && id.ours()) {
        const auto folder = TRY(root_.open_release(id));  // other shared paths for the same release
        TRY(root_.link_shared(folder.get(), spec(side).shared));
    }
    TRY(root_.switch_to(id));
    return std::string();
}

Result<std::vector<std::string>> HostPorts::prune(const std::vector<std::string>& in_use,
                                                  const std::vector<std::string>& good) {
    if (auto ended = end_former_instance(-1); !ended)
        host_.log.warning("the former instance runs on", ended.error());
    std::vector<std::string> stay = in_use;
    std::vector<std::string> gone;
    for (const auto& name : good) {
        const auto id = ReleaseId::parse(name);
        // Removed before, and not forgotten: it must not take the place of one that is there.
        if (id && !root_.has(*id))
            gone.push_back(name);
        else if (static_cast<int>(stay.size()) < std::max(to_.keep, 1) && !holds(stay, name))
            stay.push_back(name);
    }
    std::vector<ReleaseId> keep;
    for (const auto& name : stay)
        if (auto id = ReleaseId::parse(name)) keep.push_back(*id);
    TRY(root_.clean_leftovers());
    std::vector<std::string> ours_to_remove;
    for (const auto& adopted : TRY(host_.journal.adopted(row_.app)))
        if (adopted.removable) ours_to_remove.push_back(adopted.release);
    for (const auto& id : TRY(root_.releases())) {
        // Folders that are not of our making are another tool's history, and a person's to remove, or to give to us.
        if (holds(stay, id.str()) || (!id.ours() && !holds(ours_to_remove, id.str()))) continue;
        TRY(store_.forget(id));
        TRY(root_.remove(id, keep));
        gone.push_back(id.str());
    }
    if (!gone.empty())
        if (auto ok = forget_sources(gone); !ok)
            host_.log.warning("the mirror keeps what is no longer needed", ok.error());
    return gone;
}

// The mirror may be other apps', too: what any of them keeps or is on its way to stays.
Result<void> HostPorts::forget_sources(const std::vector<std::string>& gone) const {
    std::vector<Oid> stay{to_.commit};
    const auto add = [&](const std::string& commit) {
        if (auto oid = Oid::parse(commit)) stay.push_back(*oid);
    };
    for (const auto& app : TRY(host_.journal.apps())) {
        for (const auto& good : TRY(host_.journal.good_releases(app)))
            if (app != row_.app || !holds(gone, good.release)) add(good.commit);
        const auto last = TRY(host_.journal.last(app));
        if (!last) continue;
        add(last->from_commit);
        add(last->to_commit);
    }
    const auto source = TRY(ReleaseSource::open(host_, to_));
    return source->keep_only(stay);
}

}  // namespace tidegate::reconciler
