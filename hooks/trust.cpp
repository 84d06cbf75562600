#include "hooks/trust.hpp"

#include "shared/base/text.hpp"

#include <cstdlib>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr std::string_view kSetUp =
    "git config gpg.format ssh && git config user.signingkey ~/.ssh/id_ed25519.pub";
constexpr std::string_view kCredential = "tidegate-signing-key";

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

std::string setting(const KeySettings& settings, const std::string& name) {
    const auto found = settings.find(name);
    return found == settings.end() ? std::string() : found->second;
}

bool is_key_text(std::string_view key) {
    return key.starts_with("key::") || key.starts_with("ssh-") || key.starts_with("ecdsa-") ||
           key.starts_with("sk-");
}

// A private key that came as a text: ssh-keygen takes it from a file only. CI's variables lose the last newline.
Result<SigningKey> key_from_text(std::string_view text, const std::string& program) {
    auto folder = std::make_shared<TempDir>(TRY(TempDir::make("tidegate-key")));
    std::string clean;
    for (const char c : trim(text))
        if (c != '\r') clean += c;
    const auto file = folder->path() + "/key";
    TRY(write_file_atomic(file, clean + "\n", 0600));
    auto signer = TRY(during("taking the key of TIDEGATE_SIGNING_KEY", SshSigner::make(file, program)));
    return SigningKey{std::move(signer), std::move(folder)};
}

Result<SigningKey> key_from_file(const std::string& file, const std::string& program) {
    return SigningKey{TRY(SshSigner::make(file, program)), nullptr};
}

std::string credential_file() {
    const auto folder = environment("CREDENTIALS_DIRECTORY");
    if (folder.empty()) return {};
    auto file = folder + "/" + std::string(kCredential);
    return exists(file) ? file : std::string();
}

// As git takes a path of its configuration: "~/" is the home folder; a relative one begins where hooks run.
std::string configured_path(const Repository& repo, const std::string& path) {
    if (path.starts_with("~/")) return environment("HOME") + path.substr(1);
    if (path.empty() || path.starts_with('/')) return path;
    return (repo.work_tree.empty() ? repo.git_dir : repo.work_tree) + "/" + path;
}

}  // namespace

Result<SigningKey> signing_key(const KeySettings& settings, const std::string& file) {
    const auto program = setting(settings, "gpg.ssh.program");
    if (!file.empty()) return key_from_file(file, program);
    const auto given = environment("TIDEGATE_SIGNING_KEY");
    if (given.starts_with("-----BEGIN")) return key_from_text(given, program);
    if (!given.empty()) return key_from_file(given, program);
    if (const auto credential = credential_file(); !credential.empty())
        return key_from_file(credential, program);
    const auto own = setting(settings, "tidegate.signingkey");
    const auto key = own.empty() ? setting(settings, "user.signingkey") : own;
    if (key.empty()) return fail(ErrorKind::NotFound, "no signing key is set up", std::string(kSetUp));
    const auto format = setting(settings, "gpg.format");
    const bool ssh = !own.empty() || format == "ssh" || is_key_text(key);
    if (!ssh)
        return fail(ErrorKind::Unsupported,
                    "user.signingkey is not an SSH key (gpg.format is " +
                        (format.empty() ? "openpgp" : escape_foreign(format)) + ")",
                    "name one for attestations: git config tidegate.signingKey ~/.ssh/id_ed25519.pub");
    return key_from_file(key, program);
}

std::string allowed_signers_file(const Repository& repo, const KeySettings& settings) {
    const auto own = setting(settings, "tidegate.allowedsigners");
    return configured_path(repo, own.empty() ? setting(settings, "gpg.ssh.allowedsignersfile") : own);
}

Result<Trust> trust_of(const Repository& repo, const std::string& key_file) {
    const auto settings = TRY(repo.settings_of_user());
    Trust trust;
    trust.reuse = setting(settings, "tidegate.reuse");
    trust.own = signing_key(settings, key_file);
    const auto file = allowed_signers_file(repo, settings);
    if (file.empty()) return trust;
    auto allowed = AllowedSigners::load(file);
    if (allowed)
        trust.others = std::move(*allowed);
    else
        trust.complaint = allowed.error().line();
    return trust;
}

Result<std::string> voucher(const Trust& trust, const Attestation& attestation, WallTime now) {
    if (trust.own) {
        const auto& key = trust.own->signer.public_key();
        const auto own = TRY(AllowedSigners::parse(
            "the own key", "you namespaces=\"" + std::string(kAttestationNamespace) + "\" " + key.text()));
        if (verify_attestation(attestation, own, now)) return std::string("you");
    }
    if (!trust.others) return fail(ErrorKind::Denied, "not signed by you, and no allowed signers are named");
    return TRY(verify_attestation(attestation, *trust.others, now)).front().principal;
}

}  // namespace tidegate::hooks
