#include "hooks/config/read.hpp"
#include "hooks/migrate/migrate.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>

namespace tidegate::hooks::migrate {

using namespace shared;

bool Files::has(std::string_view path) const {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
}

Gates::StageGates& Gates::stage(const std::string& name) {
    const auto known =
        std::find_if(stages.begin(), stages.end(), [&](const StageGates& one) { return one.name == name; });
    if (known != stages.end()) return *known;
    stages.push_back({name, {}, false, {}, 0});
    return stages.back();
}

std::string Gates::add(const std::string& stage_name, std::string name, Value gate) {
    auto& gates = stage(stage_name).gates;
    const auto taken = [&](const std::string& wanted) {
        return std::any_of(gates.begin(), gates.end(),
                           [&](const Value& one) { return one.find("name")->text() == wanted; });
    };
    const auto base = name;
    for (int number = 2; taken(name); ++number) name = base + "-" + std::to_string(number);
    Value::Map map{{"name", Value(name), 0, 0}};
    for (const auto& entry : gate.map())
        if (entry.key != "name") map.push_back(entry);
    gates.emplace_back(std::move(map));
    return name;
}

namespace {

bool is_other_hook(std::string_view name) {
    constexpr std::string_view kOthers =
        " applypatch-msg pre-applypatch post-applypatch post-commit pre-auto-gc reference-transaction "
        "sendemail-validate push-to-checkout post-index-change ";
    return kOthers.find(" " + std::string(name) + " ") != std::string_view::npos;
}

}  // namespace

Gates from_others(const Files& files) {
    Gates gates;
    from_pre_commit(files, gates);
    from_lefthook(files, gates);
    from_husky(files, gates);
    // Without husky something else calls it; before a commit is where it belongs.
    const bool taken = std::any_of(gates.found.begin(), gates.found.end(),
                                   [](const std::string& name) { return name == "lint-staged"; });
    if (has_lint_staged(files) && !taken) from_lint_staged(files, gates, "pre-commit");
    for (const auto* other : {".overcommit.yml", "hk.pkl", "captainhook.json", "grumphp.yml"})
        if (files.has(other))
            gates.note(std::string(other) + ": is not read; what it says has to be written by hand");
    for (const auto& stage : gates.stages)
        if (is_other_hook(stage.name))
            gates.note(stage.name +
                       ": is a hook of git that tidegate does not install; its gates run by `tidegate run " +
                       stage.name + "`");
    return gates;
}

std::string with_runner(const std::string& command) {
    constexpr std::string_view kNone =
        " npm npx pnpm yarn bun bunx node deno sh bash git cargo go make python python3 ruby bundle php "
        "composer "
        "terraform rustfmt gofmt true test ";
    const auto word = command.substr(0, command.find(' '));
    if (word.find('/') != std::string::npos || kNone.find(" " + word + " ") != std::string_view::npos)
        return command;
    return "npx --no-install " + command;
}

std::string gate_name(std::string_view text) {
    std::string name;
    for (const char c : text) {
        const bool good = is_gate_name("a" + std::string(1, c));
        if (good)
            name += c;
        else if (!name.empty() && name.back() != '-')
            name += '-';
        if (name.size() == 40) break;
    }
    while (!name.empty() && (name.back() == '-' || name.back() == '.' || name.back() == ':')) name.pop_back();
    while (!name.empty() && (name.front() == '-' || name.front() == '.')) name.erase(0, 1);
    return name.empty() ? "gate" : name;
}

std::optional<std::string> checking_form(const std::string& command) {
    struct Form {
        std::string_view tool;
        std::string_view writes;  // empty: it writes unless it is told to check
        std::string_view checks;
    };
    constexpr std::array kForms{
        Form{"prettier", "--write", "--check"},
        Form{"prettier", "-w", "--check"},
        Form{"eslint", "--fix", ""},
        Form{"stylelint", "--fix", ""},
        Form{"tslint", "--fix", ""},
        Form{"ruff", "--fix", ""},
        Form{"rubocop", "-a", ""},
        Form{"rubocop", "-A", ""},
        Form{"rubocop", "--autocorrect", ""},
        Form{"markdownlint", "--fix", ""},
        Form{"biome", "--write", ""},
        Form{"biome", "--apply", ""},
        Form{"clang-format", "-i", "--dry-run -Werror"},
        Form{"shfmt", "-w", "-d"},
        Form{"ruff format", "", "--check"},
        Form{"black", "", "--check"},
        Form{"isort", "", "--check-only"},
    };
    for (const auto& form : kForms) {
        const auto padded = " " + command + " ";
        const auto at = padded.find(" " + std::string(form.tool) + " ");
        if (at == std::string::npos) continue;
        const auto behind = at + 1 + form.tool.size();
        if (form.writes.empty()) {
            if (padded.find("--check") != std::string::npos || padded.find("--diff") != std::string::npos)
                return std::nullopt;
            auto text = padded.substr(0, behind) + " " + std::string(form.checks) + padded.substr(behind);
            return std::string(trim(text));
        }
        const auto option = padded.find(" " + std::string(form.writes) + " ", behind);
        if (option == std::string::npos) continue;
        auto text = padded;
        text.replace(option, form.writes.size() + 1,
                     form.checks.empty() ? "" : " " + std::string(form.checks));
        return std::string(trim(text));
    }
    return std::nullopt;
}

}  // namespace tidegate::hooks::migrate
