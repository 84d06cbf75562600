// Why a gate may have failed although it "works here": what lies in the working tree and was not gated.
// Looked up only after a failure, so its price does not matter much.
#include "hooks/display.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr Duration kPatience{5'000};
constexpr size_t kNamed = 3;
constexpr size_t kMostUntracked = 2000;

std::vector<std::string> paths(const Repository& repo, std::vector<std::string> args) {
    auto call = repo.call(std::move(args));
    call.directory = repo.work_tree;
    call.timeout = kPatience;
    call.output_limit = 1 << 20;
    const auto exit = repo.git.run(call);
    std::vector<std::string> found;
    if (!exit || !exit->ok()) return found;
    for (const auto path : split(exit->out, '\0'))
        if (!path.empty()) found.emplace_back(path);
    return found;
}

std::vector<std::string> differing(const Repository& repo, const std::vector<std::string>& what) {
    std::vector<std::string> args{"diff", "--no-ext-diff", "--name-only", "-z", "--ignore-submodules=dirty"};
    args.insert(args.end(), what.begin(), what.end());
    return paths(repo, std::move(args));
}

std::string_view last_part(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

bool spoken_of(const RunReport& report, std::string_view path) {
    return std::any_of(report.gates.begin(), report.gates.end(), [&](const GateRun& gate) {
        return gate.outcome == Outcome::Failed && gate.tail.find(last_part(path)) != std::string::npos;
    });
}

// "a, b, c and 4 more", those first that the failing gates speak of.
std::string some_of(std::vector<std::string> names, const RunReport& report) {
    std::stable_partition(names.begin(), names.end(),
                          [&](const std::string& name) { return spoken_of(report, name); });
    const auto shown = std::min(names.size(), kNamed);
    std::string text;
    for (size_t i = 0; i < shown; ++i) {
        if (i > 0) text += i + 1 == shown && shown == names.size() ? " and " : ", ";
        text += escape_foreign(names[i]);
    }
    if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
    return text;
}

bool succeeds(const Repository& repo, std::vector<std::string> args) {
    auto call = repo.call(std::move(args));
    call.timeout = kPatience;
    const auto exit = repo.git.run(call);
    return exit && exit->ok();
}

// What a clone has and a snapshot has not.
void add_what_is_empty(const Repository& repo, const Target& target, const RunReport& report,
                       std::vector<std::string>& remarks) {
    const bool here = std::any_of(report.gates.begin(), report.gates.end(), [](const GateRun& gate) {
        return gate.outcome == Outcome::Failed && gate.gate->builtins.empty() &&
               gate.gate->workspace == Workspace::Snapshot;
    });
    if (!here) return;
    const auto tree = target.tree.str();
    if (succeeds(repo, {"cat-file", "-e", tree + ":.gitmodules"}))
        remarks.emplace_back(
            "Submodules are empty folders in the snapshot: `setup: [{run: git submodule update --init}]` "
            "fills "
            "them.");
    const bool pointer = std::any_of(report.gates.begin(), report.gates.end(), [](const GateRun& gate) {
        return gate.tail.find("git-lfs.github.com") != std::string::npos;
    });
    const bool program = find_program("git-lfs", repo.work_tree).has_value();
    if ((!program || pointer || !exists(repo.common_dir + "/lfs/objects")) &&
        succeeds(repo,
                 {"grep", "-q", "filter=lfs", tree, "--", ".gitattributes", ":(glob)**/.gitattributes"}))
        remarks.push_back(program
                              ? "Git LFS files that your clone has no content of are pointers: git lfs pull"
                              : "Git LFS files are pointers, for there is no git-lfs in PATH.");
}

}  // namespace

std::vector<std::string> remarks_on_failure(const Repository& repo, const Target& target,
                                            const RunReport& report) {
    std::vector<std::string> remarks;
    if (repo.work_tree.empty() || report.cancelled) return remarks;
    add_what_is_empty(repo, target, report, remarks);
    const bool committing = !target.commit;
    const std::string whole = committing ? "commit" : target.ref.empty() ? "tree" : "push";
    if (!committing && repo.head && *target.commit != *repo.head) {
        remarks.push_back("It is not the commit that is checked out (" + repo.head->short_str() +
                          "), so what your working tree holds does not count.");
        return remarks;
    }
    const auto changed =
        differing(repo, committing ? std::vector<std::string>{} : std::vector<std::string>{"HEAD"});
    if (!changed.empty()) {
        const bool staged = !committing && !differing(repo, {"--cached"}).empty();
        remarks.push_back("Your working tree has " + std::string(staged ? "uncommitted" : "unstaged") +
                          " changes to " + some_of(changed, report) + "; they are not part of this " + whole +
                          ".");
    }
    auto untracked = paths(repo, {"ls-files", "-z", "--others", "--exclude-standard"});
    if (untracked.size() > kMostUntracked) untracked.resize(kMostUntracked);
    std::erase_if(untracked, [&](const std::string& path) { return !spoken_of(report, path); });
    if (!untracked.empty())
        remarks.push_back("git does not track " + some_of(untracked, report) +
                          "; what is not added is not part of this " + whole + ".");
    return remarks;
}

}  // namespace tidegate::hooks
