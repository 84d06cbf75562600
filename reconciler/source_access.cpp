// How a git child is let in: ssh's options, tokens, certificates.
#include "reconciler/source.hpp"
#include "shared/base/text.hpp"
#include "shared/sign/sshsig.hpp"

#include <algorithm>
#include <cstdlib>

namespace tidegate::reconciler {

using namespace shared;

namespace {

// ssh splits the value of -o at blanks and expands %, ~ and ${} in it; a path that has none of them means itself.
Result<std::string> plain_path(const std::string& what, const std::string& path) {
    const bool plain = path.starts_with('/') && std::all_of(path.begin(), path.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                  (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '_' || c == '-' ||
                                  c == '+' || c == '@';
                       });
    if (plain) return path;
    return fail(ErrorKind::Invalid, what + " is not a plain absolute path: `" + escape_foreign(path) + "`",
                "letters, digits and / . _ - + @ only: ssh would expand or split anything else");
}

}  // namespace

bool is_this_machine(const std::string& host) {
    return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

Result<void> check_protocol(const Url& url, const SourceAccess& access) {
    const auto& allowed = access.protocols;
    if (std::find(allowed.begin(), allowed.end(), url.scheme()) != allowed.end()) return {};
    return fail(ErrorKind::Denied,
                "the protocol " + url.scheme() + " is not allowed on this host: " + url.redacted(),
                "allowed by `trust.protocols`: " + join(allowed, ", "));
}

Result<void> check_token_is_safe(const Url& url, const SourceAccess& access) {
    if (access.token.empty() || url.scheme() != "http" || is_this_machine(url.host())) return {};
    return fail(ErrorKind::Denied, "a token would be sent in clear to " + escape_foreign(url.redacted()),
                "use https for it");
}

Result<std::vector<std::string>> ssh_words(const SourceAccess& access, const std::string& control_path) {
    if (!access.known_hosts)
        return fail(ErrorKind::Invalid, "no `known_hosts` for a source that is reached by ssh",
                    "write the server's keys into a file (ssh-keyscan HOST, then compare them) and name it");
    std::vector<std::string> words{"ssh", "-F", "/dev/null"};
    const auto option = [&](const std::string& text) {
        words.emplace_back("-o");
        words.push_back(text);
    };
    option("BatchMode=yes");
    option("StrictHostKeyChecking=yes");
    option("UserKnownHostsFile=" + TRY(plain_path("known_hosts", *access.known_hosts)));
    option("GlobalKnownHostsFile=/dev/null");
    option("UpdateHostKeys=no");
    // An agent without a key that says which of its keys: all of them are offered.
    option(access.ssh_agent && !access.ssh_key ? "IdentitiesOnly=no" : "IdentitiesOnly=yes");
    option("IdentityAgent=" +
           (access.ssh_agent ? TRY(plain_path("ssh_agent", *access.ssh_agent)) : std::string("none")));
    option("ConnectTimeout=15");
    option("ServerAliveInterval=10");
    option("ServerAliveCountMax=3");
    option("ProxyCommand=none");
    option("ClearAllForwardings=yes");
    option("ControlPath=" +
           (control_path == "none" ? control_path : TRY(plain_path("the state folder", control_path))));
    option("PermitLocalCommand=no");
    option("PasswordAuthentication=no");
    option("LogLevel=ERROR");
    if (access.ssh_key) option("IdentityFile=" + TRY(plain_path("ssh_key", *access.ssh_key)));
    return words;
}

Result<std::string> ssh_command(const SourceAccess& access, const std::string& control_path) {
    auto words = TRY(ssh_words(access, control_path));
    for (auto& word : words) word = shell_quote(word);
    return join(words, " ");
}

Result<AccessSettings> access_settings(const Url& url, const SourceAccess& access,
                                       const std::string& control_path) {
    AccessSettings settings;
    if (url.scheme() == "ssh") {
        settings.env["GIT_SSH_COMMAND"] = TRY(ssh_command(access, control_path));
        settings.env["GIT_SSH_VARIANT"] = "ssh";
        return settings;
    }
    if (url.scheme() != "https" && url.scheme() != "http") return settings;
    // The administrator's own proxies; nothing else of our environment.
    for (const char* name : {"http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"})
        if (const char* value = std::getenv(name); value != nullptr) settings.env[name] = value;
    if (access.ca_file) settings.config.push_back("http.sslCAInfo=" + *access.ca_file);
    if (access.token.empty()) return settings;
    TRY(check_token_is_safe(url, access));
    // By the environment: argv can be read by every user of the host.
    settings.env["GIT_CONFIG_COUNT"] = "1";
    settings.env["GIT_CONFIG_KEY_0"] = "http.extraHeader";
    settings.env["GIT_CONFIG_VALUE_0"] = "Authorization: " + authorization(access);
    return settings;
}

std::string authorization(const SourceAccess& access) {
    if (access.bearer) return "Bearer " + access.token;
    return "Basic " + base64_encode(access.token_user + ":" + access.token);
}

}  // namespace tidegate::reconciler
