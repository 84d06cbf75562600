// Counting approvals: distinct people over exactly this manifest, the author of the change not among them.
#include "manifests/approval.hpp"
#include "reconciler/trust.hpp"
#include "shared/base/text.hpp"
#include "shared/sign/attestation.hpp"
#include "shared/sign/commit_signature.hpp"

#include <algorithm>
#include <cctype>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kLongestCommit = 1 << 20;
constexpr size_t kLongestManifest = 1 << 20;
constexpr size_t kLongestApproval = 16 << 10;
constexpr size_t kMostApprovals = 500;
constexpr size_t kLongestHistory = 100'000;

// Who made the change, as far as can be told: the key that vouched first, and the addresses it claims.
struct Author {
    std::optional<Signer> signer;
    std::vector<std::string> emails;
};

// The commits from `revision` back to the one that brought the file into its present state; each but the last
// has it unchanged from a parent.
Result<std::vector<Oid>> trail_to_change(const Repo& repo, const Oid& revision, const std::string& path,
                                         const TreeEntry& present) {
    std::vector<Oid> trail{revision};
    while (trail.size() < kLongestHistory) {
        const auto info = TRY(repo.commit(trail.back()));
        std::optional<Oid> same;
        for (const auto& parent : info.parents) {
            const auto before = TRY(repo.commit(parent));
            const auto entry = TRY(repo.entry_at(before.tree, path));
            if (!entry || entry->oid != present.oid || entry->kind != present.kind) continue;
            same = parent;
            break;
        }
        if (!same) return trail;
        trail.push_back(*same);
    }
    return fail(ErrorKind::Denied, "the last change of " + escape_foreign(path) + " lies more than " +
                                       std::to_string(kLongestHistory) + " commits back");
}

// The good signature of a commit by a key we know, whether that key is still valid or not: a person does not
// cease to be the author when a key expires.
Result<std::optional<Signer>> signer_of(const Repo& repo, const Oid& commit, const AllowedSigners& allowed) {
    const auto raw = TRY(repo.raw_object(commit, kLongestCommit));
    const auto split = split_signed_commit(raw);
    if (!split) return std::nullopt;
    const auto signature = parse_sshsig(split->armored);
    if (!signature || !verify_sshsig(*signature, kGitNamespace, split->payload)) return std::nullopt;
    return allowed.find(signature->key);
}

// An unsigned change is laid at the door of whoever first signed a commit on top of it.
Result<Author> author_of(const Repo& repo, const std::vector<Oid>& trail, const AllowedSigners& allowed) {
    Author author;
    const auto change = TRY(repo.commit(trail.back()));
    author.emails = {change.author_email, change.committer_email};
    for (auto commit = trail.rbegin(); commit != trail.rend() && !author.signer; ++commit)
        author.signer = TRY(signer_of(repo, *commit, allowed));
    return author;
}

bool same_email(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool is_author(const Author& author, const Signer& signer, const AllowedSigners& allowed) {
    if (author.signer && allowed.same_person(*author.signer, signer)) return true;
    return std::any_of(author.emails.begin(), author.emails.end(),
                       [&](const std::string& email) { return same_email(email, signer.principal); });
}

class ApprovalCount {
  public:
    ApprovalCount(const Repo& repo, const AllowedSigners& allowed, WallTime now)
        : repo_(repo), allowed_(allowed), now_(now) {}

    Result<void> read(const Oid& tree, const std::string& folder, const std::string& digest,
                      const std::string& message, const Author& author) {
        const auto place = TRY(repo_.entry_at(tree, folder));
        if (!place || place->kind != EntryKind::Tree) return {};
        size_t looked_at = 0;
        for (const auto& entry : TRY(repo_.list_level(place->oid))) {
            const bool ours = entry.kind == EntryKind::File && entry.path.ends_with(".sig") &&
                              entry.path.starts_with(digest + ".");
            if (!ours) {
                stale_ |= entry.path.ends_with(".sig");
                continue;
            }
            if (++looked_at > kMostApprovals) break;
            const auto armored = repo_.blob(entry.oid, kLongestApproval);
            if (!armored)
                note(armored.error().message);
            else
                count(*armored, message, author);
        }
        return {};
    }

    [[nodiscard]] std::vector<Signer> people() const { return allowed_.distinct_people(signers_); }
    // Why what is there does not count, for the refusal.
    [[nodiscard]] std::string notes() const {
        std::string text;
        for (const auto& note : notes_) text += "; " + note;
        if (notes_.empty() && stale_) text = "; the approvals that are there are for another content of it";
        return text;
    }

  private:
    void count(const std::string& armored, const std::string& message, const Author& author) {
        auto signer = verify_signed(allowed_, armored, kApprovalNamespace, message, now_);
        if (!signer)
            note("one is not good: " + signer.error().message);
        else if (is_author(author, *signer, allowed_))
            note(escape_foreign(signer->principal) + " is the author of the change");
        else
            signers_.push_back(std::move(*signer));
    }
    void note(std::string why) {
        if (notes_.size() < 3) notes_.push_back(std::move(why));
    }

    const Repo& repo_;
    const AllowedSigners& allowed_;
    WallTime now_;
    std::vector<Signer> signers_;
    std::vector<std::string> notes_;
    bool stale_ = false;
};

std::string names_of(const std::vector<Signer>& people) {
    if (people.empty()) return {};
    std::vector<std::string> names;
    for (const auto& person : people) names.push_back(escape_foreign(person.principal));
    return " (" + join(names, ", ") + ")";
}

}  // namespace

Result<std::vector<Signer>> verify_approvals(const Repo& manifests, const Oid& revision,
                                             const std::string& environment, const std::string& app,
                                             int needed, const AllowedSigners& allowed, WallTime now) {
    if (needed <= 0) return std::vector<Signer>{};
    const auto path = manifests::manifest_path(environment, app);
    const auto info = TRY(manifests.commit(revision));
    const auto entry = TRY(manifests.entry_at(info.tree, path));
    if (!entry || (entry->kind != EntryKind::File && entry->kind != EntryKind::Executable))
        return fail(ErrorKind::NotFound, "no manifest " + path + " in revision " + revision.short_str());
    const auto digest = manifests::manifest_digest(TRY(manifests.blob(entry->oid, kLongestManifest)));
    const auto trail = TRY(trail_to_change(manifests, revision, path, *entry));
    const auto author = TRY(author_of(manifests, trail, allowed));
    ApprovalCount count(manifests, allowed, now);
    TRY(count.read(info.tree, manifests::approval_folder(environment, app), digest,
                   manifests::approval_message(environment, app, digest), author));
    auto people = count.people();
    if (people.size() >= static_cast<size_t>(needed)) return people;
    return fail(
        ErrorKind::Denied,
        path + " as of " + trail.back().short_str() + " has " + std::to_string(people.size()) + " of " +
            count_of(static_cast<size_t>(needed), "approval") + names_of(people) + count.notes(),
        "somebody else than the author approves it: tidegate approve " + app + " --env " + environment);
}

}  // namespace tidegate::reconciler
