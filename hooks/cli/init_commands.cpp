#include "hooks/cli/commands.hpp"
#include "hooks/cli/proposal.hpp"
#include "hooks/config/config.hpp"
#include "hooks/repository.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace tidegate::hooks::cli {

using namespace shared;

namespace {

Result<Surroundings> look_around(const Repository& repo) {
    Surroundings here;
    auto call = repo.call({"ls-files", "-z", "--cached", "--others", "--exclude-standard"});
    call.directory = repo.work_tree;
    const auto listed = TRY(repo.git.output(call));
    for (const auto path : split(listed, '\0'))
        if (!path.empty()) here.paths.emplace_back(path);
    const auto top = repo.work_tree;
    here.read = [top](const std::string& path) { return read_file(top + "/" + path, 1 << 20).value_or(""); };
    here.has_program = [top](const std::string& name) { return find_program(name, top).has_value(); };
    return here;
}

// Never over a file that is there: O_EXCL.
Result<void> write_new(const std::string& path, const std::string& text) {
    const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd && errno == EEXIST)
        return fail(
            ErrorKind::Usage, std::string(kConfigFile) + " is there already",
            "look at a proposal with `tidegate init --print`, at what you have with `tidegate check`");
    if (!fd) return fail_errno("cannot write " + escape_foreign(path));
    return write_all(fd.get(), text, path);
}

Result<int> init(const Arguments& arguments) {
    const auto repo = TRY(Repository::open());
    if (repo.work_tree.empty()) return fail(ErrorKind::Usage, "a bare repository has no gates of its own");
    const auto here = TRY(look_around(repo));
    const auto proposal = propose(here);
    (void)TRY(during("checking the proposal", parse_config(std::string(kConfigFile), proposal.yaml)));
    if (arguments.has("print")) {
        std::fputs(proposal.yaml.c_str(), stdout);
        return 0;
    }
    TRY(write_new(repo.work_tree + "/" + std::string(kConfigFile), proposal.yaml));
    std::printf("wrote %s%s\n", std::string(kConfigFile).c_str(),
                proposal.found.empty() ? "; nothing was recognised here: name your tests in it"
                                       : (" for " + join(proposal.found, ", ")).c_str());
    if (!proposal.notes.empty())
        std::printf("%s\n", proposal.carried_over ? "not carried over, or not as it was:" : "to know:");
    for (const auto& note : proposal.notes) std::printf("  %s\n", escape_foreign(note).c_str());
    std::printf("next: look it over, git add %s, tidegate install\n", std::string(kConfigFile).c_str());
    return 0;
}

}  // namespace

std::vector<Command> init_commands() {
    return {{"init",
             "Gates",
             "propose a .tidegate.yaml from what the repository is",
             "Takes over pre-commit, lefthook, husky and lint-staged, and says what it cannot. Else knows "
             "CMake,\n"
             "Cargo, Go, package.json, Deno, Python, Ruby, PHP, Gradle, Maven, Terraform, Docker, shell and "
             "make.\n"
             "Never overwrites.",
             {{"--print", "", "print the proposal instead of writing it", Takes::Nothing}},
             {},
             init}};
}

}  // namespace tidegate::hooks::cli
