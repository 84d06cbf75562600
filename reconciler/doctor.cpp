#include "reconciler/doctor.hpp"

#include "reconciler/app_root.hpp"
#include "reconciler/command_job.hpp"
#include "reconciler/host_config.hpp"
#include "reconciler/sandbox.hpp"
#include "reconciler/secrets.hpp"
#include "reconciler/source.hpp"
#include "reconciler/units.hpp"
#include "shared/base/files.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"
#include "shared/sign/allowed_signers.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr Duration kSoon{std::chrono::hours(24 * 30)};
constexpr Duration kGitPatience{20'000};
constexpr int kFewPercent = 5;
constexpr int kHardlyPercent = 1;
constexpr int kMissedLooks = 10;

class Examination {
  public:
    Examination(const AskStatus& ask, WallTime now) : ask_(ask), now_(now) {}

    std::vector<Finding> run(const std::string& file) {
        auto config = load_host_config(file);
        if (!config) {
            bad("configuration", config.error().line(), config.error().hint);
            return std::move(findings_);
        }
        good("configuration", file);
        folders(*config);
        trust(*config);
        secrets(*config);
        manifests(*config);
        clock();
        database(*config);
        services();
        sandbox(*config);
        daemon(*config);
        return std::move(findings_);
    }

  private:
    void add(Health health, std::string what, std::string words, std::string mend) {
        findings_.push_back({health, std::move(what), std::move(words), std::move(mend)});
    }
    void good(std::string what, std::string words) {
        add(Health::Good, std::move(what), std::move(words), {});
    }
    void warn(std::string what, std::string words, std::string mend) {
        add(Health::Warning, std::move(what), std::move(words), std::move(mend));
    }
    void bad(std::string what, std::string words, std::string mend) {
        add(Health::Bad, std::move(what), std::move(words), std::move(mend));
    }

    void folders(const HostConfig& config) {
        if (!exists(config.state))
            warn("state folder", config.state + " is not there yet",
                 "the daemon makes it at its first start");
        else if (auto fine = check_private(config.state, "the state folder"); !fine)
            bad("state folder", fine.error().line(), fine.error().hint);
        else
            disk(config.state, "state folder");
        for (const auto& root : config.roots) {
            if (!exists(root))
                bad("root " + root, "is not there", "mkdir -p " + root);
            else
                disk(root, "root " + root);
        }
    }

    void disk(const std::string& path, const std::string& what) {
        struct statvfs facts {};
        if (statvfs(path.c_str(), &facts) != 0 || facts.f_blocks == 0) return good(what, path);
        const auto percent = [](unsigned long free, unsigned long all) {
            return all == 0 ? 100 : static_cast<int>(free * 100 / all);
        };
        const int space = percent(facts.f_bavail, facts.f_blocks);
        const int inodes = percent(facts.f_favail, facts.f_files);
        const auto words = std::to_string(space) + "% of the disk and " + std::to_string(inodes) +
                           "% of the inodes are free";
        const int least = std::min(space, inodes);
        const auto* mend = "make room, or lower `keep` of the apps that are below it";
        if ((facts.f_flag & ST_RDONLY) != 0)
            return bad(what, "is mounted read-only", "see dmesg; remount it");
        if (least < kHardlyPercent) return bad(what, words, mend);
        if (least < kFewPercent) return warn(what, words, mend);
        good(what, words);
    }

    void trust(const HostConfig& config) {
        const bool needed =
            config.signed_manifests || config.attestations != AttestationRule::Off || config.approvals > 0;
        if (!exists(config.allowed_signers)) {
            if (needed)
                bad("allowed signers", "there is no " + config.allowed_signers,
                    "list there who may speak to this host (docs/trust.md)");
            return;
        }
        const auto allowed = AllowedSigners::load(config.allowed_signers);
        if (!allowed) return bad("allowed signers", allowed.error().line(), allowed.error().hint);
        size_t valid = 0;
        for (const auto& entry : allowed->entries()) {
            const auto who = entry.principals.front() + " (line " + std::to_string(entry.line) + ")";
            const bool ended = entry.valid_before && *entry.valid_before <= now_;
            if (!ended && (!entry.valid_after || *entry.valid_after <= now_)) ++valid;
            if (entry.valid_before && !ended && *entry.valid_before - now_ < kSoon)
                warn("key of " + who, "is valid until " + format_utc(*entry.valid_before),
                     "add the key that follows it to " + config.allowed_signers + " before then");
        }
        if (valid == 0 && needed)
            return bad("allowed signers", "no key of " + config.allowed_signers + " is valid now",
                       "add one: nothing new is deployed until then");
        good("allowed signers", count_of(valid, "valid key"));
    }

    void secrets(const HostConfig& config) {
        for (const auto& rule : config.credentials) {
            if (rule.token_credential) continue;  // systemd gives it to the daemon only
            if (rule.token_file)
                if (auto token = load_secret({"", *rule.token_file}); !token)
                    bad("credential for " + rule.match, token.error().line(), token.error().hint);
            if (rule.ssh_key) key_file(*rule.ssh_key);
        }
        if (config.ssh_key) key_file(*config.ssh_key);
        if (config.manifests_url->scheme() == "ssh" && (!config.known_hosts || !exists(*config.known_hosts)))
            bad("known hosts",
                config.known_hosts ? "there is no " + *config.known_hosts
                                   : "manifests.known_hosts is not given",
                "ssh-keyscan HOST >FILE, and compare the key with the server's own");
    }

    void key_file(const std::string& path) {
        struct stat facts {};
        if (stat(path.c_str(), &facts) != 0)
            return bad("ssh key " + path, "cannot be read: " + std::string(strerrordesc_np(errno)),
                       "ssh-keygen -t ed25519 -f " + path);
        if ((facts.st_mode & 0077) != 0)
            bad("ssh key " + path, "may be read by others, so ssh refuses it", "chmod 600 " + path);
    }

    void manifests(const HostConfig& config) {
        const auto what = "manifests " + config.manifests_url->redacted();
        const SourceRule* rule = nullptr;
        for (const auto& each : config.credentials)
            if (config.manifests_url->str().starts_with(each.match) &&
                (rule == nullptr || each.match.size() > rule->match.size()))
                rule = &each;
        SourceAccess access;
        access.protocols = config.protocols;
        access.ssh_key = config.ssh_key ? config.ssh_key : rule != nullptr ? rule->ssh_key : std::nullopt;
        access.known_hosts = config.known_hosts ? config.known_hosts
                             : rule != nullptr  ? rule->known_hosts
                                                : std::nullopt;
        if (rule != nullptr && rule->token_file)
            if (auto token = load_secret({"", *rule->token_file})) access.token = *token;
        if (rule != nullptr && rule->token_credential && access.token.empty())
            return warn(what, "is reached by a credential that only the daemon has",
                        "tidegatectl status tells when it last was");
        const auto folder = TempDir::make("tidegate-doctor");
        if (!folder) return bad(what, folder.error().line(), folder.error().hint);
        TransferLimits limits;
        limits.look_timeout = kGitPatience;
        auto mirror = GitMirror::open(folder->path(), *config.manifests_url, access, limits);
        if (!mirror) return bad(what, mirror.error().line(), mirror.error().hint);
        const auto tip = mirror->look(*config.manifests_branch);
        if (!tip) return bad(what, tip.error().line(), tip.error().hint);
        if (!*tip)
            return bad(what, "has no branch " + config.manifests_branch->str(),
                       "push it, or name another in manifests.branch");
        good(what, config.manifests_branch->str() + " is at " + (*tip)->short_str());
    }

    void clock() {
        timex facts{};
        if (adjtimex(&facts) == TIME_ERROR || (facts.status & STA_UNSYNC) != 0)
            return warn("clock", "is not kept by a time server, as far as the kernel knows",
                        "run systemd-timesyncd or chrony: validity of keys goes by this clock");
        good("clock", "is kept by a time server");
    }

    void database(const HostConfig& config) {
        const auto path = config.state + "/state.db";
        if (!exists(path)) return;
        sqlite3* opened = nullptr;
        // Beside a running daemon, and never making or repairing anything.
        const int code =
            sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
        const Handle<sqlite3, sqlite3_close_v2> connection(opened);
        std::string said;
        const auto take = [](void* to, int, char** values, char**) {
            if (auto& text = *static_cast<std::string*>(to); text.empty() && values[0] != nullptr)
                text = values[0];
            return 0;
        };
        if (code == SQLITE_OK) {
            sqlite3_busy_timeout(opened, 5000);
            if (sqlite3_exec(opened, "PRAGMA quick_check(1)", take, &said, nullptr) != SQLITE_OK)
                said = sqlite3_errmsg(opened);
        } else {
            said = opened != nullptr ? sqlite3_errmsg(opened) : "cannot be opened";
        }
        if (said == "ok") return good("journal", path);
        bad("journal", path + ": " + escape_foreign(said),
            "restart tidegated: it sets the file aside, takes over what is on disk, and deploys nothing "
            "needlessly");
    }

    void services() {
        if (!exists("/run/systemd/system"))
            return warn("systemd", "does not run here", "apps can be activated by `run: COMMAND` only");
        const auto units = host_units();
        const auto state = units->state("tidegated.service");
        if (!state && state.error().kind == ErrorKind::NotFound)
            return warn("systemd", "has no tidegated.service",
                        "install it (systemd/ of the sources), then enable it");
        if (!state) return bad("systemd", state.error().line(), state.error().hint);
        if (!state->up())
            return bad("systemd", "tidegated.service is " + state->words(),
                       "systemctl start tidegated; journalctl -u tidegated");
        good("systemd", "tidegated.service is " + state->words());
    }

    void sandbox(const HostConfig& config) {
        // The state folder is the daemon's own.
        struct stat facts {};
        const bool known = stat(config.state.c_str(), &facts) == 0;
        const auto choice = choose_sandbox(config.sandbox, known ? facts.st_uid : geteuid());
        if (const auto program = command_program(); !program)
            return bad("sandbox", program.error().line(), program.error().hint);
        if (choice.refused)
            return bad("sandbox", "`sandbox: systemd` cannot be had: " + choice.why, choice.mend);
        if (choice.kind == SandboxKind::Unit)
            return good("sandbox", "each command of a release is a unit of systemd below " +
                                       command_slice(config.state) + ", fenced in");
        warn("sandbox", "commands of releases have their user and limits, and no fences: " + choice.why,
             choice.mend);
    }

    void daemon(const HostConfig& config) {
        const auto answer = ask_(config.socket);
        if (!answer) return bad("daemon", answer.error().line(), answer.error().hint);
        const auto text = [](const Value& value, std::string_view key) {
            const Value* found = value.find(key);
            return found != nullptr ? found->text() : std::string();
        };
        const Value* detail = answer->find("detail");
        const auto checked = parse_utc(text(*answer, "checked"));
        if (const auto stale = text(*answer, "stale"); !stale.empty())
            bad("stale", stale,
                "see the finding on manifests; apps run on as they are, and nothing newer reaches them");
        else if (!checked)
            bad("last good fetch", "the daemon has not reached the manifests yet",
                "see the finding on manifests");
        else if (now_ - *checked > config.interval * kMissedLooks + Duration(60'000))
            bad("last good fetch", ago(*checked, now_),
                "see the finding on manifests, and journalctl -u tidegated");
        else
            good("last good fetch", ago(*checked, now_));
        if (const auto refused = detail != nullptr ? text(*detail, "refused") : ""; !refused.empty())
            bad("newest revision", refused, text(*detail, "refused_hint"));
        const Value* apps = answer->find("apps");
        if (apps == nullptr) return;
        for (const auto& app : apps->list()) {
            const auto state = text(app, "state");
            const auto name = text(app, "app");
            if (state == "broken" || state == "held" || state == "drifted")
                bad("app " + name, state + ": " + text(app, "reason"), "tidegatectl why " + name);
            else if (state == "converged")
                good("app " + name, "converged");
            else
                warn("app " + name, state + ": " + text(app, "reason"), "tidegatectl why " + name);
        }
    }

    const AskStatus& ask_;
    WallTime now_;
    std::vector<Finding> findings_;
};

}  // namespace

std::string_view name_of(Health health) {
    switch (health) {
        case Health::Good: return "good";
        case Health::Warning: return "warning";
        case Health::Bad: return "bad";
    }
    return "bad";
}

std::vector<Finding> examine_host(const std::string& config, const AskStatus& ask, WallTime now) {
    return Examination(ask, now).run(config);
}

bool all_good(const std::vector<Finding>& findings) {
    return std::none_of(findings.begin(), findings.end(),
                        [](const Finding& finding) { return finding.health == Health::Bad; });
}

std::string render_doctor(const std::vector<Finding>& findings, const Face& face) {
    std::string out;
    size_t bad = 0;
    for (const auto& finding : findings) {
        const auto colour = finding.health == Health::Good      ? Colour::Green
                            : finding.health == Health::Warning ? Colour::Yellow
                                                                : Colour::Red;
        const auto* mark = finding.health == Health::Good      ? "✓"
                           : finding.health == Health::Warning ? "!"
                                                               : "✗";
        out += face.paint(colour, mark) + " " + escape_foreign(finding.what) + ": " +
               escape_foreign(finding.words) + "\n";
        if (!finding.mend.empty()) out += "    " + escape_foreign(finding.mend) + "\n";
        bad += finding.health == Health::Bad ? 1 : 0;
    }
    return out + (bad == 0 ? "this host can do its work\n" : count_of(bad, "fault") + " to mend\n");
}

Value to_value(const std::vector<Finding>& findings) {
    Value list(Value::List{});
    for (const auto& finding : findings) {
        Value each;
        each.set("health", name_of(finding.health));
        each.set("what", finding.what);
        each.set("words", finding.words);
        each.set("mend", finding.mend);
        list.push(std::move(each));
    }
    Value out;
    out.set("good", all_good(findings));
    out.set("findings", std::move(list));
    return out;
}

}  // namespace tidegate::reconciler
