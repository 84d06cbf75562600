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

void add_line(const Files& files, Gates& into, const std::string& hook, const std::string& line) {
    if (line.find("lint-staged") != std::string::npos && has_lint_staged(files))
        return from_lint_staged(files, into, hook);
    auto command = line;
    for (const char* word :
         {"\"$1\"", "\"${1}\"", "${1}", "$1", "\"$HUSKY_GIT_PARAMS\"", "$HUSKY_GIT_PARAMS"})
        command = replaced(command, word, "{1}");
    Value gate(Value::Map{});
    gate.set("run", command);
    into.add(hook, name_of_command(line), std::move(gate));
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
        gate.set("run", "sh " + file + (known->arguments[0].empty() ? "" : " {1}"));
        into.add(hook, "husky", std::move(gate));
        into.note(file +
                  ": more than a list of commands; it is run as it is, without the files of the change");
    } else {
        for (const auto& line : *lines) add_line(files, into, hook, line);
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
    // Before version 5 it stood in package.json.
    if (!met && files.has("package.json")) {
        const auto package = parse_json(files.read("package.json"));
        const Value* husky = package ? package->find("husky") : nullptr;
        const Value* hooks = husky == nullptr ? nullptr : husky->find("hooks");
        if (hooks != nullptr && hooks->is(Value::Kind::Map)) {
            for (const auto& entry : hooks->map()) {
                met = true;
                add_script(files, into, entry.key, "husky in package.json",
                           replaced(entry.value.text(), " && ", "\n"));
            }
        }
    }
    if (!met) return;
    into.found.emplace_back("husky");
    into.note(
        "husky: take its core.hooksPath away before `tidegate install`: git config --unset core.hooksPath");
}

}  // namespace tidegate::hooks::migrate
