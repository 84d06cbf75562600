// git as a child process, for what libgit2 is the wrong tool for: fetch and push (TLS, ssh, timeouts),
// repositories that libgit2 cannot read, and the hook's start-up path, where one `git` (2 ms) costs less than
// loading libgit2.
#pragma once

#include "shared/base/process.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::shared {

// Whose configuration a git child obeys.
enum class GitConfig {
    User,    // a developer's repository: their configuration, agent and proxies, as if they had typed it
    Closed,  // a host: none but ours; no hooks, filters, fsmonitor, submodules, replace refs, prompts;
             // objects checked
};

struct GitCall {
    std::vector<std::string> args{};           // after "git"; put "--" before whatever came from outside
    std::string directory{};                   // -C
    std::optional<std::string> git_dir{};      // GIT_DIR
    std::optional<std::string> work_tree{};    // GIT_WORK_TREE
    std::optional<std::string> index_file{};   // GIT_INDEX_FILE
    std::map<std::string, std::string> env{};  // added to the child's environment
    std::vector<std::string> config{};         // "key=value", each a -c
    std::string input{};
    Duration timeout{60'000};
    size_t output_limit = 64 << 20;
    int cancel_fd = -1;
    std::vector<std::string>
        protocols{};  // Closed: what protocol.<name>.allow is set to always for; others never
    std::optional<RunAs> run_as{};
    std::vector<ResourceLimit> limits{};
};

class Git {
  public:
    // Finds git once, by absolute path, never beneath `never_beneath`. None of the caller's GIT_* variables
    // reach it.
    [[nodiscard]] static Result<Git> find(GitConfig config, const std::string& never_beneath = {});

    // Runs to the end; how it ended is in Exit. Fails only where git could not be started.
    [[nodiscard]] Result<Exit> run(const GitCall& call) const;
    // Standard output of a call that must end with 0; otherwise Failed (Timeout, Cancelled, NoSpace, Transient,
    // NotFound, Permission, or Denied for a wrong ssh host key, where that can be told from how it ended) with
    // git's own last error line.
    [[nodiscard]] Result<std::string> output(const GitCall& call) const;
    // output() without the trailing newline.
    [[nodiscard]] Result<std::string> line(const GitCall& call) const;

    [[nodiscard]] const std::string& path() const { return path_; }
    // The whole command as run() would start it, for a caller with a Supervisor of its own.
    [[nodiscard]] Command command(const GitCall& call) const;

  private:
    Git(std::string path, GitConfig config) : path_(std::move(path)), config_(config) {}
    std::string path_;
    GitConfig config_;
};

// What output() fails with for a call that ended like this.
[[nodiscard]] Error git_failure(const GitCall& call, const Exit& exit);

// The last line git wrote that begins with fatal:, error: or remote:, escaped for showing; or its last line.
[[nodiscard]] std::string git_complaint(const Exit& exit);

}  // namespace tidegate::shared
