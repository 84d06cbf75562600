#include "reconciler/host.hpp"

#include "reconciler/secrets.hpp"
#include "shared/base/files.hpp"

namespace tidegate::reconciler {

using namespace shared;

TrustPolicy Host::policy() const {
    return trust_policy(config);
}

WallTime Host::trusted_now() const {
    const auto saved = journal.saved_time();
    if (!saved) log.warning("the saved time cannot be read", saved.error());
    const auto time = trusted_time(saved ? *saved : std::nullopt, clock.now());
    if (!time.warning.empty()) log.warning(time.warning);
    // Once a minute is enough for questions of trust, and spares the disk.
    if (!saved || !*saved || time.save - **saved > Duration(60'000))
        if (auto ok = journal.save_time(time.save); !ok) log.warning("the time cannot be saved", ok.error());
    return time.now;
}

Result<AllowedSigners> Host::allowed() const {
    const bool needed =
        config.signed_manifests || config.attestations != AttestationRule::Off || config.approvals > 0;
    if (!exists(config.allowed_signers)) {
        if (!needed) return AllowedSigners::parse(config.allowed_signers, "");
        return fail(ErrorKind::NotFound, "there are no allowed signers at " + config.allowed_signers,
                    "list there who may speak to this host (ssh-keygen(1), ALLOWED SIGNERS), or name another "
                    "file in trust.allowed_signers");
    }
    return AllowedSigners::load(config.allowed_signers);
}

Result<SourceAccess> Host::manifests_access() const {
    SourceAccess access = TRY(source_access(*config.manifests_url));
    if (config.ssh_key) access.ssh_key = config.ssh_key;
    if (config.known_hosts) access.known_hosts = config.known_hosts;
    return access;
}

Result<SourceAccess> Host::source_access(const Url& url) const {
    SourceAccess access;
    access.protocols = config.protocols;
    access.known_hosts = config.known_hosts;
    access.remotes = &remotes;
    const SourceRule* best = nullptr;
    for (const auto& rule : config.credentials)
        if (url.str().starts_with(rule.match) && (best == nullptr || rule.match.size() > best->match.size()))
            best = &rule;
    access.redirects = config.redirects;
    if (best == nullptr) return access;
    access.ssh_key = best->ssh_key;
    access.ssh_agent = best->ssh_agent;
    access.ca_file = best->ca;
    access.bearer = best->bearer;
    if (best->user) access.token_user = *best->user;
    if (best->known_hosts) access.known_hosts = best->known_hosts;
    if (best->token_credential || best->token_file)
        access.token = TRY(load_secret({best->token_credential.value_or(""), best->token_file.value_or("")}));
    return access;
}

std::string Host::log_path(const std::string& app, std::int64_t deployment) const {
    return config.state + "/logs/" + app + "/" + std::to_string(deployment) + ".log";
}

}  // namespace tidegate::reconciler
