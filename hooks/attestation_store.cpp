#include "hooks/attestation_store.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"
#include "shared/sign/attestation.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr int kTries = 6;
constexpr Duration kLockPatience{10'000};
const std::string kRef{kAttestationsRef};

// The person who pushes, as git would write them; a neutral name where git has none.
std::string committer(const Repository& repo) {
    const auto ident = repo.git.line(repo.call({"var", "GIT_COMMITTER_IDENT"}));
    if (ident && !ident->empty()) return *ident;
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(SystemClock().now().time_since_epoch());
    return "Tidegate <tidegate@localhost> " + std::to_string(now.count()) + " +0000";
}

std::string data_block(std::string_view bytes) {
    return "data " + std::to_string(bytes.size()) + "\n" + std::string(bytes) + "\n";
}

// What a push said about our ref (git push --porcelain: "FLAG\tFROM:TO\tSUMMARY (REASON)").
struct PushAnswer {
    char flag = '\0';
    std::string summary;
};
PushAnswer answer_of(const std::string& porcelain) {
    for (const auto line : lines_of(porcelain)) {
        const auto fields = split(line, '\t');
        if (fields.size() >= 3 && fields[0].size() == 1) return {fields[0][0], std::string(fields[2])};
    }
    return {};
}

// Only what attestation_path makes: a remote's tree is not to bring anything else in here.
bool is_attestation_path(std::string_view path) {
    const auto parts = split(path, '/');
    if (parts.size() != 3 || parts[0].size() != 2 || !parts[1].starts_with(parts[0])) return false;
    const auto plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
               c == '-' || c == '_' || c == ':' || c == '+';
    };
    return Oid::parse(parts[1]).has_value() && parts[2].ends_with(".json") &&
           std::all_of(parts[2].begin(), parts[2].end(), plain);
}

// Somebody else was faster: fetch and merge mend it. Anything else is the remote's will.
bool lost_a_race(const std::string& summary) {
    for (const std::string_view text :
         {"fetch first", "non-fast-forward", "stale info", "failed to update ref", "cannot lock ref",
          "incorrect old value", "reference already exists"})
        if (summary.find(text) != std::string::npos) return true;
    return false;
}

Error network_error(const Exit& exit, const std::string& what) {
    if (exit.cancelled) return {ErrorKind::Cancelled, what + "interrupted", {}, std::nullopt, {}};
    if (exit.timed_out) return {ErrorKind::Timeout, what + exit.describe(), {}, std::nullopt, {}};
    return {ErrorKind::Transient, what + git_complaint(exit), {}, std::nullopt, {}};
}

// ssh must not ask for anything: it would be stopped in the background for want of the terminal, and the
// attestation is not worth a question. Commands of the user's own that are not ssh are left alone.
std::optional<std::string> quiet_ssh(const Repository& repo) {
    if (std::getenv("GIT_SSH") != nullptr) return std::nullopt;
    std::string command = "ssh";
    if (const char* named = std::getenv("GIT_SSH_COMMAND"); named != nullptr) {
        command = named;
    } else {
        const auto configured = repo.git.run(repo.call({"config", "--get", "core.sshCommand"}));
        if (configured && configured->ok() && !trim(configured->out).empty()) command = trim(configured->out);
    }
    const auto program = std::string_view(command).substr(0, command.find(' '));
    if (program != "ssh" && !program.ends_with("/ssh")) return std::nullopt;
    return command + " -o BatchMode=yes";
}

}  // namespace

// One commit on top of `onto`, and of `merged` where two histories are joined.
struct AttestationStore::Edit {
    std::string message;
    std::optional<Oid> onto;
    std::optional<Oid> merged;
    std::vector<AttestationFile> files;
    std::string entries;  // lines "M 100644 OID PATH" for what is in the object store already
};

Result<std::optional<Oid>> AttestationStore::tip(const std::string& ref) const {
    const auto exit = TRY(repo_.git.run(repo_.call({"rev-parse", "--verify", "--quiet", ref + "^{commit}"})));
    if (!exit.ok()) return std::nullopt;
    return TRY(Oid::parse(trim(exit.out)));
}

// False where the ref has moved meanwhile.
Result<bool> AttestationStore::commit(const Edit& edit) const {
    std::string stream =
        "commit " + kRef + "\ncommitter " + committer(repo_) + "\n" + data_block(edit.message);
    if (edit.onto) stream += "from " + edit.onto->str() + "\n";
    if (edit.merged) stream += "merge " + edit.merged->str() + "\n";
    for (const auto& file : edit.files)
        stream += "M 100644 inline " + file.path + "\n" + data_block(file.envelope);
    stream += edit.entries + "done\n";
    auto call = repo_.call({"fast-import", "--quiet", "--done"});
    call.input = std::move(stream);
    const auto exit = TRY(repo_.git.run(call));
    if (exit.ok()) return true;
    const bool moved = exit.err.find("new tip") != std::string::npos ||
                       exit.err.find("cannot lock ref") != std::string::npos;
    if (moved) return false;
    return fail(ErrorKind::Failed, "cannot write " + kRef + ": " + git_complaint(exit));
}

