#include "reconciler/commands.hpp"

#include "reconciler/command_job.hpp"
#include "shared/base/text.hpp"

#include <pwd.h>

#include <cerrno>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kKeptOutput = 64 << 10;
constexpr size_t kQuoted = 300;
constexpr std::string_view kReadOnly = "Read-only file system";
constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct Account {
    RunAs who;
    std::string home;
};

template <typename Lookup>
Result<std::optional<Account>> look_up(Lookup lookup) {
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    const int code = lookup(entry, buffer, found);
    if (code != 0 && code != ENOENT && code != ESRCH)
        return fail(errno_error("cannot read the host's users", code));
    if (found == nullptr) return std::optional<Account>();
    return std::optional<Account>(Account{{entry.pw_uid, entry.pw_gid, entry.pw_name}, entry.pw_dir});
}

Result<std::optional<Account>> account_named(const std::string& name) {
    return look_up([&](passwd& entry, std::vector<char>& buffer, passwd*& found) {
        return getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    });
}

Result<std::optional<Account>> account_of(uid_t uid) {
    return look_up([&](passwd& entry, std::vector<char>& buffer, passwd*& found) {
        return getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
    });
}

// The last line a command said that is not empty.
std::string last_words(const Exit& exit) {
    for (const auto* text : {&exit.err, &exit.out}) {
        const auto lines = lines_of(*text);
        for (auto line = lines.rbegin(); line != lines.rend(); ++line)
            if (!trim(*line).empty()) return escape_foreign(trim(*line).substr(0, kQuoted));
    }
    return {};
}

std::string tail(const std::string& text, size_t most) {
    return text.size() <= most ? text : text.substr(text.size() - most);
}

Error failure(const Exit& exit, const std::string& how, const CommandSite& site, const RunOptions& options,
              const DeploymentLog& log) {
    const auto words = last_words(exit);
    Error error;
    error.kind = exit.timed_out   ? ErrorKind::Timeout
                 : exit.cancelled ? ErrorKind::Cancelled
                                  : ErrorKind::Failed;
    error.message = options.what + (exit.timed_out || exit.cancelled ? " " : " failed: ") + how +
                    (words.empty() ? "" : ": " + words);
    std::vector<std::string> hints;
    if (!log.path().empty()) hints.push_back("all of its output: " + log.path());
    if (site.sandbox.kind == SandboxKind::Unit && exit.out.find(kReadOnly) != std::string::npos)
        hints.push_back("the sandbox lets it write " +
                        (site.sandbox.writable.empty() ? "nothing of the host's"
                                                       : "only " + join(site.sandbox.writable, ", ")) +
                        "; `sandbox: {writable: …}` of tidegated.yaml adds to that");
    error.hint = join(hints, "; ");
    return error;
}

}  // namespace

std::vector<std::string> Script::command_line() const {
    if (!argv.empty()) return argv;
    return {"/bin/sh", "-c", shell};
}

std::string Script::shown() const {
    if (argv.empty()) return escape_foreign(shell);
    std::vector<std::string> words;
    for (const auto& word : argv) words.push_back(shell_quote(word));
    return escape_foreign(join(words, " "));
}

Result<std::optional<RunAs>> resolve_user(const std::string& user) {
    const bool root = geteuid() == 0;
    if (user.empty() && root)
        return fail(ErrorKind::Invalid, "the manifest names no `user`, and nothing of a release runs as root",
                    "add `user: NAME` to the manifest; make it: useradd --system NAME");
    if (user.empty()) return std::optional<RunAs>();
    const auto account = TRY(account_named(user));
    if (!account)
        return fail(ErrorKind::NotFound, "this host has no user " + escape_foreign(user),
                    "make it: useradd --system " + shell_quote(user));
    if (account->who.uid == 0)
        return fail(ErrorKind::Invalid,
                    "`user: " + escape_foreign(user) + "` is root, and nothing of a release runs as root",
                    "name another user in the manifest");
    if (root) return std::optional<RunAs>(account->who);
    if (account->who.uid == geteuid()) return std::optional<RunAs>();
    return fail(
        ErrorKind::Invalid,
        "the manifest asks for the user " + escape_foreign(user) + ", and the daemon does not run as root",
        "leave `user` out, name the daemon's own user, or run the daemon as root");
}

Environment command_environment(const CommandSite& site) {
    Environment env;
    env.set("PATH", kPath);
    env.set("SHELL", "/bin/sh");
    env.set("LANG", "C.UTF-8");
    env.pass({"TZ"});
    const auto account = account_of(site.user ? site.user->uid : geteuid());
    if (account && *account) {
        env.set("HOME", (*account)->home);
        env.set("USER", (*account)->who.user);
        env.set("LOGNAME", (*account)->who.user);
    }
    for (const auto& [name, value] : site.env) env.set(name, value);
    for (const auto& [name, value] : site.secrets) env.set(name, value);
    env.set("TIDEGATE", "1");
    env.set("TIDEGATE_APP", site.app);
    env.set("TIDEGATE_RELEASE", site.release.str());
    env.set("TIDEGATE_PREVIOUS", site.previous ? site.previous->str() : "");
    env.set("TIDEGATE_COMMIT", site.commit.str());
    return env;
}

Result<Exit> run_script(const Script& script, const CommandSite& site, const RunOptions& options,
                        DeploymentLog& log) {
    // The last fence before a fork, whatever was decided above us.
    if (geteuid() == 0 && (!site.user || site.user->uid == 0))
        return fail(ErrorKind::Denied, options.what + " would run as root; nothing of a release does",
                    "add `user: NAME` to the manifest");
    if (!site.sandbox.refused.empty())
        return fail(ErrorKind::Denied, options.what + " is not run: " + site.sandbox.refused,
                    site.sandbox.refused_mend);
    CommandJob job;
    job.what = options.what;
    job.unit = options.step > 0 ? options.what + "." + std::to_string(options.step) : options.what;
    job.app = site.app;
    job.argv = script.command_line();
    job.env = command_environment(site);
    job.directory = site.directory;
    job.timeout = options.timeout;
    job.user = geteuid() == 0 ? site.user : std::nullopt;
    job.cancel_fd = options.cancel_fd;
    job.on_start = options.on_start;
    job.input = options.input;
    job.stays_behind = options.stays_behind;
    job.builds = options.builds;
    job.probes = options.probes;
    job.sandbox = &site.sandbox;
    std::string said;
    job.on_output = [&](std::string_view bytes) {
        log.output(bytes);
        if (options.on_output) options.on_output(bytes);
        said += bytes;
        if (said.size() > 4 * kKeptOutput) said = tail(said, 2 * kKeptOutput);
    };
    job.on_unit = [&](const std::string& name) { log.note(options.what + ": in " + name); };
    log.note(options.what + ": " + script.shown());
    auto end = site.sandbox.kind == SandboxKind::Unit ? run_as_unit(job) : run_as_process(job);
    log.finish_output();
    if (!end) return fail(std::move(end.error()).during(options.what));
    Result<Exit> exit = std::move(end->exit);
    // Masked before it is cut: a cut would leave the end of a secret that no longer looks like one.
    exit->out = tail(log.mask(said), kKeptOutput);
    exit->truncated = said.size() > kKeptOutput;
    const auto how = end->why.empty() ? exit->describe() : end->why;
    log.note(options.what + ": " + how + " after " + human_duration(exit->took));
    if (exit->ok()) return exit;
    return fail(failure(*exit, how, site, options, log));
}

}  // namespace tidegate::reconciler
