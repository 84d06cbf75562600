#include "hooks/in_process.hpp"

#include "hooks/builtin/builtin.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <map>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kMostShown = 1000;

std::string shown(const builtin::Problem& problem) {
    std::string text;
    if (!problem.path.empty()) text = escape_foreign(problem.path) + ":";
    if (problem.line > 0) text += std::to_string(problem.line) + ":";
    if (problem.line > 0 && problem.column > 0) text += std::to_string(problem.column) + ":";
    return text + (text.empty() ? "" : " ") + escape_foreign(problem.what) + "\n";
}

using Checks = std::vector<const builtin::Check*>;

// What links that the change made into files led to, by path.
Result<std::map<std::string, std::string, std::less<>>> links_before(const Repository& repo,
                                                                     const Target& target) {
    std::map<std::string, std::string, std::less<>> targets;
    std::vector<Oid> oids;
    std::vector<std::string> paths;
    if (target.changes) {
        for (const auto& change : *target.changes) {
            if (!change.link_before) continue;
            oids.push_back(*change.link_before);
            paths.push_back(change.entry.path);
        }
    }
    if (oids.empty()) return targets;
    TRY(read_blobs(repo, oids, builtin::kContentLimit, [&](size_t index, std::uint64_t, std::string content) {
        targets[paths[index]] = std::move(content);
    }));
    return targets;
}

Result<void> check_files(const Repository& repo, const Checks& checks, const PlannedGate& gate,
                         const Target& target, builtin::Problems& problems) {
    std::vector<Oid> oids;
    std::vector<const TreeEntry*> entries;
    for (const auto& entry : gate.files) {
        if (entry.mode == FileMode::Submodule) continue;
        oids.push_back(entry.oid);
        entries.push_back(&entry);
    }
    const auto before = TRY(links_before(repo, target));
    return read_blobs(repo, oids, builtin::kContentLimit,
                      [&](size_t index, std::uint64_t size, std::string content) {
                          const auto& entry = *entries[index];
                          builtin::File file;
                          file.path = entry.path;
                          file.content = content;
                          file.size = size;
                          file.link = entry.mode == FileMode::Link;
                          file.executable = entry.mode == FileMode::Executable;
                          if (const auto link = before.find(entry.path); link != before.end())
                              file.link_before = link->second;
                          const bool binary = builtin::is_binary(content);
                          for (const auto* check : checks)
                              if (!(check->text_only && binary)) check->file(file, problems);
                      });
}

Result<void> check_paths(const Repository& repo, const Checks& checks, const PlannedGate& gate,
                         Target& target, builtin::Problems& problems) {
    if (target.entries.empty()) target.entries = TRY(list_tree(repo, target.tree));
    builtin::Paths paths;
    constexpr std::string_view kHeads = "refs/heads/";
    if (target.branch.starts_with(kHeads))
        paths.branch = std::string_view(target.branch).substr(kHeads.size());
    std::map<std::string_view, Change::Kind> moved;
    if (target.changes)
        for (const auto& change : *target.changes)
            if (change.entry.mode == FileMode::Submodule) moved.emplace(change.entry.path, change.kind);
    std::vector<Oid> oids;
    for (const auto& entry : gate.files) paths.changed.emplace_back(entry.path);
    for (const auto& entry : target.entries) {
        paths.all.emplace_back(entry.path);
        if (entry.mode == FileMode::Submodule) {
            const auto change = moved.find(entry.path);
            const bool changed = change != moved.end();
            paths.submodules.push_back(
                {entry.path, changed && change->second == Change::Kind::Added, changed});
        }
        if (entry.mode == FileMode::Link) {
            oids.push_back(entry.oid);
            paths.links.push_back({entry.path, {}});
        }
    }
    std::vector<std::string> targets(oids.size());
    const bool wanted =
        std::any_of(checks.begin(), checks.end(), [](const auto* check) { return check->wants_links; });
    if (wanted && !oids.empty())
        TRY(read_blobs(repo, oids, builtin::kContentLimit,
                       [&](size_t index, std::uint64_t, std::string content) {
                           targets[index] = std::move(content);
                           paths.links[index].target = targets[index];
                       }));
    else
        paths.links.clear();
    for (const auto* check : checks) check->paths(paths, problems);
    return {};
}

}  // namespace

Result<InProcessResult> run_in_process(const Repository& repo, const PlannedGate& gate, Target& target) {
    Checks by_file;
    Checks by_paths;
    for (const auto& name : gate.gate->builtins) {
        const auto* check = builtin::find(name);
        if (check != nullptr && check->file != nullptr) by_file.push_back(check);
        if (check != nullptr && check->paths != nullptr) by_paths.push_back(check);
    }
    builtin::Problems problems;
    if (!by_file.empty()) TRY(check_files(repo, by_file, gate, target, problems));
    if (!by_paths.empty()) TRY(check_paths(repo, by_paths, gate, target, problems));

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
