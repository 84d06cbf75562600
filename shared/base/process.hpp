// Child processes. Always an argument vector, never a shell of ours; an environment named in full; a process
// group of its own; a deadline, then TERM, then KILL for the whole group; output bounded; nothing inherited
// but 0, 1, 2.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/error.hpp"
#include "shared/base/fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::shared {

// A child's environment. Starts empty: what is not named here, the child does not see.
class Environment {
  public:
    // Copies from our own environment the variables that match one of `names`; "LC_*" matches by prefix.
    void pass(const std::vector<std::string>& names);
    void set(std::string name, std::string value) {
        values_.insert_or_assign(std::move(name), std::move(value));
    }
    void unset(const std::string& name) { values_.erase(name); }
    [[nodiscard]] std::optional<std::string> get(const std::string& name) const;
    [[nodiscard]] const std::map<std::string, std::string>& values() const { return values_; }

  private:
    std::map<std::string, std::string> values_;
};

// PATH HOME USER LOGNAME LANG LC_* TZ TMPDIR TERM: what any tool may need.
[[nodiscard]] Environment basic_environment();

enum class Stream { Out, Err };

// Whom a child runs as. Groups are the user's own (initgroups).
struct RunAs {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string user;
};

// A limit of setrlimit(2) that the child starts with: RLIMIT_FSIZE, RLIMIT_CORE and the like, soft and hard.
struct ResourceLimit {
    int resource = 0;
    std::uint64_t value = 0;
};

struct Command {
    std::vector<std::string> argv;  // argv[0] is an absolute path, or a name that is searched in env's PATH
    Environment env;
    std::string directory;        // empty: ours
    std::string input;            // written to its standard input, which is then closed
    std::optional<int> input_fd;  // instead of `input`: a descriptor to read from (not owned)
    Duration timeout{0};          // 0: none
    Duration grace{5000};         // between TERM and KILL
    size_t output_limit =
        1 << 20;                 // bytes kept of each stream; the rest is read and dropped (a note says so)
    bool merge_streams = false;  // stderr goes into `out`, in the order written
    std::optional<RunAs> run_as;
    std::vector<ResourceLimit> limits;
    int cancel_fd = -1;  // readable: end the child (TERM, grace, KILL); not owned
    bool stays_behind =
        false;  // its group is left alone when it exits 0 (an activation that starts a service)
    // Called in the caller's thread with what arrived, before the limit is applied.
    std::function<void(Stream, std::string_view)> on_output;
    // Called after the fork with the child's pid (also its group id), before anything is waited for.
    std::function<void(pid_t)> on_start;
};

struct Exit {
    int code = 0;            // exit status, or 128 + signal
    int signal = 0;          // the signal that ended it, 0 for none
    bool timed_out = false;  // ended by us at its deadline
    bool cancelled = false;  // ended by us through cancel_fd
    std::string out;
    std::string err;
    bool truncated = false;  // output_limit was reached
    Duration took{0};

    [[nodiscard]] bool ok() const { return code == 0 && !timed_out && !cancelled; }
    // "exit 1", "SIGSEGV", "timed out after 5m", "cancelled"
    [[nodiscard]] std::string describe() const;
};

// Runs a child to its end. Fails only where it could not be started (NotFound, Permission, Transient); how it
// ended is in Exit. When the child itself has ended, its group is ended too (unless stays_behind), and output
// still held open by a stray descendant is not waited for longer than 200 ms.
[[nodiscard]] Result<Exit> run(const Command& command);

// Many children, one thread, one poll(2). Not thread-safe.
class Supervisor {
  public:
    using Id = std::uint64_t;
    struct Finished {
        Id id = 0;
        Exit exit;
    };

    Supervisor();
    ~Supervisor();  // ends what still runs (KILL)
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    // `command` is copied.
    [[nodiscard]] Result<Id> start(Command command);
    // Waits until a child has ended, `until` has passed (nullopt: for ever) or `wake_fd` is readable; returns
    // those that ended, maybe none. Deadlines, graces and cancel_fds are seen to meanwhile.
    [[nodiscard]] std::vector<Finished> wait(std::optional<MonoTime> until, int wake_fd = -1);
    // Asks a child's group to end: TERM, then KILL after its grace. It still comes back from wait(), as
    // cancelled.
    void end(Id id);
    void end_all();
    [[nodiscard]] size_t running() const;

  private:
    struct Child;
    std::vector<std::unique_ptr<Child>> children_;
    Id next_ = 1;
};

// For every main(): a closed pipe is an error code, not a death (SIGPIPE ignored; children get the default
// back).
void ignore_sigpipe();
// For every main(), first of all: opens /dev/null for a standard stream that the caller left closed, so that no file
// of ours gets its number, and what is printed does not end up in it.
void open_standard_streams();

// Adopts orphans of our children, so that a daemon forked by a gate can be found and ended: makes this
// process a child subreaper (prctl). For short-lived programs only.
void become_subreaper();
// Kills (KILL) and reaps every descendant that has been re-parented to us. Returns how many.
size_t end_orphans(const std::vector<pid_t>& except);

}  // namespace tidegate::shared
