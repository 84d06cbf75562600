// husky: scripts of lines, one for each hook.
#include "hooks/config/git_hook.hpp"
#include "hooks/migrate/migrate.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"

#include <algorithm>

namespace tidegate::hooks::migrate {

using namespace shared;

namespace {

std::string replaced(std::string text, std::string_view part, std::string_view by) {
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + by.size()))
        text.replace(at, part.size(), by);
    return text;
}

// The lines that do something; nullopt where they only make sense together.
std::optional<std::vector<std::string>> simple_lines(const std::string& script) {
    std::vector<std::string> lines;
    for (const auto raw : lines_of(script)) {
        const auto line = trim(raw);
        if (line.empty() || line.starts_with('#') || line.find("husky.sh") != std::string_view::npos)
            continue;
        if (line == "set -e" || line == "set -eu" || line == "set -x") continue;
        if (line.ends_with('\\') || line.ends_with("&&") || line.ends_with("||")) return std::nullopt;
        const auto word = line.substr(0, line.find_first_of(" ;("));
        for (const char* control :
             {"if",   "for",      "while", "case", "fi", "do", "done", "then",   "else",  "export", "cd",
              "exec", "function", "[",     "[[",   "{",  "}",  ".",    "source", "local", "return", "exit"})
            if (word == control) return std::nullopt;
        if (word.find('=') != std::string_view::npos || line.find("<<") != std::string_view::npos)
            return std::nullopt;
        lines.emplace_back(line);
    }
    return lines;
}

// "npx --no -- commitlint --edit $1" → commitlint; "npm run lint" → lint; "npm test" → test
std::string name_of_command(const std::string& command) {
    for (const auto word : split(command, ' ')) {
        if (word.empty() || word.starts_with('-') || word.starts_with('"') || word.starts_with('$')) continue;
        constexpr std::string_view kRunners = " npx npm pnpm yarn bun bunx run exec dlx node sh bash make ";
        if (kRunners.find(" " + std::string(word) + " ") != std::string_view::npos) continue;
        return gate_name(word.substr(word.rfind('/') + 1));
    }
    return gate_name(command.substr(0, command.find(' ')));
}

// "npm run x", "yarn x", "pnpm run x": what package.json says of x, where that is lint-staged.
std::string through_scripts(const Files& files, const std::string& command) {
    constexpr std::string_view kRunners = " npm pnpm yarn bun ";
    const auto words = split(command, ' ');
    if (words.size() < 2 || kRunners.find(" " + std::string(words[0]) + " ") == std::string_view::npos)
        return command;
    const auto name = words[1] == "run" || words[1] == "-s" ? (words.size() > 2 ? words[2] : "") : words[1];
    const auto package = parse_json(files.read("package.json"));
    const Value* scripts = package ? package->find("scripts") : nullptr;
    const Value* script = scripts == nullptr || name.empty() ? nullptr : scripts->find(name);
    if (script == nullptr || script->text().find("lint-staged") == std::string::npos) return command;
    return script->text();
}

// "a && b" is two commands, where nothing in it is more than words.
std::vector<std::string> in_turn(const std::string& line) {
    std::vector<std::string> commands;
    if (line.find_first_of("\"'`|;(){}<>\\") != std::string::npos) return {line};
    size_t from = 0;
    for (auto at = line.find(" && "); at != std::string::npos; at = line.find(" && ", from)) {
        commands.push_back(line.substr(from, at - from));
        from = at + 4;
    }
    commands.push_back(line.substr(from));
    return commands;
}

// husky finds the programs of the packages that package.json names.
bool is_of_package(const Files& files, const std::string& command) {
    const auto package = parse_json(files.read("package.json"));
    if (!package) return false;
    const auto word = command.substr(0, command.find(' '));
    for (const char* key : {"dependencies", "devDependencies"}) {
        const Value* names = package->find(key);
        if (names == nullptr || word.empty()) continue;
        for (const auto& entry : names->map())
            if (entry.key.find(word) != std::string::npos || (word == "tsc" && entry.key == "typescript"))
                return true;
    }
    return false;
}

