#include "hooks/attest.hpp"
#include "hooks/cli/commands.hpp"
#include "hooks/wake.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/face/face.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace tidegate::hooks::cli {

using namespace shared;

namespace {

struct Found {
    AttestationFile file;
    Result<Attestation> attestation;
};

struct Subject {
    Oid commit;
    Oid tree;
};

Result<Subject> subject_of(const Repository& repo, const Arguments& arguments) {
    const auto name = arguments.text("COMMIT", "HEAD");
    const auto commit = repo.git.line(
        repo.call({"rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"}));
    if (!commit) return fail(ErrorKind::NotFound, "no such commit here: " + escape_foreign(name));
    Subject subject;
    subject.commit = TRY(Oid::parse(*commit));
    subject.tree = TRY(tree_of(repo, subject.commit));
    return subject;
}

Result<std::vector<Found>> attestations_of(const Repository& repo, const Subject& subject,
                                           const Arguments& arguments) {
    const auto stage = arguments.text("stage");
    auto files = TRY(AttestationStore(repo).of_tree(subject.tree));
    std::vector<Found> found;
    for (auto& file : files) {
        auto attestation = parse_attestation(file.envelope);
        if (attestation && attestation->result.tree != subject.tree)
            attestation =
                fail(ErrorKind::Invalid, "it is about tree " + attestation->result.tree.short_str());
        if (stage && attestation && attestation->result.stage != *stage) continue;
        found.push_back({std::move(file), std::move(attestation)});
    }
    return found;
}

Error nothing_attested(const Subject& subject) {
    return {ErrorKind::Denied,
            "nobody here has attested tree " + subject.tree.short_str() + " of commit " +
                subject.commit.short_str(),
            "get what others have attested: tidegate attest fetch; or run the gates: tidegate run pre-push "
            "--attest",
            std::nullopt,
            {}};
}

// The key an envelope claims to be signed with; what it is worth, `verify` says.
std::string claimed_key(const Attestation& attestation) {
    const auto signature = parse_sshsig_blob(attestation.signatures.front());
    return signature ? signature->key.fingerprint() : "unreadable signature";
}

std::string gates_text(const TestResult& result) {
    std::vector<std::string> words;
    for (const auto& gate : result.gates)
        words.push_back(gate.outcome == "passed" ? gate.name : gate.name + " (" + gate.outcome + ")");
    return join(words, ", ");
}

Value to_value(const Found& found) {
    Value one;
    one.set("path", found.file.path).set("readable", found.attestation.has_value());
    if (!found.attestation) return one.set("error", found.attestation.error().message);
    const auto& result = found.attestation->result;
    Value gates{Value::List{}};
    for (const auto& gate : result.gates) {
        Value item;
        item.set("name", gate.name).set("outcome", gate.outcome);
        item.set("took_ms", static_cast<std::int64_t>(gate.took.count()));
        gates.push(std::move(item));
    }
    one.set("stage", result.stage).set("tree", result.tree.str());
    one.set("commit", result.commit ? Value(result.commit->str()) : Value());
    one.set("passed", result.passed).set("finished", format_utc(result.finished));
    one.set("key", claimed_key(*found.attestation)).set("gates_digest", result.gates_digest);
    return one.set("gates", std::move(gates));
}

Result<int> show(const Arguments& arguments) {
    const auto repo = TRY(Repository::open());
    const auto subject = TRY(subject_of(repo, arguments));
    const auto found = TRY(attestations_of(repo, subject, arguments));
    if (arguments.has("json")) {
        Value list{Value::List{}};
        for (const auto& one : found) list.push(to_value(one));
        Value all;
        all.set("commit", subject.commit.str())
            .set("tree", subject.tree.str())
            .set("attestations", std::move(list));
        std::puts(to_json(all).c_str());
        return found.empty() ? 1 : 0;
    }
    if (found.empty()) return fail(nothing_attested(subject));
    if (arguments.has("envelope")) {
        for (const auto& one : found) std::printf("%s\n", std::string(trim(one.file.envelope)).c_str());
        return 0;
    }
    std::printf("commit %s, tree %s\n", subject.commit.short_str().c_str(), subject.tree.short_str().c_str());
    Table table({"STAGE", "RESULT", "WHEN", "KEY", "GATES"});
    for (const auto& one : found) {
        if (!one.attestation) {
            table.row({"?", "unreadable", "", "", one.attestation.error().message});
            continue;
        }
        const auto& result = one.attestation->result;
        table.row({result.stage, result.passed ? "passed" : "failed",
                   ago(result.finished, SystemClock().now()), claimed_key(*one.attestation),
                   gates_text(result)});
    }
    std::fputs(table.render(Face::of(STDOUT_FILENO)).c_str(), stdout);
    return 0;
}

// --allowed-signers, else what git itself verifies with.
Result<std::string> signers_file(const Repository& repo, const Arguments& arguments) {
    if (const auto named = arguments.text("allowed-signers")) return *named;
    auto configured = allowed_signers_file(repo, TRY(repo.settings_of_user()));
    if (!configured.empty()) return configured;
    return fail(ErrorKind::Usage, "whose attestations count is not said",
                "name an allowed_signers file: --allowed-signers FILE, or git config "
                "tidegate.allowedSigners FILE");
}

Result<int> verify(const Arguments& arguments) {
    const auto repo = TRY(Repository::open());
    const auto subject = TRY(subject_of(repo, arguments));
    const auto file = TRY(signers_file(repo, arguments));
    const auto allowed = TRY(AllowedSigners::load(file));
    const auto found = TRY(attestations_of(repo, subject, arguments));
    if (found.empty()) return fail(nothing_attested(subject));
    const auto now = SystemClock().now();
    size_t good = 0;
    Value list{Value::List{}};
    const bool json = arguments.has("json");
    for (const auto& one : found) {
        auto signers = one.attestation ? verify_attestation(*one.attestation, allowed, now)
                                       : Result<std::vector<Signer>>(fail(one.attestation.error()));
        if (signers && !one.attestation->result.passed)
            signers = fail(ErrorKind::Denied, "it says that the gates did not pass");
        if (signers) ++good;
        const auto stage = one.attestation ? one.attestation->result.stage : one.file.path;
        auto value = to_value(one);
        value.set("verified", signers.has_value());
        if (signers) {
            std::vector<std::string> names;
            for (const auto& signer : *signers) names.push_back(signer.principal);
            value.set("signers", join(names, ", "));
            if (!json)
                std::printf("%s  tree %s: good, by %s\n", escape_foreign(stage).c_str(),
                            subject.tree.short_str().c_str(), escape_foreign(join(names, ", ")).c_str());
        } else {
            value.set("reason", signers.error().message);
            if (!json)
                std::printf("%s  tree %s: not counted: %s\n", escape_foreign(stage).c_str(),
                            subject.tree.short_str().c_str(), signers.error().line().c_str());
        }
        list.push(std::move(value));
    }
    if (json) {
        Value all;
        all.set("commit", subject.commit.str()).set("tree", subject.tree.str()).set("verified", good > 0);
        all.set("attestations", std::move(list));
        std::puts(to_json(all).c_str());
    }
    return good > 0 ? 0 : exit_code(ErrorKind::Denied);
}

std::string remote_of(const Arguments& arguments) {
    return arguments.text("REMOTE", "origin");
}

Result<int> push(const Arguments& arguments) {
    const auto signals = TRY(watch_signals());
    const auto repo = TRY(Repository::open());
    TRY(AttestationStore(repo, signals.get()).push(remote_of(arguments), attestation_patience(repo)));
    std::printf("attestations pushed to %s\n", shown_remote(remote_of(arguments)).c_str());
    return 0;
}

Result<int> fetch(const Arguments& arguments) {
    const auto signals = TRY(watch_signals());
    const auto repo = TRY(Repository::open());
    const bool any =
        TRY(AttestationStore(repo, signals.get()).fetch(remote_of(arguments), attestation_patience(repo)));
    std::printf(any ? "attestations fetched from %s\n" : "%s has no attestations\n",
                shown_remote(remote_of(arguments)).c_str());
    return 0;
}

}  // namespace

std::vector<Command> attest_commands() {
    const Option commit{"COMMIT", "", "whose tree it is about (HEAD)", Takes::One};
    const Option stage{"--stage", "S", "of this stage only", Takes::One};
    const Option remote{"REMOTE", "", "a remote's name or address (origin)", Takes::One};
    const Option signers{"--allowed-signers", "F", "whose signatures count (tidegate.allowedSigners)",
                         Takes::One};
    const Option envelope{"--envelope", "", "the signed envelopes as they are, one a line", Takes::Nothing};
    Command attest{"attest", "Gates", "the signed proof that a stage passed on a tree", "", {}, {}, {}};
    attest.commands = {{"show",
                        "",
                        "what has been attested for a commit's tree",
                        "",
                        {commit, stage, envelope, kJson},
                        {},
                        show},
                       {"verify",
                        "",
                        "whether somebody you trust vouches for it",
                        "Ends with 0 when at least one signature counts, with 4 otherwise.",
                        {commit, stage, signers, kJson},
                        {},
                        verify},
                       {"push", "", "bring attestations to a remote", "", {remote}, {}, push},
                       {"fetch", "", "take over what others have attested", "", {remote}, {}, fetch}};
    return {attest};
}

}  // namespace tidegate::hooks::cli
