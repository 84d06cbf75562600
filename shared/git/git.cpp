#include "shared/git/git.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

namespace tidegate::shared {

namespace {

// What a closed git is told before every command. Each line takes away a way for a repository or a remote to
// make git run or follow something.
const std::vector<std::string>& closed_config() {
    static const std::vector<std::string> kSettings{"core.hooksPath=/dev/null",
                                                    "core.fsmonitor=false",
                                                    "core.askPass=",
                                                    "core.attributesFile=/dev/null",
                                                    "core.excludesFile=/dev/null",
                                                    "credential.helper=",
                                                    "protocol.allow=never",
                                                    "transfer.fsckObjects=true",
                                                    "fetch.fsckObjects=true",
                                                    "receive.fsckObjects=true",
                                                    "fetch.recurseSubmodules=no",
                                                    "submodule.recurse=false",
                                                    "http.followRedirects=false",
                                                    "http.lowSpeedLimit=1000",
                                                    "http.lowSpeedTime=30",
                                                    "gc.auto=0",
                                                    "maintenance.auto=false",
                                                    "uploadpack.packObjectsHook=",
                                                    "transfer.bundleURI=false",
                                                    "fetch.writeCommitGraph=false",
                                                    "advice.detachedHead=false",
                                                    "log.showSignature=false",
                                                    "core.alternateRefsCommand="};
    return kSettings;
}

ErrorKind kind_of_failure(const Exit& exit, const std::string& complaint) {
    if (exit.timed_out) return ErrorKind::Timeout;
    if (exit.cancelled) return ErrorKind::Cancelled;
    const auto says = [&](std::string_view text) {
        return complaint.find(text) != std::string::npos || exit.err.find(text) != std::string::npos;
    };
    if (says("No space left on device") || says("Disk quota exceeded")) return ErrorKind::NoSpace;
    // ssh says why on a line before git's own "Could not read from remote repository".
    if (says("Host key verification failed") || says("REMOTE HOST IDENTIFICATION HAS CHANGED"))
        return ErrorKind::Denied;
    for (const std::string_view text :
         {"Permission denied (", "Authentication failed", "could not read Username",
          "could not read Password", "requested URL returned error: 401",
          "requested URL returned error: 403"})
        if (says(text)) return ErrorKind::Permission;
    for (const std::string_view text : {"does not appear to be a git repository", "repository not exported",
                                        "requested URL returned error: 404", "Repository not found",
                                        "couldn't find remote ref", "not our ref"})
        if (says(text)) return ErrorKind::NotFound;
    for (const std::string_view text :
         {"Could not resolve host", "Connection refused", "Connection timed out", "Connection reset",
          "unable to connect", "early EOF", "hung up unexpectedly", "Could not read from remote",
          "RPC failed", "Operation too slow", "Failed to connect", "Temporary failure",
          "Network is unreachable", "No route to host", "requested URL returned error: 429",
          "requested URL returned error: 5", "unexpected disconnect", "Connection closed"})
        if (says(text)) return ErrorKind::Transient;
    return ErrorKind::Failed;
}

}  // namespace

Result<Git> Git::find(GitConfig config, const std::string& never_beneath) {
    auto path = find_program("git", never_beneath);
    if (!path) return fail(std::move(path.error()).hinted("install git: apt-get install git"));
    return Git(std::move(*path), config);
}

Command Git::command(const GitCall& call) const {
    Command command;
    command.argv = {path_};
    if (!call.directory.empty()) {
        command.argv.emplace_back("-C");
        command.argv.push_back(call.directory);
    }
    const auto setting = [&](const std::string& text) {
        command.argv.emplace_back("-c");
        command.argv.push_back(text);
    };
    command.env = basic_environment();
    if (config_ == GitConfig::Closed) {
        for (const auto& text : closed_config()) setting(text);
        for (const auto& protocol : call.protocols) setting("protocol." + protocol + ".allow=always");
        command.env.set("GIT_CONFIG_NOSYSTEM", "1");
        command.env.set("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env.set("GIT_NO_REPLACE_OBJECTS", "1");
        command.env.set("GIT_ATTR_NOSYSTEM", "1");
        command.env.set("GIT_ASKPASS", "");
    } else {
        command.env.pass({"SSH_AUTH_SOCK",
                          "SSH_AGENT_PID",
                          "XDG_*",
                          "http_proxy",
                          "https_proxy",
                          "no_proxy",
                          "HTTP_PROXY",
                          "HTTPS_PROXY",
                          "NO_PROXY",
                          "ALL_PROXY",
                          "SSL_CERT_FILE",
                          "SSL_CERT_DIR",
                          "GNUPGHOME",
                          "DISPLAY",
                          "WAYLAND_DISPLAY",
                          "DBUS_SESSION_BUS_ADDRESS",
                          "GIT_CONFIG_GLOBAL",
                          "GIT_CONFIG_SYSTEM",
                          "GIT_CONFIG_NOSYSTEM",
                          "GIT_CONFIG_COUNT",
                          "GIT_CONFIG_KEY_*",
                          "GIT_CONFIG_VALUE_*",
                          "GIT_CONFIG_PARAMETERS",
                          "GIT_SSH",
                          "GIT_SSH_COMMAND",
                          "GIT_SSH_VARIANT",
                          "GIT_SSL_CAINFO",
                          "GIT_AUTHOR_*",
                          "GIT_COMMITTER_*",
                          "SSH_ASKPASS"});
    }
    for (const auto& text : call.config) setting(text);
    command.env.set("GIT_TERMINAL_PROMPT", "0");
    command.env.set("GIT_OPTIONAL_LOCKS", "0");
    command.env.set("LC_ALL", "C");
    if (call.git_dir) command.env.set("GIT_DIR", *call.git_dir);
    if (call.work_tree) command.env.set("GIT_WORK_TREE", *call.work_tree);
    if (call.index_file) command.env.set("GIT_INDEX_FILE", *call.index_file);
    for (const auto& [name, value] : call.env) command.env.set(name, value);
    command.argv.insert(command.argv.end(), call.args.begin(), call.args.end());
    command.input = call.input;
    command.timeout = call.timeout;
    command.output_limit = call.output_limit;
    command.cancel_fd = call.cancel_fd;
    command.run_as = call.run_as;
    command.limits = call.limits;
    return command;
}

Result<Exit> Git::run(const GitCall& call) const {
    return shared::run(command(call));
}

Error git_failure(const GitCall& call, const Exit& exit) {
    const auto what = "git " + (call.args.empty() ? std::string() : call.args.front());
    if (exit.ok() && exit.truncated)
        return {ErrorKind::Invalid,
                what + " answered with more than " + std::to_string(call.output_limit) + " bytes",
                {},
                std::nullopt,
                {}};
    const auto complaint = git_complaint(exit);
    return {kind_of_failure(exit, complaint),
            what + " failed (" + exit.describe() + ")" + (complaint.empty() ? "" : ": " + complaint),
            {},
            std::nullopt,
            {}};
}

Result<std::string> Git::output(const GitCall& call) const {
    auto exit = TRY(run(call));
    if (exit.ok() && !exit.truncated) return std::move(exit.out);
    return fail(git_failure(call, exit));
}

Result<std::string> Git::line(const GitCall& call) const {
    auto text = TRY(output(call));
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

std::string git_complaint(const Exit& exit) {
    std::string_view last;
    std::string_view marked;
    for (const auto line : lines_of(exit.err)) {
        // Git's own summary, and advice after it: what the transport said before is the reason.
        if (line == "fatal: Could not read from remote repository." && !last.empty()) break;
        if (!trim(line).empty()) last = line;
        if (line.starts_with("fatal: ") || line.starts_with("error: ") || line.starts_with("remote: "))
            marked = line;
    }
    return escape_foreign((marked.empty() ? last : marked).substr(0, 400));
}

}  // namespace tidegate::shared
