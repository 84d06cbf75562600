// What a run came to, as values: for the exit code, the page, the proof and the files that --json and --junit write.
#pragma once

#include "hooks/config/config.hpp"
#include "hooks/report/coverage.hpp"
#include "hooks/report/junit.hpp"
#include "hooks/report/sarif.hpp"
#include "hooks/snapshot.hpp"
#include "shared/sign/measure.hpp"

namespace tidegate::hooks {

enum class Outcome {
    Passed,
    Flaky,  // passed after a retry
    Cached,
    Empty,    // nothing for it in the change
    Skipped,  // by a person, or by `only` and `except`
    Failed,
    NotRun,     // a gate it needs failed, or fail_fast
    Cancelled,  // SIGINT, SIGTERM
};
[[nodiscard]] std::string_view name_of(Outcome outcome);  // "passed", "flaky", …
[[nodiscard]] bool is_good(Outcome outcome);              // Passed Flaky Cached Empty

struct GateRun {
    const Gate* gate = nullptr;
    Outcome outcome = Outcome::NotRun;
    std::string detail;  // "exit 1", "timed out after 5m", "needs unit", "no matching files", "2 problems"
    shared::Duration took{0};
    size_t files = 0;  // it was run on
    int attempts = 0;
    bool ended_by_itself = false;  // its command was found, and ended by no signal and in time
    std::string tail;              // the end of its output, at most 64 KiB, as it came (escape when showing)
    std::string log;               // path; empty where nothing ran, or it said nothing
    std::string hint;              // a sentence; may be empty
    reports::TestReport tests;     // out of its own reports
    std::vector<reports::Finding> findings;  // of its reports and of built-in checks, whatever their level
    std::optional<reports::Share> coverage;
    std::vector<shared::Measure> measures;
};

struct RunReport {
    std::vector<GateRun> gates;  // in the file's order
    Spoil spoil;                 // what gates did to the tree's files: such a stage has failed
    bool cancelled = false;
    shared::Duration took{0};
    std::string logs;                // the folder of this run's logs; empty where there are none
    std::vector<std::string> notes;  // one line each, for people
    std::string spoiler;             // the gate that ran alone when the spoil was done; may be empty

    [[nodiscard]] bool passed() const;  // all good (skipped ones do not fail it)
    // One of the tree's gates was left out, by a person or by its conditions: not to be attested.
    [[nodiscard]] bool skipped() const;
};

}  // namespace tidegate::hooks
