#include "shared/sign/ssh_signer.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/sign/wire.hpp"

#include <cstdlib>

namespace tidegate::shared {

namespace {

constexpr Duration kPatience{30'000};  // a touch of a security key, an agent that asks its owner
constexpr size_t kLongestKeyFile = 64 << 10;
constexpr std::string_view kPrivateBegin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view kPrivateEnd = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::string_view kMagic{"openssh-key-v1\0", 15};

bool is_literal(std::string_view key) {
    return key.starts_with("ssh-") || key.starts_with("ecdsa-") || key.starts_with("sk-");
}

std::string expand_home(const std::string& path) {
    if (!path.starts_with("~/")) return path;
    const char* home = std::getenv("HOME");
    return home == nullptr ? path : std::string(home) + path.substr(1);
}

// The public half stands unencrypted at the head of OpenSSH's private key files (PROTOCOL.key).
Result<SshPublicKey> public_half(std::string_view text) {
    const auto end = text.find(kPrivateEnd);
    if (end == std::string_view::npos) return fail(ErrorKind::Invalid, "private key file is cut short");
    std::string encoded;
    for (const char c : text.substr(kPrivateBegin.size(), end - kPrivateBegin.size()))
        if (c != '\n' && c != '\r') encoded += c;
    const auto bytes = TRY(base64_decode(encoded));
    WireReader reader(bytes, "private key file");
    if (TRY(reader.bytes(kMagic.size())) != kMagic) return reader.bad("has an unknown format");
    for (int field = 0; field < 3; ++field) (void)TRY(reader.string());  // cipher, kdf, its options
    if (TRY(reader.u32()) != 1) return reader.bad("does not hold exactly one key");
    return SshPublicKey::from_wire(TRY(reader.string()));
}

Result<SshPublicKey> public_key_of_file(const std::string& path) {
    const auto text = TRY(read_file(path, kLongestKeyFile));
    if (trim(text).starts_with(kPrivateBegin)) return public_half(trim(text));
    if (is_literal(text)) return SshPublicKey::from_text(lines_of(text).front());
    // An old PEM private key says nothing about its public half; the file beside it does.
    auto beside = read_file(path + ".pub", kLongestKeyFile);
    if (!beside || beside->empty())
        return fail(ErrorKind::Invalid, "not an SSH key file: " + escape_foreign(path),
                    "write its public half beside it: ssh-keygen -y -f " + shell_quote(path) + " > " +
                        shell_quote(path + ".pub"));
    return SshPublicKey::from_text(lines_of(*beside).front());
}

std::string complaint(const Exit& exit) {
    std::string last;
    for (const auto line : lines_of(exit.err))
        if (!trim(line).empty()) last = trim(line);
    return last.empty() ? exit.describe() : escape_foreign(last);
}

}  // namespace

Result<SshSigner> SshSigner::make(const std::string& key, const std::string& program) {
    SshSigner signer;
    signer.program_ =
        program.starts_with('/') ? program : TRY(find_program(program.empty() ? "ssh-keygen" : program));
    const auto literal = key.starts_with("key::") ? key.substr(5) : key;
    if (key.empty())
        return fail(ErrorKind::Usage, "no signing key is named", "git config user.signingkey FILE");
    if (key.starts_with("key::") || is_literal(key)) {
        signer.public_key_ = TRY(during("reading the signing key", SshPublicKey::from_text(literal)));
        return signer;
    }
    signer.key_ = expand_home(key);
    signer.public_key_ = TRY(
        during("reading the signing key " + escape_foreign(signer.key_), public_key_of_file(signer.key_)));
    return signer;
}

Result<std::string> SshSigner::sign(std::string_view name_space, std::string_view message) const {
    Command command;
    command.env = basic_environment();
    command.env.pass({"SSH_AUTH_SOCK", "SSH_SK_PROVIDER", "XDG_RUNTIME_DIR"});
    command.env.set("SSH_ASKPASS_REQUIRE", "never");
    command.timeout = kPatience;
    command.grace = Duration(500);
    command.input = message;
    command.argv = {program_, "-Y", "sign", "-n", std::string(name_space)};
    // An empty passphrase given beforehand: ssh-keygen then never asks one on the terminal.
    if (program_.ends_with("/ssh-keygen")) command.argv.insert(command.argv.end(), {"-q", "-P", ""});
    std::optional<TempDir> folder;
    auto file = key_;
    if (file.empty()) {
        folder = TRY(TempDir::make("tidegate-sign"));
        file = folder->path() + "/key.pub";
        TRY(write_file_atomic(file, public_key_.text() + "\n", 0600));
        command.argv.emplace_back("-U");
    }
    command.argv.insert(command.argv.end(), {"-f", file});
    auto exit = TRY(run(command));
    if (exit.timed_out)
        return fail(ErrorKind::Timeout, "signing took longer than " + human_duration(kPatience),
                    "is the ssh agent or security key waiting for somebody?");
    if (!exit.ok())
        return fail(
            ErrorKind::Failed, "cannot sign with key " + public_key_.fingerprint() + ": " + complaint(exit),
            "a key with a passphrase, or one named by its public half, must be in the ssh agent: ssh-add");
    const auto made = TRY(during("reading what " + program_ + " signed", parse_sshsig(exit.out)));
    if (!(made.key == public_key_) || made.name_space != name_space)
        return fail(ErrorKind::Failed,
                    program_ + " signed with another key than " + public_key_.fingerprint());
    return exit.out;
}

}  // namespace tidegate::shared
