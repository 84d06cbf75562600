#include "hooks/cli/commands.hpp"
#include "hooks/cli/install.hpp"
#include "hooks/cli/timers.hpp"
#include "hooks/config/git_hook.hpp"
#include "hooks/receive_policy.hpp"
#include "hooks/tree_config.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/face/face.hpp"

#include <algorithm>
#include <cstdio>

namespace tidegate::hooks::cli {

using namespace shared;

namespace {

std::string_view word_for(HookState state) {
    switch (state) {
        case HookState::Absent: return "absent";
        case HookState::Ours: return "installed";
        case HookState::Foreign: return "foreign";
        case HookState::Inert: return "not executable";
    }
    return "unknown";
}

// The folder as a person would write it: from the working tree's top where it lies below it.
std::string shown(const HookFolder& folder) {
    const auto prefix = (folder.top.empty() ? folder.git_dir : folder.top) + "/";
    return escape_foreign(folder.path.starts_with(prefix) ? folder.path.substr(prefix.size()) : folder.path);
}

Result<void> check_stages(const std::vector<std::string>& stages) {
    const auto& known = installable_stages();
    for (const auto& stage : stages) {
        if (std::find(known.begin(), known.end(), stage) != known.end()) continue;
        const auto near = nearest(stage, {known.begin(), known.end()});
        return fail(ErrorKind::Usage,
                    "`" + escape_foreign(stage) + "` is not a hook that tidegate can be installed as",
                    (near.empty() ? std::string() : "did you mean `" + std::string(near) + "`? ") +
                        "hooks: " + join(known, " ") + "; any other stage runs by `tidegate run STAGE`");
    }
    return {};
}

// The stages of the working tree's .tidegate.yaml that git can call here; pre-commit's also before a clean
// merge, which git commits without pre-commit.
Result<std::vector<std::string>> default_stages(const HookFolder& folder) {
    if (folder.top.empty()) return std::vector<std::string>{"pre-receive"};
    const auto path = folder.top + "/" + std::string(kConfigFile);
    if (!exists(path)) return std::vector<std::string>{"pre-commit", "pre-merge-commit", "pre-push"};
    const auto text = TRY(read_file(path, 1 << 20));
    const auto repo = TRY(Repository::open());
    const auto config = TRY(work_tree_config(repo, std::string(kConfigFile), text));
    std::vector<std::string> stages;
    for (const auto& hook : git_hooks()) {
        const bool merge = hook.name == "pre-merge-commit" && config.stage("pre-commit") != nullptr;
        if (!hook.server && (merge || config.stage(hook.name) != nullptr)) stages.emplace_back(hook.name);
    }
    if (stages.empty())
        return fail(ErrorKind::Usage, "no stage of " + std::string(kConfigFile) + " is a hook of git",
                    "name the hooks to install: tidegate install pre-push");
    return stages;
}

// A hooks folder among the tracked files belongs to another tool or to the whole team: executables of ours do
// not go there.
Result<void> refuse_work_tree(const HookFolder& folder, const std::vector<std::string>& stages) {
    if (!folder.in_work_tree) return {};
    const bool husky = folder.configured.ends_with("/_");
    const auto place = husky ? folder.configured.substr(0, folder.configured.size() - 2) : folder.configured;
    std::string lines;
    for (const auto& stage : stages) {
        lines += lines.empty() ? "" : "\n  and to ";
        lines += escape_foreign(place) + "/" + stage + " the line\n    tidegate-hook " + stage + " \"$@\"";
    }
    return fail(ErrorKind::Invalid,
                "core.hooksPath is " + escape_foreign(folder.configured) +
                    ", a folder among the files of this working tree",
                "call the gates from the hooks you have, by adding to " + lines +
                    "\n  or let git use its own folder again: git config --unset core.hooksPath");
}

Value to_value(const HookFolder& folder, const std::vector<Hook>& hooks) {
    Value list{Value::List{}};
    for (const auto& hook : hooks) {
        Value one;
        one.set("hook", hook.stage).set("state", word_for(hook.state)).set("chained", hook.chained);
        list.push(std::move(one));
    }
    Value all;
    all.set("folder", folder.path).set("hooks", std::move(list));
    return all;
}

// A server's hook that asks for nothing lets nothing in.
Result<void> tell_what_is_asked(const std::vector<Hook>& hooks) {
    const bool server = std::any_of(hooks.begin(), hooks.end(),
                                    [](const Hook& hook) { return find_git_hook(hook.stage)->server; });
    if (!server) return {};
    const auto repo = TRY(Repository::open());
    const auto policy = TRY(receive_policy(repo));
    if (policy.empty())
        std::printf(
            "nothing is asked for yet, so every push is refused until one of these is set:\n"
            "  git config tidegate.require pre-push; git config tidegate.allowedSigners FILE\n"
            "  git config tidegate.serverGates HEAD:%s\n",
            std::string(kConfigFile).c_str());
    return {};
}

struct TimerWish {
    std::string stage;
    std::string when;
};

// "nightly@02:00"; the stage must be one of the working tree's configuration.
Result<std::vector<TimerWish>> timer_wishes(const HookFolder& folder, const std::vector<std::string>& texts) {
    std::vector<TimerWish> wishes;
    if (texts.empty()) return wishes;
    if (folder.top.empty())
        return fail(ErrorKind::Usage, "a bare repository has no working tree for a timer's gates");
    const auto text = TRY(read_file(folder.top + "/" + std::string(kConfigFile), 1 << 20));
    const auto repo = TRY(Repository::open());
    const auto config = TRY(work_tree_config(repo, std::string(kConfigFile), text));
    std::vector<std::string_view> known;
    for (const auto& [name, stage] : config.stages) known.push_back(name);
    for (const auto& one : texts) {
        const auto at = one.find('@');
        if (at == std::string::npos || at == 0)
            return fail(ErrorKind::Usage, "not a timer: `" + escape_foreign(one) + "`",
                        "a stage and a time: --timer nightly@02:00");
        const auto stage = one.substr(0, at);
        if (config.stage(stage) == nullptr) {
            const auto near = nearest(stage, known);
            return fail(ErrorKind::Usage,
                        "no stage `" + escape_foreign(stage) + "` in " + std::string(kConfigFile),
                        near.empty() ? "" : "did you mean `" + std::string(near) + "`?");
        }
        wishes.push_back({stage, one.substr(at + 1)});
    }
    return wishes;
}

Result<void> install_timers(const HookFolder& folder, const std::vector<TimerWish>& wishes, Value& list) {
    const bool quiet = list.is(Value::Kind::List);
    for (const auto& wish : wishes) {
        const auto timer = TRY(install_timer(folder.top, wish.stage, wish.when));
        if (quiet) {
            Value one;
            one.set("stage", timer.stage).set("unit", timer.unit).set("when", timer.when);
            list.push(one.set("running", timer.complaint.empty()));
            continue;
        }
        std::printf("%s at %s by %s\n", timer.stage.c_str(), escape_foreign(timer.when).c_str(),
                    timer.unit.c_str());
        if (!timer.complaint.empty()) std::printf("  %s\n", timer.complaint.c_str());
    }
    if (!quiet && !wishes.empty())
        std::printf("  it runs while you are logged in; always: loginctl enable-linger\n");
    return {};
}

Result<int> install(const Arguments& arguments) {
    const auto git = TRY(Git::find(GitConfig::User));
    const auto folder = TRY(find_hook_folder(git, "."));
    auto stages = arguments.texts("STAGE");
    TRY(check_stages(stages));
    const auto wishes = TRY(timer_wishes(folder, arguments.texts("timer")));
    Value timers;
    if (arguments.has("json")) timers = Value(Value::List{});
    TRY(install_timers(folder, wishes, timers));
    if (!wishes.empty() && stages.empty()) {  // only that was asked for
        if (!arguments.has("json")) return 0;
        Value all;
        all.set("timers", std::move(timers));
        std::puts(to_json(all).c_str());
        return 0;
    }
    if (stages.empty()) stages = TRY(default_stages(folder));
    TRY(refuse_work_tree(folder, stages));
    const auto program = TRY(find_hook_program());
    const auto hooks = TRY(install_hooks(folder, program, stages));
    if (arguments.has("json")) {
        auto all = to_value(folder, hooks);
        if (!wishes.empty()) all.set("timers", std::move(timers));
        std::puts(to_json(all).c_str());
        return 0;
    }
    std::printf("installed in %s\n", shown(folder).c_str());
    for (const auto& hook : hooks)
        std::printf("  %s%s\n", hook.stage.c_str(),
                    hook.chained ? "  (the hook you had is kept and runs first)" : "");
    TRY(tell_what_is_asked(hooks));
    if (folder.scope == "global" || folder.scope == "system")
        std::printf(
            "core.hooksPath is set in your %s configuration: every repository that uses this folder is "
            "gated\n",
            folder.scope.c_str());
    return 0;
}

Result<int> uninstall(const Arguments& arguments) {
    const auto git = TRY(Git::find(GitConfig::User));
    const auto folder = TRY(find_hook_folder(git, "."));
    std::vector<std::string> stages;
    if (!folder.top.empty()) stages = TRY(uninstall_timers(folder.top));
    for (const auto& stage : stages) std::printf("timer of %s: removed\n", escape_foreign(stage).c_str());
    if (arguments.has("timer")) {
        if (stages.empty()) std::printf("no timer of tidegate's for this working tree\n");
        return 0;
    }
    const auto removed = TRY(uninstall_hooks(folder));
    if (removed.empty() && stages.empty())
        std::printf("nothing of tidegate's in %s\n", shown(folder).c_str());
    for (const auto& hook : removed) {
        if (hook.foreign)
            std::printf("%s: not tidegate's any more, left as it is; the hook of before is in %s%s\n",
                        hook.stage.c_str(), hook.stage.c_str(), std::string(kChainedSuffix).c_str());
        else
            std::printf("%s: %s\n", hook.stage.c_str(),
                        hook.restored ? "removed, the hook of before is back" : "removed");
    }
    return 0;
}

}  // namespace

std::vector<Command> install_commands() {
    return {
        {"install",
         "Gates",
         "put the hook executables into this repository",
         "Without STAGE: the stages of .tidegate.yaml that are hooks of git. A hook that is there "
         "already is\n"
         "kept and runs first. Doing it again changes nothing, or brings the hooks up to date.",
         {{"STAGE", "", "hooks of git: " + join(installable_stages(), ", "), Takes::Many},
          {"--timer", "STAGE@WHEN", "a stage by the clock instead, with systemd: nightly@02:00", Takes::Many},
          kJson},
         {},
         install},
        {"uninstall",
         "Gates",
         "take hooks and timers out again and put back what was there",
         "",
         {{"--timer", "", "only the timers", Takes::Nothing}},
         {},
         uninstall}};
}

}  // namespace tidegate::hooks::cli
