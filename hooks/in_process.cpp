#include "hooks/in_process.hpp"

#include "hooks/builtin/builtin.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kMostShown = 1000;

std::string shown(const builtin::Problem& problem) {
    auto text = escape_foreign(problem.path) + ":";
    if (problem.line > 0) text += std::to_string(problem.line) + ":";
    if (problem.line > 0 && problem.column > 0) text += std::to_string(problem.column) + ":";
    return text + " " + escape_foreign(problem.what) + "\n";
}

}  // namespace

Result<InProcessResult> run_in_process(const Repository& repo, const PlannedGate& gate, Target& target) {
    std::vector<const builtin::Check*> by_file;
    std::vector<const builtin::Check*> by_paths;
    for (const auto& name : gate.gate->builtins) {
        const auto* check = builtin::find(name);
        if (check != nullptr && check->file != nullptr) by_file.push_back(check);
        if (check != nullptr && check->paths != nullptr) by_paths.push_back(check);
    }

    builtin::Problems problems;
    if (!by_file.empty()) {
        std::vector<Oid> oids;
        for (const auto& entry : gate.files) oids.push_back(entry.oid);
        TRY(read_blobs(repo, oids, builtin::kContentLimit,
                       [&](size_t index, std::uint64_t size, std::string content) {
                           const auto& entry = gate.files[index];
                           builtin::File file;
                           file.path = entry.path;
                           file.content = content;
                           file.size = size;
                           file.link = entry.mode == FileMode::Link;
                           file.executable = entry.mode == FileMode::Executable;
                           const bool binary = builtin::is_binary(content);
                           for (const auto* check : by_file)
                               if (!(check->text_only && binary)) check->file(file, problems);
                       }));
    }
    if (!by_paths.empty()) {
        if (target.entries.empty()) target.entries = TRY(list_tree(repo, target.tree));
        builtin::Paths paths;
        for (const auto& entry : gate.files) paths.changed.emplace_back(entry.path);
        for (const auto& entry : target.entries) paths.all.emplace_back(entry.path);
        for (const auto* check : by_paths) check->paths(paths, problems);
    }

    std::stable_sort(problems.begin(), problems.end(),
                     [](const builtin::Problem& a, const builtin::Problem& b) {
                         return std::tie(a.path, a.line) < std::tie(b.path, b.line);
                     });
    InProcessResult result;
    result.problems = problems.size();
    for (size_t i = 0; i < std::min(problems.size(), kMostShown); ++i) result.output += shown(problems[i]);
    if (problems.size() > kMostShown)
        result.output += "… and " + std::to_string(problems.size() - kMostShown) + " more\n";
    return result;
}

}  // namespace tidegate::hooks