// False where the ref is not at `from` any more.
Result<bool> AttestationStore::move(const Oid& to, const std::optional<Oid>& from) const {
    const auto old = from ? from->str() : std::string(to.str().size(), '0');
    const auto exit = TRY(repo_.git.run(repo_.call({"update-ref", kRef, to.str(), old})));
    if (exit.ok()) return true;
    if (exit.err.find("cannot lock ref") != std::string::npos) return false;
    return fail(ErrorKind::Failed, "cannot move " + kRef + ": " + git_complaint(exit));
}

Result<void> AttestationStore::add(const std::vector<AttestationFile>& files) const {
    TRY(make_dirs(repo_.shared_dir(), 0755));
    const auto lock = TRY(Lock::take(repo_.shared_dir() + "/attestations.lock", kLockPatience));
    for (int attempt = 0; attempt < kTries; ++attempt) {
        Edit edit;
        edit.message = "Attest " + count_of(files.size(), "tree") + "\n";
        for (const auto& file : files) edit.message += "\n" + file.path;
        edit.onto = TRY(tip(kRef));
        edit.files = files;
        if (TRY(commit(edit))) return {};
    }
    return fail(ErrorKind::Locked, "others keep writing to " + kRef, "try again: tidegate attest push");
}

Result<std::vector<AttestationFile>> AttestationStore::of_tree(const Oid& tree) const {
    std::vector<AttestationFile> files;
    const auto top = TRY(tip(kRef));
    if (!top) return files;
    const auto folder = tree.str().substr(0, 2) + "/" + tree.str() + "/";
    const auto listed = TRY(repo_.git.output(repo_.call({"ls-tree", "-r", "-z", top->str(), "--", folder})));
    std::string wanted;
    for (const auto entry : split(listed, '\0')) {
        const auto tab = entry.find('\t');
        if (tab == std::string_view::npos || !entry.starts_with("100644 blob ")) continue;
        files.push_back({std::string(entry.substr(tab + 1)), {}});
        wanted += std::string(entry.substr(12, tab - 12)) + "\n";
    }
    if (files.empty()) return files;
    auto call = repo_.call({"cat-file", "--batch"});
    call.input = wanted;
    const auto batch = TRY(repo_.git.output(call));
    std::string_view rest = batch;
    for (auto& file : files) {
        const auto line = rest.substr(0, rest.find('\n'));
        const auto blank = line.rfind(' ');
        const auto size = blank == std::string_view::npos
                              ? 0
                              : std::strtoull(std::string(line.substr(blank + 1)).c_str(), nullptr, 10);
        if (blank == std::string_view::npos || rest.size() < line.size() + size + 2)
            return fail(ErrorKind::Broken, "git has lost an attestation: " + escape_foreign(line));
        file.envelope = std::string(rest.substr(line.size() + 1, size));
        rest.remove_prefix(line.size() + size + 2);
    }
    return files;
}

Result<bool> AttestationStore::is_ancestor(const Oid& of, const Oid& what) const {
    const auto exit = TRY(repo_.git.run(repo_.call({"merge-base", "--is-ancestor", what.str(), of.str()})));
    if (exit.code > 1) return fail(ErrorKind::Broken, "git merge-base failed: " + git_complaint(exit));
    return exit.ok();
}

// One attempt to have everything of `theirs` in our ref; false where ours has moved meanwhile.
Result<bool> AttestationStore::merge(const Oid& theirs) const {
    const auto ours = TRY(tip(kRef));
    if (!ours) return move(theirs, std::nullopt);
    if (TRY(is_ancestor(*ours, theirs))) return true;
    if (TRY(is_ancestor(theirs, *ours))) return move(theirs, ours);
    // Union: what they have added, and their version where both have one, since it is out already.
    const auto raw = TRY(repo_.git.output(repo_.call(
        {"diff-tree", "-r", "-z", "--no-renames", "--diff-filter=AMT", ours->str(), theirs.str()})));
    Edit edit{"Merge attestations\n", ours, theirs, {}, {}};
    const auto fields = split(raw, '\0');
    for (size_t i = 0; i + 1 < fields.size(); i += 2) {
        const auto words = split(fields[i], ' ');  // ":100644 100644 OID OID M"
        if (words.size() != 5) return fail(ErrorKind::Broken, "git diff-tree gave an answer of another form");
        if (words[1] != "100644" || !is_attestation_path(fields[i + 1])) continue;
        edit.entries += "M 100644 " + std::string(words[3]) + " " + std::string(fields[i + 1]) + "\n";
    }
    return commit(edit);
}

