// What a person sees of a run. On a terminal the running gates have a line each with its clock, rewritten in
// place, and settle when they are done; anywhere else nothing is written before the end, and never an escape.
// Success is quiet, a failure is whole and last.
#pragma once

#include "hooks/run.hpp"
#include "shared/face/face.hpp"

#include <string>
#include <vector>

namespace tidegate::hooks {

// Who started the run, for the words around it.
struct Occasion {
    bool by_hook = true;     // git did; else `tidegate run`
    std::string remote;      // of a push
    bool continued = false;  // goes on with a run that has its headline already
};

class Display final : public Watcher {
  public:
    // Writes to `fd` (not owned).
    Display(const Repository& repo, const Target& target, shared::Face face, int fd, Occasion occasion);

    void started(const Plan& plan) override;
    void preparing(const std::string& what) override;
    void gate_started(size_t gate) override;
    void gate_output(size_t gate, std::string_view bytes) override;
    void gate_retried(size_t gate, int attempt) override;
    void gate_finished(size_t gate, const GateRun& run) override;
    [[nodiscard]] std::optional<shared::Duration> tick() const override;
    void ticked() override;

    // Replaces what was live by what is to stay. Once, after the run.
    void settle(const Plan& plan, const RunReport& report);
    // Takes the live lines away, for an error that is told instead.
    void clear();

  private:
    struct Line {
        bool running = false;
        bool done = false;
        shared::MonoTime since{};
        GateRun settled;      // once done: what its line is made of, in whatever width
        std::string last;     // the last line of output, unfinished ones included
        std::string attempt;  // "attempt 2"
    };

    [[nodiscard]] std::string running_line(size_t gate, const shared::Face& face) const;
    // The live lines of now, for a window of this size.
    [[nodiscard]] std::vector<std::string> live_lines(size_t rows, const shared::Face& face) const;
    void redraw();
    // Back to where the live lines begin.
    [[nodiscard]] std::string up(size_t rows, size_t columns) const;
    void write(const std::string& text) const;

    const Repository& repo_;
    const Target& target_;
    shared::Face face_;
    int fd_;
    Occasion occasion_;
    const Plan* plan_ = nullptr;
    std::vector<Line> lines_;
    std::string preparing_;
    std::vector<size_t> drawn_;  // columns of the live lines on the screen now
    size_t frame_ = 0;
};

// The parts of it, as pure functions: golden tests look at these.

// "tidegate pre-push  main → origin  2 commits, tree 4f1c9e2"
[[nodiscard]] std::string headline(const Plan& plan, const Target& target, const Occasion& occasion);
// A gate's name, with the blanks up to its line's next column.
[[nodiscard]] std::string gate_name(const Plan& plan, const Gate& gate, const shared::Face& face);
// One settled gate: "  ✓ unit           3 files            0.31s".
[[nodiscard]] std::string gate_line(const Plan& plan, const GateRun& run, const shared::Face& face);
// The whole of a finished run without the headline; `remarks` stand before the last line.
[[nodiscard]] std::string render_run(const Repository& repo, const Plan& plan, const Target& target,
                                     const RunReport& report, const shared::Face& face,
                                     const Occasion& occasion, const std::vector<std::string>& remarks);

// Sentences about the working tree that explain a failure: changes and new files that are not part of what
// was gated.
[[nodiscard]] std::vector<std::string> remarks_on_failure(const Repository& repo, const Target& target,
                                                          const RunReport& report);

}  // namespace tidegate::hooks
