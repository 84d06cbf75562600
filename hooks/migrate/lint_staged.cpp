// lint-staged: globs and the commands that get the files they match.
#include "hooks/config/glob.hpp"
#include "hooks/migrate/migrate.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/doc/yaml.hpp"

#include <array>

namespace tidegate::hooks::migrate {

using namespace shared;

namespace {

constexpr std::array<std::string_view, 4> kData{".lintstagedrc", ".lintstagedrc.json", ".lintstagedrc.yaml",
                                                ".lintstagedrc.yml"};
constexpr std::array<std::string_view, 8> kPrograms{
    ".lintstagedrc.js",      ".lintstagedrc.cjs",      ".lintstagedrc.mjs",      ".lintstagedrc.ts",
    "lint-staged.config.js", "lint-staged.config.cjs", "lint-staged.config.mjs", "lint-staged.config.ts"};

bool is_negated(std::string_view glob) {
    for (const char* sign : {"!(", "+(", "@(", "?(", "*("})
        if (glob.find(sign) != std::string_view::npos) return true;
    return glob.starts_with('!');
}

struct Found {
    std::string file;
    Value rules;
};

std::optional<Found> find_rules(const Files& files, Gates& into) {
    for (const auto name : kPrograms)
        if (files.has(name))
            into.note(std::string(name) + ": is a program; what it says has to be written by hand");
    for (const auto name : kData) {
        const std::string file(name);
        if (!files.has(file)) continue;
        const auto document = parse_yaml(file, files.read(file), {1 << 20, 32, 20'000});
        if (document && document->root().is(Value::Kind::Map)) return Found{file, document->root()};
        into.note(file + ": cannot be read" + (document ? "" : ": " + document.error().message));
    }
    if (!files.has("package.json")) return std::nullopt;
    const auto package = parse_json(files.read("package.json"));
    const Value* rules = package ? package->find("lint-staged") : nullptr;
    if (rules == nullptr || !rules->is(Value::Kind::Map)) return std::nullopt;
    return Found{"lint-staged in package.json", *rules};
}

// One command of a rule. lint-staged puts the files behind it.
void add_command(Gates& into, const std::string& stage, const std::string& glob, const std::string& command,
                 std::string& before) {
    if (command.starts_with("git add")) return;  // what is mended is part of the commit anyway
    const auto checks = checking_form(command);
    Value gate(Value::Map{});
    if (!before.empty()) {
        Value needs(Value::List{});
        needs.push(before);
        gate.set("needs", std::move(needs));
    }
    gate.set("run", "npx --no-install " + checks.value_or(command) + " {files}");
    if (checks) gate.set("fix", "npx --no-install " + command + " {files}");
    Value globs(Value::List{});
    globs.push(glob);
    gate.set("files", std::move(globs));
    const auto word = command.substr(0, command.find(' '));
    before = into.add(stage, gate_name(word.substr(word.rfind('/') + 1)), std::move(gate));
}

}  // namespace

bool has_lint_staged(const Files& files) {
    for (const auto name : kData)
        if (files.has(name)) return true;
    for (const auto name : kPrograms)
        if (files.has(name)) return true;
    if (!files.has("package.json")) return false;
    const auto package = parse_json(files.read("package.json"));
    return package && package->find("lint-staged") != nullptr;
}

void from_lint_staged(const Files& files, Gates& into, const std::string& stage) {
    into.found.emplace_back("lint-staged");
    const auto found = find_rules(files, into);
    if (!found) return;
    for (const auto& entry : found->rules.map()) {
        if (is_negated(entry.key) || !Glob::parse(entry.key)) {
            into.note(found->file + ": the pattern " + entry.key + " has no counterpart");
            continue;
        }
        std::vector<std::string> commands;
        if (entry.value.is(Value::Kind::Text)) commands.push_back(entry.value.text());
        for (const auto& item : entry.value.list())
            if (item.is(Value::Kind::Text)) commands.push_back(item.text());
        if (commands.empty()) into.note(found->file + ": " + entry.key + " names no command");
        std::string before;
        for (const auto& command : commands) add_command(into, stage, entry.key, command, before);
    }
    auto& link = into.stage(stage).link;
    if (link.empty()) link.emplace_back("node_modules");
}

}  // namespace tidegate::hooks::migrate
