// Logs of runs: <git dir>/tidegate/logs/<UTC time>-<stage>/<gate>.log, the newest 20 runs kept.
#pragma once

#include "hooks/repository.hpp"
#include "shared/base/fd.hpp"

namespace tidegate::hooks {

class RunLogs {
  public:
    // Makes the folder of a run (with ~2, ~3 … where another began in the same second) and removes the
    // oldest.
    [[nodiscard]] static Result<RunLogs> begin(const Repository& repo, const std::string& stage);
    [[nodiscard]] const std::string& path() const { return path_; }
    // A new file for a gate's output.
    [[nodiscard]] Result<shared::Fd> open(const std::string& gate) const;
    [[nodiscard]] std::string path_of(const std::string& gate) const;
    [[nodiscard]] std::string reports_of(const std::string& gate) const;  // a folder

  private:
    explicit RunLogs(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace tidegate::hooks
