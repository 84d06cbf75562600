// What a deployment does to the world, behind one narrow seam: the real twin (host_ports.cpp) acts on the app's
// folder, git, processes and probes; tests give an in-memory twin that fails, hangs or dies where it is told to.
// One object serves one deployment. Errors carry the kind that decides what happens next.
#pragma once

#include "shared/base/error.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

// Which of the two releases of a deployment something is done with.
enum class Side { From, To };
enum class Way { Up, Down };

struct Migration {
    bool up = false;
    bool down = false;
    bool compatible = false;  // the former release runs on the new schema
    bool restore = false;     // there is a command that brings the backup back
};

class Ports {
  public:
    virtual ~Ports() = default;
    // Each gives what a person wants to know of it ("1 file written, 240 shared"), maybe nothing.

    // The source and its attestations; touches nothing of the app.
    [[nodiscard]] virtual Result<std::string> fetch(int cancel_fd) = 0;
    // Denied where policy refuses the release.
    [[nodiscard]] virtual Result<std::string> verify(int cancel_fd) = 0;
    // Whether the new release lies there complete: nothing is fetched, staged or built then.
    [[nodiscard]] virtual bool complete() = 0;
    [[nodiscard]] virtual Result<std::string> stage(int cancel_fd) = 0;
    // Runs the build and marks the release complete.
    [[nodiscard]] virtual Result<std::string> build(int cancel_fd) = 0;
    // Removes what is there of the new release unless it is complete, and leftovers of crashes.
    [[nodiscard]] virtual Result<std::string> discard() = 0;

    [[nodiscard]] virtual Migration migration(Side side) = 0;
    [[nodiscard]] virtual Result<std::string> migrate(Side side, Way way, int cancel_fd) = 0;
    // Brings back what this deployment's own backup holds.
    [[nodiscard]] virtual Result<std::string> restore(Side side, int cancel_fd) = 0;

    // The release behind `current`.
    [[nodiscard]] virtual Result<std::optional<std::string>> current() = 0;
    [[nodiscard]] virtual Result<std::string> switch_to(Side side) = 0;
    [[nodiscard]] virtual Result<std::string> activate(Side side, int cancel_fd) = 0;
    // Failed, with the probe and its last answer in the message, when the time is up.
    [[nodiscard]] virtual Result<std::string> health(Side side, int cancel_fd) = 0;
    [[nodiscard]] virtual Result<std::string> soak(int cancel_fd) = 0;
    // Removes every release but those named, in order of their worth: the running ones first, then good ones,
    // newest first; the manifest's `keep` good ones stay. Gives the names that went, those
    // that had gone before among them.
    [[nodiscard]] virtual Result<std::vector<std::string>> prune(const std::vector<std::string>& in_use,
                                                                 const std::vector<std::string>& good) = 0;
};

}  // namespace tidegate::reconciler
