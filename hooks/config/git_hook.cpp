#include "hooks/config/git_hook.hpp"

#include <algorithm>

namespace tidegate::hooks {

const std::vector<GitHook>& git_hooks() {
    static const std::vector<GitHook> kHooks{
        {.name = "pre-commit", .remembered = true},
        {.name = "pre-merge-commit", .remembered = true},
        {.name = "prepare-commit-msg", .arguments = {"message_file", "message_source", "message_commit"}},
        {.name = "commit-msg", .arguments = {"message_file"}},
        {.name = "post-checkout", .arguments = {"previous", "current", "branch_checkout"}, .stops = false},
        {.name = "post-merge", .arguments = {"squash"}, .stops = false},
        {.name = "post-rewrite", .arguments = {"rewritten_by"}, .input = true, .stops = false},
        {.name = "pre-rebase", .arguments = {"upstream", "rebased"}},
        {.name = "pre-push", .arguments = {"remote", "url"}, .input = true, .remembered = true},
        {.name = "pre-receive", .input = true, .remembered = true, .server = true},
        {.name = "update", .arguments = {"ref", "old", "new"}, .remembered = true, .server = true},
    };
    return kHooks;
}

const GitHook* find_git_hook(std::string_view name) {
    const auto& hooks = git_hooks();
    const auto found =
        std::find_if(hooks.begin(), hooks.end(), [&](const GitHook& hook) { return hook.name == name; });
    return found == hooks.end() ? nullptr : &*found;
}

HookArguments named_arguments(const GitHook& hook, const std::vector<std::string>& given) {
    HookArguments named;
    for (size_t i = 0; i < hook.arguments.size() && !hook.arguments[i].empty(); ++i)
        named.emplace_back(hook.arguments[i], i < given.size() ? given[i] : std::string());
    return named;
}

const std::string* find_argument(const HookArguments& arguments, std::string_view name) {
    for (const auto& [known, value] : arguments)
        if (known == name) return &value;
    return nullptr;
}

std::string variable_of(std::string_view argument) {
    std::string name = "TIDEGATE_";
    for (const char c : argument) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
}

}  // namespace tidegate::hooks
