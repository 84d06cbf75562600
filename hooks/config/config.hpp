// .tidegate.yaml as types. What is not right has its place; what is not built yet is refused, never ignored.
#pragma once

#include "hooks/builtin/options.hpp"
#include "hooks/config/glob.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/error.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks {

inline constexpr std::string_view kConfigFile = ".tidegate.yaml";
inline constexpr std::string_view kLocalFile = ".tidegate.local.yaml";

// A command: a text for `sh -c`, or a list that is executed directly.
struct Script {
    std::string shell;
    std::vector<std::string> argv;

    [[nodiscard]] bool empty() const { return shell.empty() && argv.empty(); }
    [[nodiscard]] bool mentions(std::string_view placeholder) const;  // "{files}"
    [[nodiscard]] std::string shown() const;                          // one line, for people
    bool operator==(const Script&) const = default;
};

// One of `only` or `except`.
struct Condition {
    enum class Kind { Branch, Ref, Merge, Rebase, Env };
    Kind kind = Kind::Merge;
    std::string name;           // Env: of the variable
    std::optional<Glob> value;  // Branch, Ref; Env: nothing where it only has to be set
    std::string text;           // "branch release/*", for people
};
using Conditions = std::vector<Condition>;  // met when one of them is

enum class Workspace { Snapshot, Worktree };

// `report`: what a gate's own reports must say. Paths may begin with {reports}; others are below the folder
// in which the gate runs.
struct ReportRules {
    std::vector<std::string> junit;
    std::vector<std::string> coverage;
    std::optional<double> min;         // percent of all lines
    std::optional<double> min_change;  // percent of the change's lines
    std::vector<std::string> sarif;
    std::string sarif_level = "error";  // a finding of this level, or a worse one, fails the gate

    std::vector<std::string> benchmark;
    std::string metric = "real_time";      // in Google Benchmark's JSON
    std::string better;                    // "lower", "higher"; empty: by the unit
    std::optional<double> max_regression;  // percent, against the last attested value

    [[nodiscard]] bool empty() const {
        return junit.empty() && coverage.empty() && sarif.empty() && benchmark.empty();
    }
    bool operator==(const ReportRules&) const = default;
};

struct Gate {
    std::string name;
    Script run;                         // exactly one of run …
    std::vector<std::string> builtins;  // … and builtin
    builtin::Options builtin_options;   // of all of them
    Script fix;
    bool builtin_fix = true;  // built-in checks that know what is right mend it
    FileFilter files;
    std::vector<std::string> needs;
    shared::Duration timeout{0};
    int retries = 0;
    std::map<std::string, std::string> env;
    std::vector<std::string> pass_env;  // names and PREFIX_*, the defaults' included
    bool required = false;              // TIDEGATE_SKIP does not skip it
    Workspace workspace = Workspace::Snapshot;
    ReportRules report;
    Script version;  // its output is part of the cache key
    Conditions only;
    Conditions except;
    bool always = false;         // runs on no file where nothing of the change matches
    std::string folder;          // that of its own .tidegate.yaml: it runs there; empty: the top
    std::vector<Glob> affected;  // with a folder: further paths whose change concerns it
    std::string definition;      // canonical text of all that decides its result; for cache keys
    std::string file;            // where it is defined …
    int line = 0;                // … in that file

    // .tidegate.local.yaml: what it says of a gate proves nothing to others.
    bool own = false;        // defined there
    bool left_out = false;   // `skip: true` there
    std::string weakened{};  // "env": what it changes so that a pass is not the tree's own gate's

    // Runs once on its files, which it is given, so that single files can be remembered.
    [[nodiscard]] bool takes_files() const { return !builtins.empty() || run.mentions("{files}"); }
    // `fix: true`: what `run` writes is the fix.
    [[nodiscard]] bool writes() const { return !fix.empty() && fix == run; }
};

struct Setup {
    Script run;
    std::vector<Glob> inputs;
    shared::Duration timeout{0};
    std::string folder;  // where it runs, as a gate's

    [[nodiscard]] bool takes(std::string_view path) const;  // one of its inputs
};

struct Stage {
    std::string name;
    bool fail_fast = false;
    int parallel = 0;  // at least 1
    std::vector<Setup> setup;
    std::vector<std::string> link;  // RelPaths
    std::vector<Gate> gates;
    std::vector<std::string> setup_pass_env;
    bool own = false;  // only .tidegate.local.yaml has it
};

struct Config {
    std::map<std::string, Stage> stages;
    std::string text;      // the file itself: what a gates digest is made of
    bool partial = false;  // it stands on files that were not followed

    [[nodiscard]] const Stage* stage(std::string_view name) const;
};

// One text. What it extends and its folders' files are not followed: gates may be missing, and be incomplete.
// Errors: Invalid with place and nearest known word; Unsupported for right keys that this build cannot do.
[[nodiscard]] Result<Config> parse_config(std::string file, std::string text);

}  // namespace tidegate::hooks
