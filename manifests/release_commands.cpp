// release, promote and rollback: three ways to a new text of one manifest, one way to commit it.
#include "manifests/app_source.hpp"
#include "manifests/branch.hpp"
#include "manifests/checkout.hpp"
#include "manifests/commands.hpp"
#include "manifests/edit.hpp"
#include "shared/base/text.hpp"

#include <cstdio>

namespace tidegate::manifests {

using namespace shared;

namespace {

void say(const std::string& line) {
    std::fputs((line + "\n").c_str(), stdout);
}
void warn(const std::string& line) {
    std::fputs(("tidegate: warning: " + escape_foreign(line) + "\n").c_str(), stderr);
}

std::string source_text(const Source& source) {
    if (const auto* git = std::get_if<GitSource>(&source))
        return git->url.redacted() + " " + git->commit.str();
    if (const auto* archive = std::get_if<ArchiveSource>(&source))
        return archive->url.redacted() + " sha256:" + archive->sha256;
    const auto& oci = std::get<OciSource>(source);
    return oci.ref + "@" + oci.digest;
}

// A change of one manifest, ready to be committed.
struct Change {
    std::string app;
    std::string environment;
    std::string path;
    std::string before;  // texts
    std::string after;
    std::string verb;  // "Release", "Promote from staging", "Roll back"
    bool push = false;
};

// Says what a deployment of the new manifest needs a person for.
void warn_of(const Manifest& manifest) {
    if (!manifest.migrate.revertible())
        warn(
            "`migrate` has no `down`, no `restore` and no `compatible: true`: a host waits for tidegatectl "
            "retry " +
            manifest.app + " --irreversible");
}

Result<int> commit_change(const Checkout& checkout, const Change& change) {
    const auto before = TRY(parse_manifest(change.path, change.before));
    const auto after = TRY(parse_manifest(change.path, change.after));
    if (change.before == change.after) {
        say(change.app + " is at " + escape_foreign(after.label()) + " in " + change.environment +
            " already");
        return 0;
    }
    const auto labels =
        before.label() == after.label() ? after.label() : before.label() + " → " + after.label();
    const auto title = change.app + ": " + labels + " in " + change.environment;
    const auto message = title + "\n\n" + change.verb + ".\n\nfrom " + source_text(before.release) +
                         "\nto   " + source_text(after.release) + "\n";
    const auto commit =
        TRY(during("committing " + change.path, checkout.commit_file(change.path, change.after, message)));
    warn_of(after);
    say(escape_foreign(title));
    say("  revision " + commit.substr(0, 7) + " on " + escape_foreign(checkout.branch()) + ", signed");
    if (change.push) {
        TRY(checkout.push());
        say("  pushed");
    } else {
        say("  not pushed; hosts see it after: git push");
    }
    return 0;
}

}  // namespace

Result<int> release(const ReleaseOptions& options) {
    const auto checkout = TRY(Checkout::open(options.directory));
    const auto path = TRY(checkout.path_of(options.app, options.environment));
    const auto text = TRY(checkout.committed_text(path));
    const auto manifest = TRY(parse_manifest(path, text));
    if (manifest.git() == nullptr)
        return fail(ErrorKind::Unsupported, path + " releases no git commit but an archive or image",
                    "edit its `release` by hand and commit it with git commit -S");
    TRY(checkout.signing_key());
    const auto found =
        TRY(find_release(manifest.git()->url, options.commit, options.version, options.source));
    if (found.commit.str().size() != manifest.git()->commit.str().size())
        warn("the commit's id is of another length than the one before (SHA-1 and SHA-256 repositories?)");
    auto after = TRY(with_release(path, text, GitSource{manifest.git()->url, found.commit, found.tag}));
    // The same commit, named by its id: the tag that is written there stays right.
    if (!found.tag && found.commit == manifest.git()->commit) after = text;
    for (const auto& warning : found.warnings) warn(warning);
    return commit_change(checkout,
                         {options.app, options.environment, path, text, after,
                          "Release " + (found.tag ? *found.tag : found.commit.short_str()), options.push});
}

Result<int> promote(const PromoteOptions& options) {
    if (options.from == options.to)
        return fail(ErrorKind::Usage, "promoting goes from one environment to another, not to the same");
    const auto checkout = TRY(Checkout::open(options.directory));
    const auto from_path = TRY(checkout.path_of(options.app, options.from));
    const auto to_path = TRY(checkout.path_of(options.app, options.to));
    const auto from_text = TRY(checkout.committed_text(from_path));
    const auto from = TRY(parse_manifest(from_path, from_text));
    const auto text = TRY(checkout.committed_text(to_path));
    const auto after = TRY(with_release(to_path, text, from.release));
    const auto rules_text = TRY(checkout.text_at("HEAD", std::string(kBranchFile)));
    if (rules_text) {
        const auto rules = TRY(parse_branch_rules(std::string(kBranchFile), *rules_text));
        const auto wanted = rules.rules_of(options.to).requires_first;
        if (wanted && wanted->environment != options.from)
            warn(options.to + " takes what has run in " + wanted->environment + ", not in " + options.from +
                 ": hosts wait for that");
    }
    return commit_change(checkout, {options.app, options.to, to_path, text, after,
                                    "Promote from " + options.from, options.push});
}

Result<int> rollback(const RollbackOptions& options) {
    const auto checkout = TRY(Checkout::open(options.directory));
    const auto path = TRY(checkout.path_of(options.app, options.environment));
    const auto text = TRY(checkout.committed_text(path));
    Change change{options.app, options.environment, path, text, {}, {}, options.push};
    std::string source;  // the commit whose manifest is to be again
    if (options.to) {
        source = TRY(checkout.resolve(*options.to));
        if (!checkout.ask({"merge-base", "--is-ancestor", source, "HEAD"}))
            return fail(ErrorKind::Usage,
                        "revision " + source.substr(0, 7) + " is not in the history of " +
                            escape_foreign(checkout.branch()),
                        "git log -- " + path + " shows the manifest's revisions");
        change.verb = "Roll back to revision " + source.substr(0, 12);
    } else {
        // Along the branch itself: what a merge brought in is one change.
        const auto last =
            TRY(checkout.ask({"log", "--first-parent", "-m", "-n1", "--format=%H %P", "--", path}));
        const auto ids = split(last, ' ');
        if (ids.size() < 2 || ids[1].empty())
            return fail(ErrorKind::NotFound, path + " has only one revision: there is nothing to go back to");
        source = ids[1];
        change.verb = "Roll back. This reverts commit " + std::string(ids[0]);
    }
    auto older = TRY(checkout.text_at(source, path));
    if (!older)
        return fail(ErrorKind::NotFound, path + " was not there yet at revision " + source.substr(0, 7),
                    "git log -- " + path + " shows its revisions");
    auto parsed = parse_manifest(path, *older);
    if (!parsed) return fail(std::move(parsed.error()).during("reading it at " + source.substr(0, 7)));
    change.after = std::move(*older);
    return commit_change(checkout, change);
}

}  // namespace tidegate::manifests
