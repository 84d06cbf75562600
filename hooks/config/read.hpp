// How the parts of .tidegate.yaml are read, one file for each part. Mistakes go to the reader of the map that
// holds the part; the value that comes back is then not to be used.
#pragma once

#include "hooks/config/config.hpp"
#include "shared/doc/reader.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks {

inline constexpr shared::Duration kDefaultTimeout = std::chrono::minutes(30);
inline constexpr shared::Duration kLongestTimeout = std::chrono::hours(48);

struct Defaults {
    shared::Duration timeout = kDefaultTimeout;
    int parallel = 0;
    std::vector<std::string> pass_env;
    Workspace workspace = Workspace::Snapshot;
    bool partial = false;  // more of a gate may stand in a file that is not followed
    bool folder = false;   // the file is a folder's
};

[[nodiscard]] bool is_gate_name(std::string_view name);

// read_values.cpp
[[nodiscard]] Script read_script(shared::MapReader& map, std::string_view key);
[[nodiscard]] std::vector<Glob> read_globs(shared::MapReader& map, std::string_view key);
void check_env(shared::MapReader& map, const std::map<std::string, std::string>& env);
void check_pass_env(shared::MapReader& map, const std::vector<std::string>& names);

// read_<part>.cpp
[[nodiscard]] Defaults read_defaults(shared::MapReader& top);
[[nodiscard]] Conditions read_conditions(shared::MapReader& map, std::string_view key);
void read_builtins(shared::MapReader& map, Gate& gate);
[[nodiscard]] ReportRules read_report(shared::MapReader& gate);
[[nodiscard]] std::shared_ptr<const FileMatch> read_match(shared::MapReader& gate);
[[nodiscard]] Gate read_gate(const shared::Document& document, const shared::Value& value,
                             const Defaults& defaults, shared::MapReader& stage);
[[nodiscard]] Stage read_stage(const shared::Document& document, const shared::Value::Entry& entry,
                               const Defaults& defaults, shared::MapReader& top);

// read_builtin_options.cpp: `value` is a map, or null for none.
void read_builtin_options(shared::MapReader& map, const shared::Value& value, const std::string& check,
                          builtin::Options& options);

// definition.cpp: all that decides whether the gate passes, but its input, as one text.
[[nodiscard]] std::string canonical(const Gate& gate);

// graph.cpp: `needs` names gates of `gates` and goes in no circle. A problem is told of the gate at an index, and
// of a name in its `needs`, or of the gate itself where that is empty.
struct GraphProblem {
    size_t gate = 0;
    std::string need;
    std::string message;
    std::string hint;
};
[[nodiscard]] std::optional<GraphProblem> find_problem(const std::vector<Gate>& gates);

}  // namespace tidegate::hooks
