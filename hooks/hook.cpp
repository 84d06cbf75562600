#include "hooks/hook.hpp"

#include "hooks/installed.hpp"
#include "hooks/ranges.hpp"
#include "hooks/session.hpp"
#include "hooks/wake.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/face/face.hpp"
#include "shared/sign/attestation.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr std::string_view kProgram = "tidegate-hook";
constexpr int kFace =
    STDERR_FILENO;  // standard output may be a pipe that somebody parses (git push --porcelain)

// How we were called.
struct Call {
    std::string stage;
    std::string hook_path;               // as git called us; empty: by hand
    std::vector<std::string> arguments;  // what git gave the hook
    char** chained_argv = nullptr;
};

std::string usage() {
    return "usage: tidegate-hook STAGE [ARGUMENT…]\n\n"
           "Runs a stage's gates as git's hook of that name does. `tidegate install` puts it into a "
           "repository;\n"
           "a hook of your own calls it as: tidegate-hook pre-commit \"$@\"\n";
}

Call call_of(int argc, char** argv) {
    Call call;
    const std::string self = argc > 0 ? argv[0] : std::string(kProgram);
    const auto name = self.substr(self.rfind('/') + 1);
    int first = 1;
    if (name == kProgram) {
        if (argc > 1) call.stage = argv[first++];
    } else {
        call.stage = name;
        // git names a hook by its folder. Without one, "beside it" would be a file of the working tree.
        if (name.size() < self.size()) call.hook_path = self;
        call.chained_argv = argv;
    }
    for (int i = first; i < argc; ++i) call.arguments.emplace_back(argv[i]);
    return call;
}

void say(const std::string& line) {
    if (!line.empty()) (void)write_all(kFace, line + "\n", "the terminal");
}

SessionOptions session_options(int cancel_fd) {
    SessionOptions options;
    options.plan.skip = skip_from_environment();
    options.run.cancel_fd = cancel_fd;
    options.fd = kFace;
    return options;
}

// After a stage that is not a push's: nothing is pushed, and nothing said where all is well.
void attest_here(const Repository& repo, const StageRun& run) {
    if (run.prepared->stage == nullptr || !attests(repo, run.prepared->target.stage)) return;
    const auto done = attest(repo, {&run});
    if (!done) say("nothing attested: " + done.error().message);
}

Result<int> gate_index(const Repository& repo, const std::string& stage, int cancel_fd) {
    const auto options = session_options(cancel_fd);
    auto target = TRY(index_target(repo, stage));
    auto run = TRY(run_session(repo, std::move(target), options));
    // A clean merge makes its commit without pre-commit: the same gates count.
    if (run.prepared->stage == nullptr && stage == "pre-merge-commit" &&
        !run.prepared->config.stages.empty()) {
        auto again = TRY(index_target(repo, "pre-commit"));
        run = TRY(run_session(repo, std::move(again), options));
    }
    if (run.prepared->stage == nullptr) return 0;
    const int code = exit_code_of(run.report);
    if (code == 0) attest_here(repo, run);
    return code;
}

Result<int> gate_push(const Repository& repo, const Call& call, const std::string& input, int cancel_fd) {
    // githooks(5): the remote's name and address; the address twice where it has no name.
    const auto remote = call.arguments.empty() ? std::string("origin") : call.arguments[0];
    auto updates = TRY(parse_ref_lines(input));
    std::erase_if(updates, [](const RefUpdate& update) {
        return update.remote_ref.starts_with("refs/tidegate/");  // proofs, not code
    });
    auto push = TRY(targets_of_push(repo, call.stage, updates, remote));
    for (const auto& line : push.skipped) say("tidegate pre-push  " + escape_foreign(line));
    auto options = session_options(cancel_fd);
    options.occasion.remote = shown_remote(remote);
    std::vector<StageRun> runs;
    int worst = 0;
    for (auto& target : push.targets) {
        runs.push_back(TRY(run_session(repo, std::move(target), options)));
        const auto& run = runs.back();
        const int code = run.prepared->stage == nullptr ? 0 : exit_code_of(run.report);
        worst = std::max(worst, code);
        if (run.report.cancelled) return code;
    }
    if (worst != 0 || !attests(repo, call.stage)) return worst;
    std::vector<const StageRun*> passed;
    for (const auto& run : runs) passed.push_back(&run);
    say(TRY(attest_push(repo, passed, remote, cancel_fd)));
    return 0;
}

Result<int> run_hook(const Call& call) {
    // Read to its end whatever happens: git is killed by SIGPIPE otherwise.
    std::optional<std::string> input;
    if (call.stage == "pre-push") input = TRY(drain_input(STDIN_FILENO));
    if (!call.hook_path.empty()) {
        const int code = TRY(run_chained(call.hook_path, call.chained_argv, input));
        if (code != 0) return code;
    }
    const auto signals = TRY(watch_signals());
    auto repo = TRY(Repository::open());
    repo.cancel_fd = signals.get();
    if (call.stage == "pre-push") return gate_push(repo, call, *input, signals.get());
    if (call.stage == "pre-commit" || call.stage == "pre-merge-commit")
        return gate_index(repo, call.stage, signals.get());
    return fail(ErrorKind::Usage, "`" + escape_foreign(call.stage) + "` is not a hook that tidegate gates",
                "hooks: pre-commit pre-merge-commit pre-push");
}

}  // namespace

int hook_main(int argc, char** argv) {
    ignore_sigpipe();
    follow_upgrade(argv);
    const auto call = call_of(argc, argv);
    if (call.hook_path.empty() && (call.stage == "--help" || call.stage == "-h")) {
        std::fputs(usage().c_str(), stdout);
        return 0;
    }
    if (call.hook_path.empty() && call.stage == "--version") {
        std::puts("tidegate-hook " TIDEGATE_VERSION);
        return 0;
    }
    if (call.stage.empty()) {
        std::fputs(usage().c_str(), stderr);
        return exit_code(ErrorKind::Usage);
    }
    const auto code = run_hook(call);
    return code ? *code : report(code.error(), "tidegate");
}

}  // namespace tidegate::hooks
