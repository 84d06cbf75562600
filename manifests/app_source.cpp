#include "manifests/app_source.hpp"

#include "shared/base/text.hpp"
#include "shared/git/git.hpp"
#include "shared/sign/attestation.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

std::string shown(std::string_view text) {
    return "`" + escape_foreign(text.substr(0, 80)) + "`";
}

bool is_abbreviation(std::string_view text) {
    return text.size() >= 4 && text.size() <= 64 &&
           text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

Error no_tag(const std::string& version, const std::vector<std::string>& tags, const std::string& where) {
    Error error{ErrorKind::NotFound, "no tag " + shown(version) + " in " + where, {}, std::nullopt, {}};
    const auto near = nearest(version, {tags.begin(), tags.end()});
    error.hint = near.empty() ? "push the tag first: git push origin " + shell_quote(version)
                              : "did you mean `" + escape_foreign(near) + "`?";
    return error;
}

class Clone {
  public:
    Clone(Git git, std::string directory) : git_(std::move(git)), directory_(std::move(directory)) {}

    Result<Found> find(const std::optional<std::string>& commit, const std::optional<std::string>& version) {
        TRY(during("looking at " + escape_foreign(directory_), ask({"rev-parse", "--git-dir"})));
        Found found;
        if (version) {
            auto id = ask({"rev-parse", "--verify", "--quiet", "refs/tags/" + *version + "^{commit}"});
            if (!id) {
                std::vector<std::string> tags;
                auto list = ask({"tag", "--list"});
                if (list)
                    for (const auto line : lines_of(*list)) tags.emplace_back(line);
                return fail(no_tag(*version, tags, escape_foreign(directory_)));
            }
            found.commit = TRY(Oid::parse(*id));
            found.tag = version;
        } else {
            auto id = ask({"rev-parse", "--verify", "--quiet", "--end-of-options", *commit + "^{commit}"});
            if (!id)
                return fail(ErrorKind::NotFound,
                            "no commit " + shown(*commit) + " in " + escape_foreign(directory_),
                            "git fetch there brings newer ones");
            found.commit = TRY(Oid::parse(*id));
        }
        check_attested(found);
        return found;
    }

  private:
    Result<std::string> ask(std::vector<std::string> args) {
        return git_.line({.args = std::move(args), .directory = directory_});
    }

    void check_attested(Found& found) {
        const auto tree = ask({"rev-parse", "--verify", "--quiet", found.commit.str() + "^{tree}"});
        if (!tree || tree->size() < 3) return;
        const auto path = tree->substr(0, 2) + "/" + *tree + "/";
        const auto listed = ask({"ls-tree", "--name-only", std::string(kAttestationsRef), "--", path});
        if (listed && !listed->empty()) return;
        found.warnings.push_back("this clone has no attestation for the tree of " + found.commit.short_str() +
                                 ": a host that asks for one refuses it (tidegate attest fetch, or run the "
                                 "stage: tidegate run pre-push)");
    }

    Git git_;
    std::string directory_;
};

// What `git ls-remote` lists.
struct Remote {
    std::map<std::string, Oid> refs;  // tags peeled to what they point at

    [[nodiscard]] std::vector<std::string> tags() const {
        std::vector<std::string> names;
        for (const auto& [name, oid] : refs)
            if (name.starts_with("refs/tags/")) names.push_back(name.substr(10));
        return names;
    }
};

Result<Remote> list_remote(const Git& git, const Url& url) {
    const auto text = TRY(git.output({.args = {"ls-remote", "--quiet", "--", url.str()}, .timeout = 30s}));
    Remote remote;
    for (const auto line : lines_of(text)) {
        const auto tab = line.find('\t');
        auto oid = Oid::parse(line.substr(0, tab));
        if (tab == std::string_view::npos || !oid) continue;
        std::string name(line.substr(tab + 1));
        // "refs/tags/v1^{}" follows "refs/tags/v1" and is what an annotated tag points at.
        if (name.ends_with("^{}")) name.resize(name.size() - 3);
        remote.refs.insert_or_assign(std::move(name), std::move(*oid));
    }
    return remote;
}

Result<Found> find_commit(const Result<Remote>& remote, const std::string& commit, const std::string& where) {
    Found found;
    const auto full = Oid::parse(commit);
    if (!full && !is_abbreviation(commit))
        return fail(ErrorKind::Usage, "not a commit's id: " + shown(commit),
                    "name a tag with --version, or look it up in a clone with --source DIR");
    if (!remote) {
        if (!full) return fail(remote.error());
        found.commit = *full;
        found.warnings.push_back("could not ask " + where + " for that commit: " + remote.error().message);
        return found;
    }
    std::string lower = commit;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    std::set<std::string> matches;
    for (const auto& [name, oid] : remote->refs)
        if (oid.str().starts_with(lower) &&
            (name.starts_with("refs/heads/") || name.starts_with("refs/tags/")))
            matches.insert(oid.str());
    if (full) {
        found.commit = *full;
        if (matches.empty())
            found.warnings.push_back(found.commit.short_str() + " is at the tip of no branch or tag of " +
                                     where + ": make sure that it is pushed");
        return found;
    }
    if (matches.size() != 1)
        return fail(ErrorKind::NotFound,
                    shown(commit) +
                        (matches.empty() ? " begins the id of no branch's or tag's tip of "
                                         : " begins the ids of several tips of ") +
                        where,
                    "give the whole id, or a clone to look it up in: --source DIR");
    found.commit = TRY(Oid::parse(*matches.begin()));
    return found;
}

}  // namespace

Result<Found> find_release(const Url& url, const std::optional<std::string>& commit,
                           const std::optional<std::string>& version,
                           const std::optional<std::string>& clone) {
    if (commit.has_value() == version.has_value())
        return fail(ErrorKind::Usage, "one of --commit and --version is needed",
                    "--version v1.5.0 takes the commit of a tag of the app's repository");
    if (version) {
        if (auto name = RefName::parse("refs/tags/" + *version); !name)
            return fail(ErrorKind::Usage, "not a tag's name: " + shown(*version));
    }
    auto git = TRY(Git::find(GitConfig::User));
    if (clone) return Clone(std::move(git), *clone).find(commit, version);
    const auto where = url.redacted();
    auto remote = list_remote(git, url);
    if (!remote && remote.error().kind == ErrorKind::Failed) remote.error().kind = ErrorKind::Io;
    Found found;
    if (version) {
        if (!remote)
            return fail(Error(remote.error()).hinted("or look it up in a clone of the app: --source DIR"));
        const auto tag = remote->refs.find("refs/tags/" + *version);
        if (tag == remote->refs.end()) return fail(no_tag(*version, remote->tags(), where));
        found.commit = tag->second;
        found.tag = version;
    } else {
        found = TRY(find_commit(remote, *commit, where));
    }
    if (remote && remote->refs.count(std::string(kAttestationsRef)) == 0)
        found.warnings.push_back("nobody has attested anything in " + where +
                                 ": a host that asks for attestations refuses this release");
    return found;
}

}  // namespace tidegate::manifests
