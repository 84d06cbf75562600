#include "hooks/in_process.hpp"

#include "hooks/builtin/builtin.hpp"
#include "hooks/messages.hpp"
#include "hooks/work_tree_blob.hpp"
#include "hooks/workers.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <unordered_set>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kMostShown = 1000;
constexpr size_t kFilesAtOnce = 16;
constexpr size_t kPieceBytes = 64 << 10;  // what so many are taken to hold

std::string shown(const builtin::Problem& problem) {
    std::string text;
    if (!problem.path.empty()) text = escape_foreign(problem.path) + ":";
    if (problem.line > 0) text += std::to_string(problem.line) + ":";
    if (problem.line > 0 && problem.column > 0) text += std::to_string(problem.column) + ":";
    return text + (text.empty() ? "" : " ") + escape_foreign(problem.what) + "\n";
}

// Those that the check has just added.
void sign(builtin::Problems& problems, const builtin::Check& check) {
    for (auto one = problems.rbegin(); one != problems.rend() && one->check.empty(); ++one)
        one->check = check.name;
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

// Paths that the change adds.
std::unordered_set<std::string_view> added_by(const Target& target) {
    std::unordered_set<std::string_view> paths;
    if (target.changes)
        for (const auto& change : *target.changes)
            if (change.kind == Change::Kind::Added) paths.insert(change.entry.path);
    return paths;
}

void judge(const Checks& checks, const builtin::File& file, builtin::Problems& problems) {
    const bool binary = builtin::is_binary(file.content);
    for (const auto* check : checks) {
        if (check->text_only && binary) continue;
        check->file(file, problems);
        sign(problems, *check);
    }
}

// Read and judged by as many as there are cores; what the working tree does not have is read by one git child in this
// thread. Told in the files' order.
Result<void> check_files(const Repository& repo, const Checks& checks, const PlannedGate& gate,
                         const Target& target, builtin::Problems& problems) {
    std::vector<const TreeEntry*> entries;
    for (const auto& entry : gate.files)
        if (entry.mode != FileMode::Submodule) entries.push_back(&entry);
    const auto before = TRY(links_before(repo, target));
    const auto added = added_by(target);
    std::vector<builtin::Problems> found(entries.size());
    const auto judge_one = [&](size_t index, std::uint64_t size, const std::string& text) {
        const auto& entry = *entries[index];
        builtin::File file;
        file.path = entry.path;
        file.content = text;
        file.size = size;
        file.added = !target.changes || added.contains(entry.path);
        file.link = entry.mode == FileMode::Link;
        file.executable = entry.mode == FileMode::Executable;
        file.options = &gate.gate->builtin_options;
        if (const auto link = before.find(entry.path); link != before.end()) file.link_before = link->second;
        judge(checks, file, found[index]);
    };
    std::vector<char> judged(entries.size());  // not bool: each is written by another thread
    Workers workers;
    for (size_t first = 0; first < entries.size(); first += kFilesAtOnce)
        workers.give(kPieceBytes, [&, first] {
            for (auto i = first; i < std::min(first + kFilesAtOnce, entries.size()); ++i) {
                const auto content = blob_in_work_tree(repo, *entries[i], builtin::kContentLimit);
                if (!content) continue;
                judge_one(i, content->size(), *content);
                judged[i] = 1;
            }
        });
    workers.finish();

    std::vector<Oid> oids;
    std::vector<size_t> missing;
    for (size_t i = 0; i < entries.size(); ++i) {
        if (judged[i] != 0) continue;
        oids.push_back(entries[i]->oid);
        missing.push_back(i);
    }
    TRY(read_blobs(repo, oids, builtin::kContentLimit,
                   [&](size_t number, std::uint64_t size, std::string content) {
                       const auto bytes = content.size();
                       workers.give(bytes, [&, number, size, text = std::move(content)] {
                           judge_one(missing[number], size, text);
                       });
                   }));
    workers.finish();
    for (auto& each : found) std::move(each.begin(), each.end(), std::back_inserter(problems));
    return {};
}

Result<void> check_messages(const Repository& repo, const Checks& checks, const PlannedGate& gate,
                            const Target& target, builtin::Problems& problems) {
    for (const auto& message : TRY(messages_of(repo, target)))
        for (const auto* check : checks) {
            check->message(message, gate.gate->builtin_options, problems);
            sign(problems, *check);
        }
    return {};
}

Result<void> check_paths(const Repository& repo, const Checks& checks, const PlannedGate& gate,
                         Target& target, builtin::Problems& problems) {
    TRY(ensure_entries(repo, target));
    builtin::Paths paths;
    paths.options = &gate.gate->builtin_options;
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
    for (const auto* check : checks) {
        check->paths(paths, problems);
        sign(problems, *check);
    }
    return {};
}

}  // namespace

Result<InProcessResult> run_in_process(const Repository& repo, const PlannedGate& gate, Target& target) {
    Checks by_file;
    Checks by_paths;
    Checks by_messages;
    for (const auto& name : gate.gate->builtins) {
        const auto* check = builtin::find(name);
        if (check != nullptr && check->file != nullptr) by_file.push_back(check);
        if (check != nullptr && check->paths != nullptr) by_paths.push_back(check);
        if (check != nullptr && check->message != nullptr) by_messages.push_back(check);
    }
    builtin::Problems problems;
    if (!by_file.empty()) TRY(check_files(repo, by_file, gate, target, problems));
    if (!by_paths.empty()) TRY(check_paths(repo, by_paths, gate, target, problems));
    if (!by_messages.empty()) TRY(check_messages(repo, by_messages, gate, target, problems));

    std::stable_sort(problems.begin(), problems.end(),
                     [](const builtin::Problem& a, const builtin::Problem& b) {
                         return std::tie(a.path, a.line) < std::tie(b.path, b.line);
                     });
    InProcessResult result;
    result.problems = problems.size();
    for (size_t i = 0; i < std::min(problems.size(), kMostShown); ++i) {
        const auto& one = problems[i];
        result.output += shown(one);
        result.findings.push_back({std::string(one.check), reports::FindingLevel::Error, one.what, one.path,
                                   one.line, one.column, -1});
    }
    if (problems.size() > kMostShown)
        result.output += "… and " + std::to_string(problems.size() - kMostShown) + " more\n";
    return result;
}

}  // namespace tidegate::hooks