// One command of a script, which runs when those before it went well.
void add_command(const Files& files, Gates& into, const std::string& hook, const std::string& line,
                 std::string& before) {
    if (line.starts_with("echo ") || line.starts_with("printf ")) return;
    if (line.starts_with("git add")) {
        into.note(hook + ": `" + line +
                  "`: what a gate changes is not part of the commit, but for its `fix`");
        return;
    }
    if (line.find("lint-staged") != std::string::npos && has_lint_staged(files)) {
        if (line.find(" -") != std::string::npos && line.find("--no") == std::string::npos)
            into.note(hook + ": the options of `" + line + "` are not taken over");
        return from_lint_staged(files, into, hook);
    }
    auto command = line;
    for (const char* word :
         {"\"$1\"", "\"${1}\"", "${1}", "$1", "\"$HUSKY_GIT_PARAMS\"", "$HUSKY_GIT_PARAMS"})
        command = replaced(command, word, "{1}");
    Value gate(Value::Map{});
    if (!before.empty()) {
        Value needs(Value::List{});
        needs.push(before);
        gate.set("needs", std::move(needs));
    }
    gate.set("run", is_of_package(files, command) ? with_runner(command) : command);
    before = into.add(hook, name_of_command(line), std::move(gate));
}

void add_script(const Files& files, Gates& into, const std::string& hook, const std::string& file,
                const std::string& script) {
    const auto* known = find_git_hook(hook);
    if (known == nullptr) {
        into.note(file + ": no stage of that name");
        return;
    }
    const auto lines = simple_lines(script);
    if (!lines) {
        Value gate(Value::Map{});
        gate.set("run",
                 files.has(file) ? "sh " + file + (known->arguments[0].empty() ? "" : " {1}") : script);
        into.add(hook, "husky", std::move(gate));
        into.note(file +
                  ": more than a list of commands; it is run as it is, without the files of the change");
    } else {
        std::string before;
        for (const auto& line : *lines)
            for (const auto& command : in_turn(line))
                for (const auto& real : in_turn(through_scripts(files, command)))
                    add_command(files, into, hook, real, before);
    }
    auto& stage = into.stage(hook);
    if (files.has("package.json") && stage.link.empty()) stage.link.emplace_back("node_modules");
}

}  // namespace

void from_husky(const Files& files, Gates& into) {
    bool met = false;
    for (const auto& path : files.paths) {
        if (!path.starts_with(".husky/") || path.find('/', 7) != std::string::npos) continue;
        const auto hook = path.substr(7);
        if (hook.starts_with('.') || hook.find('.') != std::string::npos) continue;
        met = true;
        add_script(files, into, hook, path, files.read(path));
    }
    // Before version 5 it stood in package.json, where others of the kind still do.
    const auto package = met || !files.has("package.json") ? fail(ErrorKind::NotFound, "")
                                                           : parse_json(files.read("package.json"));
    const Value* old = package ? package->find("husky") : nullptr;
    if (old != nullptr) old = old->find("hooks");
    for (const auto& [title, hooks] :
         {std::pair{"husky", old},
          {"simple-git-hooks", package ? package->find("simple-git-hooks") : nullptr},
          {"gitHooks", package ? package->find("gitHooks") : nullptr}}) {
        if (hooks == nullptr || !hooks->is(Value::Kind::Map)) continue;
        into.found.emplace_back(title);
        for (const auto& entry : hooks->map())
            if (entry.value.is(Value::Kind::Text) && find_git_hook(entry.key) != nullptr)
                add_script(files, into, entry.key, std::string(title) + " in package.json",
                           entry.value.text());
    }
    if (!met) return;
    into.found.emplace_back("husky");
    into.note(
        "husky: take its core.hooksPath away before `tidegate install`: git config --unset core.hooksPath");
}

}  // namespace tidegate::hooks::migrate
