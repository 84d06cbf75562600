#include "manifests/checkout.hpp"

#include "manifests/approval.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <unistd.h>

#include <algorithm>

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

// Gates may run in a commit's or push's hooks.
constexpr Duration kCommitTimeout = 30min;

// Names of the manifests in a folder, without ".yaml".
std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    auto dir = open_dir(folder);
    if (!dir) return names;
    auto entries = list_dir(dir->get());
    if (!entries) return names;
    for (const auto& entry : *entries)
        if (entry.ends_with(".yaml")) names.push_back(entry.substr(0, entry.size() - 5));
    return names;
}

Error not_there(const Checkout& checkout, const std::string& app, const std::string& environment) {
    Error error{ErrorKind::NotFound,
                "no manifest " + manifest_path(environment, app) + " in " + checkout.top(),
                {},
                std::nullopt,
                {}};
    const auto names = names_in(checkout.top() + "/" + environment);
    const auto near = nearest(app, {names.begin(), names.end()});
    if (!near.empty())
        error.hint = "did you mean `" + std::string(near) + "`?";
    else if (!names.empty())
        error.hint = environment + " has: " + join(names, " ");
    else
        error.hint = "there is no environment `" + environment + "` here; are you on the manifests branch?";
    return error;
}

// git that cannot do its work is a failure of the environment, not of a gate.
Error environment_error(Error error) {
    if (error.kind == ErrorKind::Failed) error.kind = ErrorKind::Io;
    return error;
}

}  // namespace

Result<Checkout> Checkout::open(const std::string& directory) {
    auto git = TRY(Git::find(GitConfig::User));
    auto top = git.line({.args = {"rev-parse", "--show-toplevel"}, .directory = directory});
    if (!top || top->empty())
        return fail(ErrorKind::NotFound,
                    "not in a checkout of a manifests branch: " + escape_foreign(directory),
                    "enter the checkout, or name it with -C DIR");
    auto branch = git.line({.args = {"symbolic-ref", "-q", "--short", "HEAD"}, .directory = *top});
    if (!branch)
        return fail(ErrorKind::Unsupported, "HEAD is detached in " + escape_foreign(*top),
                    "check the manifests branch out: git switch BRANCH");
    if (!git.line({.args = {"rev-parse", "--verify", "--quiet", "HEAD"}, .directory = *top}))
        return fail(ErrorKind::NotFound, "there is no commit yet in " + escape_foreign(*top),
                    "commit the manifests first");
    return Checkout(std::move(git), std::move(*top), std::move(*branch));
}

GitCall Checkout::call(std::vector<std::string> args) const {
    GitCall call;
    call.args = std::move(args);
    call.directory = top_;
    return call;
}

Result<std::string> Checkout::ask(std::vector<std::string> args) const {
    auto line = git_.line(call(std::move(args)));
    if (!line) return fail(environment_error(std::move(line.error())));
    return line;
}

Result<std::string> Checkout::path_of(const std::string& app, const std::string& environment) const {
    for (const auto& [what, name] : {std::pair("app", &app), std::pair("environment", &environment)})
        if (auto good = check_name(what, *name); !good) {
            good.error().kind = ErrorKind::Usage;
            return fail(std::move(good.error()));
        }
    auto path = manifest_path(environment, app);
    if (!exists(top_ + "/" + path)) return fail(not_there(*this, app, environment));
    return path;
}

Result<std::string> Checkout::committed_text(const std::string& path) const {
    auto dir = TRY(open_dir(top_));
    auto text = TRY(read_file_beneath(dir.get(), path, kLongestManifest));
    const auto head = TRY(text_at("HEAD", path));
    if (head && *head == text) return text;
    return fail(ErrorKind::Exists,
                path + (head ? " has changes that are not committed" : " is not committed"),
                "commit or restore it first: git restore --staged --worktree -- " + path);
}

Result<std::optional<std::string>> Checkout::text_at(const std::string& commit,
                                                     const std::string& path) const {
    const auto listed = TRY(ask({"ls-tree", "--full-tree", commit, "--", path}));
    if (listed.empty()) return std::optional<std::string>();
    if (!listed.starts_with("100"))
        return fail(ErrorKind::Invalid, path + " is not a file at " + escape_foreign(commit));
    return std::optional(TRY(git_.output(call({"cat-file", "blob", commit + ":" + path}))));
}

Result<std::string> Checkout::resolve(const std::string& revision) const {
    auto id = ask({"rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"});
    if (id && !id->empty()) return id;
    return fail(ErrorKind::NotFound, "no such revision: " + escape_foreign(revision),
                "git log shows those of this branch; git fetch brings newer ones");
}

Result<std::string> Checkout::signing_key() const {
    auto key = ask({"config", "--get", "user.signingkey"});
    if (key && !key->empty()) return key;
    return fail(ErrorKind::Usage, "no key to sign with: git's user.signingkey is not set",
                "git config --global gpg.format ssh && git config --global user.signingkey "
                "~/.ssh/id_ed25519.pub");
}

Result<std::string> Checkout::commit_file(const std::string& path, const std::string& text,
                                          const std::string& message) const {
    TRY(signing_key());
    const auto full = top_ + "/" + path;
    const auto before = TRY(text_at("HEAD", path));
    if (!before) TRY(make_dirs(full.substr(0, full.rfind('/')), 0755));
    TRY(write_file_atomic(full, text, 0644));
    auto done = git_.output(call({"add", "--", path}));
    if (done) {
        auto commit = call({"commit", "--quiet", "-S", "--only", "--file=-", "--", path});
        commit.config = {"gpg.format=ssh"};
        commit.input = message;
        commit.timeout = kCommitTimeout;
        done = git_.output(commit);
    }
    if (done) return ask({"rev-parse", "HEAD"});
    // Back to what was there, in the index too.
    if (before)
        static_cast<void>(write_file_atomic(full, *before, 0644));
    else
        static_cast<void>(unlink(full.c_str()));
    static_cast<void>(git_.output(call({"reset", "--quiet", "--", path})));
    auto& error = done.error();
    if (error.message.find("sign") != std::string::npos) {
        error = environment_error(std::move(error));
        error.hint = "is the key in user.signingkey there, and known to your ssh agent? ssh-add -l";
    }
    return fail(std::move(error));
}

Result<void> Checkout::push() const {
    auto push = call({"push", "--quiet"});
    push.timeout = kCommitTimeout;
    auto done = git_.output(push);
    if (!done)
        return fail(environment_error(std::move(done.error()))
                        .hinted("the commit is made; push it yourself once that is mended: git push"));
    return {};
}

}  // namespace tidegate::manifests