Result<void> AttestationStore::merge_all(const Oid& theirs) const {
    TRY(make_dirs(repo_.shared_dir(), 0755));
    const auto lock = TRY(Lock::take(repo_.shared_dir() + "/attestations.lock", kLockPatience));
    for (int attempt = 0; attempt < kTries; ++attempt)
        if (TRY(merge(theirs))) return {};
    return fail(ErrorKind::Locked, "others keep writing to " + kRef, "try again: tidegate attest fetch");
}

GitCall AttestationStore::network_call(std::vector<std::string> args, MonoTime until) const {
    auto call = repo_.call(std::move(args));
    call.config = {"gc.auto=0", "maintenance.auto=0", "push.followTags=false", "fetch.prune=false"};
    if (const auto ssh = quiet_ssh(repo_)) call.env["GIT_SSH_COMMAND"] = *ssh;
    const auto left = std::chrono::duration_cast<Duration>(until - std::chrono::steady_clock::now());
    call.timeout = std::max(left, Duration(1));
    call.cancel_fd = cancel_fd_;
    return call;
}

Result<bool> AttestationStore::fetch(const std::string& remote, Duration patience) const {
    const auto until = std::chrono::steady_clock::now() + patience;
    const auto tracking = tracking_ref(remote);
    const auto exit = TRY(repo_.git.run(
        network_call({"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no",
                      "--no-auto-maintenance", "--", remote, "+" + kRef + ":" + tracking},
                     until)));
    if (!exit.ok()) {
        if (exit.err.find("couldn't find remote ref") != std::string::npos) return false;
        return fail(network_error(exit, "cannot fetch attestations from " + shown_remote(remote) + ": "));
    }
    if (const auto theirs = TRY(tip(tracking))) TRY(merge_all(*theirs));
    return true;
}

Result<void> AttestationStore::push(const std::string& remote, Duration patience) const {
    const auto until = std::chrono::steady_clock::now() + patience;
    const auto what = "cannot push the attestation to " + shown_remote(remote) + ": ";
    for (int attempt = 0; attempt < kTries; ++attempt) {
        const auto ours = TRY(tip(kRef));
        if (!ours) return fail(ErrorKind::NotFound, "there are no attestations to push");
        // --no-verify: this push is ours, the hook that is running must not run itself.
        const auto exit = TRY(
            repo_.git.run(network_call({"push", "--no-verify", "--porcelain", "--no-follow-tags",
                                        "--recurse-submodules=no", "--", remote, ours->str() + ":" + kRef},
                                       until)));
        if (exit.ok()) return remember(remote, *ours);
        const auto answer = answer_of(exit.out);
        if (exit.timed_out || exit.cancelled || answer.flag != '!') return fail(network_error(exit, what));
        if (!lost_a_race(answer.summary))
            return fail(ErrorKind::Denied, what + escape_foreign(answer.summary));
        (void)TRY(
            fetch(remote, std::chrono::duration_cast<Duration>(until - std::chrono::steady_clock::now())));
    }
    return fail(ErrorKind::Locked, what + "others keep pushing theirs", "later: tidegate attest push");
}

Result<bool> AttestationStore::known_at(const std::string& remote) const {
    const auto theirs = TRY(tip(tracking_ref(remote)));
    const auto ours = TRY(tip(kRef));
    return ours && theirs == ours;
}

// Saves a later push the connection.
Result<void> AttestationStore::remember(const std::string& remote, const Oid& pushed) const {
    (void)TRY(repo_.git.run(repo_.call({"update-ref", tracking_ref(remote), pushed.str()})));
    return {};
}

std::string tracking_ref(const std::string& remote) {
    return "refs/tidegate/remotes/" + sha256_hex(remote).substr(0, 16);
}

std::string shown_remote(const std::string& remote) {
    const auto url = Url::parse(remote);
    if (url) return url->redacted();
    // Not an address of ours, but maybe one of git's: whatever stands before an "@" stays untold.
    const auto scheme = remote.find("://");
    const auto at = remote.rfind('@');
    if (scheme == std::string::npos || at == std::string::npos || at < scheme) return escape_foreign(remote);
    return escape_foreign(remote.substr(0, scheme + 3) + remote.substr(at + 1));
}

Duration attestation_patience(const Repository& repo) {
    const auto found = repo.settings.find("attesttimeout");
    if (found == repo.settings.end()) return Duration(30'000);
    return parse_duration(found->second).value_or(Duration(30'000));
}

}  // namespace tidegate::hooks
