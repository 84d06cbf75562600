// The commands of a release: build, migrate, activate, health. They run as the app's user, in the release they
// belong to, with a strict environment, and what they write goes into the deployment's log.
#pragma once

#include "reconciler/release_id.hpp"
#include "reconciler/sandbox.hpp"
#include "reconciler/secrets.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/names.hpp"
#include "shared/base/process.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::reconciler {

// A command of a manifest: a string for `sh -c`, or a list that is executed as it is.
struct Script {
    std::string shell;
    std::vector<std::string> argv;

    [[nodiscard]] std::vector<std::string> command_line() const;
    [[nodiscard]] std::string shown() const;  // escaped, for messages
};

// Whom an app's commands run as. `user` is the manifest's (empty: none).
//  - we are root: a user is needed and must not be root (uid 0), otherwise Invalid with the mend;
//  - we are not: the user must be ourselves or not be given (Invalid otherwise), and nullopt comes back.
// NotFound where the host has no such user. Ask it for every app that runs anything; for one that runs nothing,
// with `user` empty, don't.
[[nodiscard]] Result<std::optional<shared::RunAs>> resolve_user(const std::string& user);

// One file for each deployment: what its commands said, each line as it came, masked, escaped, bounded.
// Thread-safe.
class DeploymentLog {
  public:
    // Appends to `path` (0600; its folder exists). After `limit` bytes only a note follows.
    [[nodiscard]] static Result<DeploymentLog> open(const std::string& path,
                                                    const std::vector<std::string>& secrets,
                                                    std::uint64_t limit = 8 << 20);
    // Removes the oldest `<number>.log` of a folder but `keep`; what cannot be removed stays.
    static void forget_old(const std::string& folder, size_t keep);
    // Writes nothing; only masks.
    [[nodiscard]] static DeploymentLog none(const std::vector<std::string>& secrets = {});

    // A line of our own: "── migrate: ./bin/migrate up".
    void note(std::string_view line);
    // Output of a command, in pieces; ends with finish_output().
    void output(std::string_view bytes);
    void finish_output();
    [[nodiscard]] const std::string& path() const;
    // A text with the secrets masked.
    [[nodiscard]] std::string mask(std::string_view text) const;

  private:
    struct State;
    explicit DeploymentLog(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

// What the commands of one release see.
struct CommandSite {
    std::string app;
    ReleaseId release;                  // TIDEGATE_RELEASE: the release that the command belongs to
    std::optional<ReleaseId> previous;  // TIDEGATE_PREVIOUS: empty for a first deployment
    shared::Oid commit;                 // TIDEGATE_COMMIT
    std::string directory;              // the release's absolute path; working directory
    std::map<std::string, std::string> env;
    std::map<std::string, std::string> secrets;
    std::optional<shared::RunAs> user;  // nullopt: as ourselves; refused (Denied) where we are root
    std::string label = {};             // what people call the release: "v1.4.2"
    Sandbox sandbox = {};
};

struct RunOptions {
    std::string what = "command";  // "build", "migrate.up", "health": for messages and the log
    shared::Duration timeout{600'000};
    bool stays_behind = false;  // an activation: what it leaves running is not ended
    bool builds = false;        // it may write in the release
    bool probes = false;        // it comes again and again, several at once
    int step = 0;               // of several with the same `what`, from 1; 0: the only one
    int cancel_fd = -1;
    // As shared::Command's. Not called for a unit, which systemd knows and finds by its name.
    std::function<void(pid_t)> on_start;
    std::string input = {};  // its standard input, then closed
    // What it writes, both streams, as it came and unmasked: to be read by a program, never to be shown.
    std::function<void(std::string_view)> on_output = {};
};

// The whole environment of a release's command: PATH, HOME, USER, LOGNAME, SHELL, LANG, TZ, TMPDIR, then the
// manifest's `env`, its secrets, and TIDEGATE, TIDEGATE_APP, TIDEGATE_RELEASE, TIDEGATE_PREVIOUS, TIDEGATE_COMMIT.
// Nothing else of ours.
[[nodiscard]] shared::Environment command_environment(const CommandSite& site);

// Runs to the end, in the site's sandbox. Denied where the sandbox that the host asks for cannot be had. Failed ("migrate.up failed: exit 1: <last line>", hint: where the log is), Timeout,
// Cancelled, NotFound, Permission; messages are masked. The Exit's output is masked too, at most its last 64 KiB.
[[nodiscard]] Result<shared::Exit> run_script(const Script& script, const CommandSite& site,
                                              const RunOptions& options, DeploymentLog& log);

}  // namespace tidegate::reconciler
