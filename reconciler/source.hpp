// Git sources on a host: a bare mirror for each URL, moved by a closed git child. Nothing a remote sends is
// executed or followed: no hooks, filters, submodules, alternates, redirects.
#pragma once

#include "reconciler/bare_store.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/names.hpp"
#include "shared/repo/repo.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::reconciler {

class GitRemotes;
class SshConnection;
struct FetchedPack;

// How a URL may be reached, out of the host's own configuration.
struct SourceAccess {
    std::vector<std::string> protocols;  // trust.protocols: https ssh http git file
    std::optional<std::string>
        ssh_key;  // path of a private key, or of the public half where there is an agent
    std::optional<std::string> ssh_agent;    // path of its socket
    std::optional<std::string> known_hosts;  // path; without it no host key is known, so ssh is refused
    std::string token_user = "x-access-token";
    std::string token;    // for https; reaches git by its environment, never by argv, and no log
    bool bearer = false;  // it goes as `Authorization: Bearer`, without a user
    std::vector<std::string> redirects{};  // trust.redirects
    std::optional<std::string> ca_file{};
    GitRemotes* remotes = nullptr;  // connections that are kept; null: git makes its own. Not owned
};

struct TransferLimits {
    shared::Duration timeout{600'000};      // for one fetch
    shared::Duration look_timeout{30'000};  // for asking what a ref is
    std::uint64_t pack_bytes = 8ULL << 30;  // no file a fetch writes grows over this
};

// A store below STATE/sources, one for each URL, and what is fetched into it: every fetch holds its lock, and one
// that is corrupt is set aside and filled again by the same call. Not thread-safe.
class GitMirror {
  public:
    // `folder` is STATE/sources. Denied where the URL's protocol is not among access.protocols. Makes the
    // bare repository where it is missing; touches no network.
    [[nodiscard]] static Result<GitMirror> open(const std::string& folder, shared::Url url,
                                                SourceAccess access, TransferLimits limits = {});

    // Brings a commit and its whole tree here, without its history: by its id where the server allows that,
    // else by the tag, else by all branches and tags. Asks nobody when it is here already (and `tag` was
    // checked then). Where `tag` is given it must point at the commit on the remote, otherwise Denied.
    // NotFound where the remote does not have it; Transient, Timeout, Cancelled, NoSpace as they are.
    [[nodiscard]] Result<void> fetch_commit(const shared::Oid& commit, const std::optional<std::string>& tag,
                                            int cancel_fd = -1);
    // Brings refs/tidegate/attestations here; gives its commit, nullopt where the remote has none.
    [[nodiscard]] Result<std::optional<shared::Oid>> fetch_attestations(int cancel_fd = -1);
    // What the remote's `ref` is now, by one round trip, over a connection that is kept where there is one; nullopt where
    // it has none.
    [[nodiscard]] Result<std::optional<shared::Oid>> look(const shared::RefName& ref, int cancel_fd = -1);
    // Brings a ref with its whole history here, under `local` (forced: whether it moved forward is the
    // caller's question). Gives what it is now; `there` is what it was a moment ago, where that is known.
    [[nodiscard]] Result<shared::Oid> fetch_ref(const shared::RefName& ref, const shared::RefName& local,
                                                const std::optional<shared::Oid>& there = std::nullopt,
                                                int cancel_fd = -1);

    // The mirror's objects. Whoever finds an object missing or corrupt (Broken) calls set_aside() and fetches
    // again.
    [[nodiscard]] Result<shared::Repo> repo() const;
    [[nodiscard]] Result<void> set_aside();

    // Forgets every commit but these; gives the disk back when more than 16 fetches lie there.
    [[nodiscard]] Result<void> keep_only(const std::vector<shared::Oid>& commits);

    [[nodiscard]] const shared::Url& url() const { return url_; }
    [[nodiscard]] const std::string& path() const { return store_.path(); }

  private:
    struct Fetch {
        std::vector<std::string> refspecs;
        bool shallow = false;
        int cancel_fd = -1;
    };
    // What is brought by one question, on top of what is here (git_quick_fetch.cpp).
    struct QuickFetch {
        shared::Oid commit;
        shared::RefName local;                                       // what it is kept by
        std::optional<std::pair<shared::RefName, shared::Oid>> tag;  // and the tag's object by this one
        bool shallow = false;
        int cancel_fd = -1;
    };
    GitMirror(BareStore store, shared::Url url, SourceAccess access, TransferLimits limits);
    [[nodiscard]] Result<shared::GitCall> remote_call(std::vector<std::string> args, shared::Duration timeout,
                                                      int cancel_fd) const;
    [[nodiscard]] Result<std::string> ask(const shared::GitCall& call) const;
    [[nodiscard]] Result<void> fetch(const Fetch& what) const;
    [[nodiscard]] bool is_corrupt() const;
    [[nodiscard]] Result<void> fetch_by_id(const shared::Oid& commit, const std::optional<std::string>& tag,
                                           int cancel_fd) const;
    [[nodiscard]] Result<void> fetch_by_refs(const shared::Oid& commit, int cancel_fd) const;
    [[nodiscard]] std::optional<shared::Oid> asked_quickly(const shared::RefName& ref, int cancel_fd) const;
    // Whether it is here now, whole and checked like what git fetches; where not, git has to be asked.
    [[nodiscard]] bool fetch_quickly(const QuickFetch& what) const;
    [[nodiscard]] std::vector<shared::Oid> had(const shared::Repo& objects, const QuickFetch& what) const;
    [[nodiscard]] bool unpack(const FetchedPack& fetched, const QuickFetch& what) const;
    [[nodiscard]] Result<bool> fetch_commit_quickly(const shared::Oid& commit,
                                                    const std::optional<std::string>& tag,
                                                    int cancel_fd) const;
    [[nodiscard]] Result<bool> is_here(const shared::Oid& commit,
                                       const std::optional<std::string>& tag) const;
    [[nodiscard]] Error cleaned(Error error) const;

    BareStore store_;
    shared::Url url_;
    SourceAccess access_;
    TransferLimits limits_;
    mutable std::shared_ptr<SshConnection> connection_;  // not ended as long as a git child may go through it
};

// The manifests branch: a mirror of the manifests repository and the tip seen last.
class ManifestsBranch {
  public:
    struct Tip {
        shared::Oid commit;
        bool moved = false;  // differs from what was here before this look
    };

    [[nodiscard]] static Result<ManifestsBranch> open(const std::string& folder, shared::Url url,
                                                      shared::RefName branch, SourceAccess access,
                                                      TransferLimits limits = {});

    // One round trip, or none where the caller has asked what the branch is already; a fetch follows only where the
    // branch moved. NotFound where the remote has no such branch. Whether the tip may be followed (forward-only, signatures) is judged by whoever asked, on repo().
    [[nodiscard]] Result<Tip> look(int cancel_fd = -1, std::optional<shared::Oid> there = std::nullopt);
    // The tip of the last look() that ended well, also one of an earlier run; nullopt before the first.
    [[nodiscard]] Result<std::optional<shared::Oid>> seen() const;

    [[nodiscard]] Result<shared::Repo> repo() const { return mirror_.repo(); }
    [[nodiscard]] const shared::RefName& branch() const { return branch_; }
    [[nodiscard]] GitMirror& mirror() { return mirror_; }

  private:
    ManifestsBranch(GitMirror mirror, shared::RefName branch)
        : mirror_(std::move(mirror)), branch_(std::move(branch)) {}
    GitMirror mirror_;
    shared::RefName branch_;
};

// What a git child needs to reach `url`: environment for ssh and tokens, configuration for certificates. A token
// goes nowhere but to https (or http on this machine itself).
struct AccessSettings {
    std::map<std::string, std::string> env;
    std::vector<std::string> config;
};
// Denied where the URL's protocol is not among access.protocols.
[[nodiscard]] Result<void> check_protocol(const shared::Url& url, const SourceAccess& access);
// Denied where a token would go over the network in clear.
[[nodiscard]] Result<void> check_token_is_safe(const shared::Url& url, const SourceAccess& access);
// The value of the Authorization header for a token that is there.
[[nodiscard]] std::string authorization(const SourceAccess& access);
[[nodiscard]] bool is_this_machine(const std::string& host);
[[nodiscard]] Result<AccessSettings> access_settings(const shared::Url& url, const SourceAccess& access,
                                                     const std::string& control_path = "none");

// ssh and its options for an access; Invalid for paths that ssh's own option parser would split or expand, or where
// known_hosts is missing. `control_path`: the socket of a connection that is there, to go through it ("none": there is
// none). Where that does not answer, ssh connects by itself.
[[nodiscard]] Result<std::vector<std::string>> ssh_words(const SourceAccess& access,
                                                         const std::string& control_path);
// The same as the value of GIT_SSH_COMMAND.
[[nodiscard]] Result<std::string> ssh_command(const SourceAccess& access,
                                              const std::string& control_path = "none");

}  // namespace tidegate::reconciler
