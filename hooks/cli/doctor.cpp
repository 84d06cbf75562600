// `tidegate doctor` and `tidegate cache`: what is set up, what is kept, and the mend for what is not right.
#include "hooks/attest.hpp"
#include "hooks/cli/commands.hpp"
#include "hooks/cli/install.hpp"
#include "hooks/cli/timers.hpp"
#include "hooks/receive_policy.hpp"
#include "hooks/tree_config.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/face/face.hpp"

#include <unistd.h>

#include <cstdio>
#include <set>

namespace tidegate::hooks::cli {

using namespace shared;

namespace {

enum class Health { Good, Note, Bad };

struct Finding {
    Health health = Health::Good;
    std::string subject;
    std::string text;
    std::string mend;
};

std::string human_bytes(std::uint64_t bytes) {
    constexpr const char* kUnits[] = {"B", "KB", "MB", "GB", "TB"};
    auto amount = static_cast<double>(bytes);
    size_t unit = 0;
    while (amount >= 1000 && unit < 4) {
        amount /= 1000;
        ++unit;
    }
    char text[32];
    std::snprintf(text, sizeof text, unit == 0 || amount >= 10 ? "%.0f %s" : "%.1f %s", amount, kUnits[unit]);
    return text;
}

Finding look_at_git(const Repository& repo) {
    const auto version = repo.git.line(repo.call({"--version"}));
    if (!version) return {Health::Bad, "git", version.error().message, "install git"};
    return {Health::Good, "git", *version + " (" + repo.git.path() + ")", ""};
}

// The configuration in the working tree: what the next commit's would be.
Finding look_at_config(const Repository& repo, std::optional<Config>& config) {
    const std::string file(kConfigFile);
    const auto path = repo.work_tree + "/" + file;
    if (!exists(path))
        return {Health::Bad, "configuration", "there is no " + file, "let one be proposed: tidegate init"};
    const auto text = read_file(path, 1 << 20);
    if (!text) return {Health::Bad, "configuration", text.error().message, ""};
    auto parsed = work_tree_config(repo, file, *text);
    if (!parsed)
        return {Health::Bad, "configuration", parsed.error().line(), "see the place: tidegate check"};
    config = std::move(*parsed);
    size_t gates = 0;
    for (const auto& [name, stage] : config->stages) gates += stage.gates.size();
    const auto tracked = repo.git.run(repo.call({"ls-files", "--error-unmatch", "--", path}));
    if (!tracked || !tracked->ok())
        return {Health::Bad, "configuration", file + " is not tracked: gates read it from the tree",
                "git add " + file};
    return {Health::Good, "configuration",
            count_of(config->stages.size(), "stage") + ", " + count_of(gates, "gate"), ""};
}

// Of a repository that is pushed to.
Finding look_at_policy(const Repository& repo) {
    const auto policy = receive_policy(repo);
    if (!policy) return {Health::Bad, "pushes", policy.error().message, ""};
    if (policy->empty())
        return {Health::Note, "pushes", "nothing is asked of them",
                "git config tidegate.require pre-push, or tidegate.serverGates HEAD:.tidegate.yaml"};
    std::string text;
    if (!policy->stages.empty())
        text = "attested for " + join(policy->stages, ", ") + " by " +
               count_of(policy->threshold, "person", "people");
    if (!policy->gates.empty()) text += (text.empty() ? "gated by " : ", gated by ") + policy->gates;
    const auto trust = trust_of(repo);
    if (!policy->stages.empty() && (!trust || !trust->others))
        return {Health::Bad, "pushes", text + "; but nobody's attestation counts",
                "git config tidegate.allowedSigners FILE"};
    return {Health::Good, "pushes", text + "; on " + join(policy->refs, " "), ""};
}

Finding look_at_hook(const HookFolder& folder, const std::string& stage,
                     const std::optional<Config>& config) {
    const auto hook = inspect_hook(folder, stage);
    const bool merge = stage == "pre-merge-commit";
    const bool wanted =
        config && (config->stage(stage) != nullptr || (merge && config->stage("pre-commit") != nullptr));
    const auto subject = "hook " + stage;
    const auto install = "tidegate install" + std::string(wanted ? "" : " " + stage);
    const std::string kept = hook.chained ? "; the hook of before is kept and runs first" : "";
    switch (hook.state) {
        case HookState::Ours:
            if (hook.stale && !exists(hook.note->origin))
                return {Health::Note, subject,
                        "installed; its program " + hook.note->origin + " is gone, the copy goes on" + kept,
                        "install Tidegate again, then: " + install};
            if (hook.stale)
                return {Health::Note, subject,
                        "installed; an upgraded program takes its place at each start" + kept,
                        "save that: " + install};
            return {Health::Good, subject, "installed" + kept, ""};
        case HookState::Foreign:
            if (folder.in_work_tree)
                return {Health::Note, subject, "somebody else's, among the files of the working tree",
                        "it has to call: tidegate-hook " + stage + " \"$@\""};
            return {wanted ? Health::Bad : Health::Note, subject, "somebody else's: its gates do not run",
                    wanted ? install : ""};
        case HookState::Inert:
            return {wanted ? Health::Bad : Health::Note, subject,
                    "a file that git passes over, for it is not executable", wanted ? install : ""};
        case HookState::Absent:
            return {wanted ? Health::Bad : Health::Note, subject,
                    wanted ? "not installed: its gates do not run" : "not installed", wanted ? install : ""};
    }
    return {};
}

Finding look_at_hooks_path(const HookFolder& folder) {
    if (folder.configured.empty()) return {Health::Good, "hooks folder", folder.path, ""};
    const auto text = folder.path + " (core.hooksPath, " + folder.scope + ")";
    if (folder.in_work_tree)
        return {Health::Note, "hooks folder", text + ": among the files of the working tree",
                "call tidegate-hook from those hooks, or: git config --unset core.hooksPath"};
    return {Health::Good, "hooks folder", text, ""};
}

void look_at_timers(const HookFolder& folder, const std::optional<Config>& config,
                    std::vector<Finding>& findings) {
    const auto timers = list_timers(folder.top);
    if (!timers) return;
    for (const auto& timer : *timers) {
        Finding finding{Health::Good, "timer " + timer.stage, timer.when + " by " + timer.unit, ""};
        if (config && config->stage(timer.stage) == nullptr) {
            finding.health = Health::Bad;
            finding.text += ": the configuration has no such stage";
            finding.mend = "tidegate uninstall --timer";
        } else if (!timer.complaint.empty()) {
            finding.health = Health::Note;
            finding.mend = timer.complaint;
        }
        findings.push_back(std::move(finding));
    }
}

// Really signs something: an agent that is not running shows nowhere else.
Finding look_at_key(const Repository& repo) {
    const auto trust = trust_of(repo);
    if (!trust) return {Health::Bad, "attestations", trust.error().message, trust.error().hint};
    if (!trust->complaint.empty())
        return {Health::Bad, "attestations", "allowed signers: " + trust->complaint, ""};
    if (!trust->own)
        return {Health::Note, "attestations",
                trust->own.error().message + ": gates gate, but nothing is attested",
                trust->own.error().hint};
    const auto& signer = trust->own->signer;
    const auto signature = signer.sign(kAttestationNamespace, "tidegate doctor");
    const auto key = signer.public_key().fingerprint();
    if (!signature) return {Health::Bad, "attestations", signature.error().message, signature.error().hint};
    return {Health::Good, "attestations", "signed with " + key, ""};
}

void look_at_snapshots(const Repository& repo, std::vector<Finding>& findings) {
    const auto snapshots = list_snapshots(repo);
    if (!snapshots)
        return findings.push_back(
            {Health::Bad, "snapshots", snapshots.error().message, snapshots.error().hint});
    const auto now = SystemClock().now();
    std::vector<std::string> stages;
    for (const auto& one : *snapshots)
        if (!one.tree.empty() || one.in_use)
            stages.push_back(one.stage + " " + human_bytes(one.bytes) + ", used " +
                             (one.in_use ? "now" : ago(one.used, now)));
    const auto folder = snapshots_dir(repo);
    findings.push_back({Health::Good, "snapshots",
                        stages.empty() ? "none" : join(stages, "; ") + (folder ? "; in " + *folder : ""),
                        ""});
    const auto others = list_other_snapshots(repo);
    if (!others || others->empty()) return;
    std::set<std::string> trees;
    std::set<std::string> gone;
    std::uint64_t bytes = 0;
    std::uint64_t lost = 0;
    for (const auto& one : *others) {
        trees.insert(one.path.substr(0, one.path.rfind('/')));
        bytes += one.bytes;
        if (!one.gone) continue;
        gone.insert(one.work_tree);
        lost += one.bytes;
    }
    Finding finding{Health::Good, "snapshots elsewhere",
                    human_bytes(bytes) + " of " + count_of(trees.size(), "other working tree"), ""};
    if (!gone.empty()) {
        finding.health = Health::Note;
        finding.text += "; " + human_bytes(lost) + " of " + *gone.begin() +
                        (gone.size() > 1 ? " and " + std::to_string(gone.size() - 1) + " more" : "") +
                        ", which " + (gone.size() > 1 ? "are" : "is") + " gone";
        finding.mend = "tidegate doctor --clear-snapshots";
    }
    findings.push_back(std::move(finding));
}

Finding look_at_cache(const Repository& repo) {
    const auto size = Cache(repo.shared_dir() + "/cache").size();
    return {Health::Good, "cache",
            count_of(size.inputs, "result") + " of " + count_of(size.definitions, "gate definition") + ", " +
                human_bytes(size.bytes),
            ""};
}

std::string_view word_for(Health health) {
    return health == Health::Good ? "good" : health == Health::Note ? "note" : "bad";
}

Result<int> doctor(const Arguments& arguments) {
    const auto repo = TRY(Repository::open());
    if (arguments.has("clear-snapshots")) {
        const auto count = TRY(clear_snapshots(repo));
        std::printf("%s removed\n", count_of(count, "snapshot").c_str());
        return 0;
    }
    const auto folder = TRY(find_hook_folder(repo.git, "."));
    std::optional<Config> config;
    std::vector<Finding> findings;
    findings.push_back(look_at_git(repo));
    const bool bare = repo.work_tree.empty();
    findings.push_back(bare ? look_at_policy(repo) : look_at_config(repo, config));
    findings.push_back(look_at_hooks_path(folder));
    for (const auto& stage : installable_stages()) {
        auto finding = look_at_hook(folder, stage, config);
        const bool usual = bare ? stage == "pre-receive"
                                : stage == "pre-commit" || stage == "pre-merge-commit" || stage == "pre-push";
        // Hooks that are neither there nor wanted are many.
        if (usual || finding.health != Health::Note || finding.text != "not installed")
            findings.push_back(std::move(finding));
    }
    if (!bare) look_at_timers(folder, config, findings);
    findings.push_back(look_at_key(repo));
    look_at_snapshots(repo, findings);
    findings.push_back(look_at_cache(repo));

    bool bad = false;
    for (const auto& finding : findings) bad = bad || finding.health == Health::Bad;
    if (arguments.has("json")) {
        Value list{Value::List{}};
        for (const auto& finding : findings) {
            Value one;
            one.set("subject", finding.subject).set("health", word_for(finding.health));
            list.push(one.set("text", finding.text).set("mend", finding.mend));
        }
        Value all;
        all.set("good", !bad).set("findings", std::move(list));
        std::puts(to_json(all).c_str());
        return bad ? 1 : 0;
    }
    const auto face = Face::of(STDOUT_FILENO);
    for (const auto& finding : findings) {
        const auto sign = finding.health == Health::Good   ? face.paint(Colour::Green, "✓")
                          : finding.health == Health::Note ? face.paint(Colour::Yellow, "–")
                                                           : face.paint(Colour::Red, "✗");
        std::printf("%s %-22s %s\n", sign.c_str(), finding.subject.c_str(),
                    escape_foreign(finding.text).c_str());
        if (!finding.mend.empty()) std::printf("  %-22s %s\n", "", escape_foreign(finding.mend).c_str());
    }
    return bad ? 1 : 0;
}

Result<int> cache_show(const Arguments& arguments) {
    const auto repo = TRY(Repository::open());
    const auto size = Cache(repo.shared_dir() + "/cache").size();
    if (arguments.has("json")) {
        Value all;
        all.set("definitions", static_cast<std::uint64_t>(size.definitions));
        all.set("inputs", static_cast<std::uint64_t>(size.inputs)).set("bytes", size.bytes);
        std::puts(to_json(all).c_str());
        return 0;
    }
    const auto finding = look_at_cache(repo);
    std::printf("%s in %s/cache\n", finding.text.c_str(), escape_foreign(repo.shared_dir()).c_str());
    return 0;
}

Result<int> cache_clear(const Arguments&) {
    const auto repo = TRY(Repository::open());
    const Cache cache(repo.shared_dir() + "/cache");
    const auto before = cache.size();
    TRY(cache.clear());
    std::printf("%s forgotten\n", count_of(before.inputs, "result").c_str());
    return 0;
}

}  // namespace

std::vector<Command> doctor_commands() {
    Command cache{"cache", "Gates", "what passed and is not run again", "", {}, {}, {}};
    cache.commands = {{"show", "", "how much is remembered", "", {kJson}, {}, cache_show},
                      {"clear", "", "forget it: every gate runs again", "", {}, {}, cache_clear}};
    return {
        cache,
        {"doctor",
         "Gates",
         "what is set up here, and the mend for what is not",
         "Ends with 1 when something is wrong.",
         {{"--clear-snapshots", "",
           "remove the private checkouts of this working tree, and of those that are gone", Takes::Nothing},
          kJson},
         {},
         doctor}};
}

}  // namespace tidegate::hooks::cli
