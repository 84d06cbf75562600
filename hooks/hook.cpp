#include "hooks/hook.hpp"

#include "hooks/hook_acts.hpp"
#include "hooks/installed.hpp"
#include "hooks/ranges.hpp"
#include "hooks/wake.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/face/face.hpp"

#include <climits>
#include <cstdio>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr std::string_view kProgram = "tidegate-hook";

std::string usage() {
    return "usage: tidegate-hook STAGE [ARGUMENT…]\n\n"
           "Runs a stage's gates as git's hook of that name does. `tidegate install` puts it into a "
           "repository;\n"
           "a hook of your own calls it as: tidegate-hook pre-commit \"$@\"\n";
}

HookCall call_of(int argc, char** argv) {
    HookCall call;
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
    call.hook = find_git_hook(call.stage);
    return call;
}

std::string working_directory() {
    char buffer[PATH_MAX];
    return getcwd(buffer, sizeof buffer) == nullptr ? std::string() : std::string(buffer);
}

Result<int> unknown_hook(const std::string& stage) {
    std::vector<std::string> names;
    for (const auto& hook : git_hooks()) names.emplace_back(hook.name);
    const auto near = nearest(stage, {names.begin(), names.end()});
    return fail(
        ErrorKind::Usage, "`" + escape_foreign(stage) + "` is not a hook that tidegate gates",
        (near.empty() ? "" : "did you mean `" + std::string(near) + "`? ") + "hooks: " + join(names, " "));
}

Result<int> run_hook(HookCall& call) {
    // Read to its end whatever happens: git is killed by SIGPIPE otherwise.
    const bool input = call.hook != nullptr && call.hook->input;
    if (input) call.input = TRY(drain_input(STDIN_FILENO));
    if (!call.hook_path.empty()) {
        const auto lines = input ? std::optional(call.input) : std::nullopt;
        const int code = TRY(run_chained(call.hook_path, call.chained_argv, lines));
        if (code != 0) return code;
    }
    if (call.hook == nullptr) return unknown_hook(call.stage);
    const auto signals = TRY(watch_signals());
    call.cancel_fd = signals.get();
    auto repo = TRY(Repository::open());
    repo.cancel_fd = signals.get();
    if (call.stage == "pre-push") return gate_push(repo, call);
    if (call.stage == "pre-rebase") return gate_rebase(repo, call);
    if (call.hook->server) return gate_receive(repo, call);
    if (!call.hook->stops) return run_after(repo, call);
    return gate_index(repo, call);
}

}  // namespace

void say(const std::string& line) {
    if (!line.empty()) (void)write_all(kHookFace, line + "\n", "the terminal");
}

SessionOptions session_options(const HookCall& call) {
    SessionOptions options;
    options.plan.skip = skip_from_environment();
    options.run.cancel_fd = call.cancel_fd;
    options.fd = kHookFace;
    return options;
}

void hand_over(const HookCall& call, Target& target) {
    target.arguments = named_arguments(*call.hook, call.arguments);
    for (auto& [name, value] : target.arguments)  // gates run elsewhere
        if (name == "message_file" && !value.empty() && !value.starts_with('/'))
            value = working_directory() + "/" + value;
    target.input = call.input;
    target.remembered = call.hook->remembered;
}

Result<std::unique_ptr<Proofs>> attest_if_asked(const Repository& repo, const std::string& stage,
                                                SessionOptions& options) {
    if (!attests(repo, stage)) return nullptr;
    auto proofs = std::make_unique<Proofs>(TRY(Proofs::open(repo)));
    if (proofs->trust().own && options.plan.skip.empty()) options.attesting = proofs.get();
    return proofs;
}

int finish(const Repository& repo, const StageRun& run, const Proofs* proofs) {
    if (run.prepared->stage == nullptr) return 0;
    const int code = exit_code_of(run.report);
    if (code != 0 || proofs == nullptr || !attests(repo, run.prepared->target.stage)) return code;
    // Nothing is said where all is well: the commit is what counts here.
    const auto done = attest(repo, {&run}, proofs->trust().own);
    if (!done) say("nothing attested: " + done.error().message);
    return code;
}

int hook_main(int argc, char** argv) {
    open_standard_streams();
    ignore_sigpipe();
    follow_upgrade(argv);
    auto call = call_of(argc, argv);
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
    if (code) return *code;
    const int reported = report(code.error(), "tidegate");
    // Git has done already what a hook after it tells of; a checkout would only look as if it had failed.
    const bool too_late = call.hook != nullptr && !call.hook->stops;
    return too_late && code.error().kind != ErrorKind::Cancelled ? 0 : reported;
}

}  // namespace tidegate::hooks
