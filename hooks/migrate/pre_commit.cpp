// pre-commit: local hooks as they are, the collection's as built-in checks, well-known tools by their names.
#include "hooks/config/pre_commit.hpp"

#include "hooks/migrate/migrate.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>

namespace tidegate::hooks::migrate {

using namespace shared;

namespace {

// A tool by the hook that runs it. `types` as pre-commit has them for that hook.
struct Tool {
    std::string_view hook;
    std::string_view check;
    std::string_view fix;
    std::string_view types_or;
};
constexpr std::array kTools{
    Tool{"black", "black --check", "black", "python pyi"},
    Tool{"ruff", "ruff check", "ruff check --fix", "python pyi jupyter"},
    Tool{"ruff-check", "ruff check", "ruff check --fix", "python pyi jupyter"},
    Tool{"ruff-format", "ruff format --check", "ruff format", "python pyi jupyter"},
    Tool{"isort", "isort --check-only", "isort", "cython pyi python"},
    Tool{"flake8", "flake8", "", "python"},
    Tool{"mypy", "mypy", "", "python pyi"},
    Tool{"pylint", "pylint", "", "python"},
    Tool{"bandit", "bandit", "", "python"},
    Tool{"prettier", "prettier --check --ignore-unknown", "prettier --write --ignore-unknown", "text"},
    Tool{"eslint", "eslint", "eslint --fix", "javascript"},
    Tool{"stylelint", "stylelint", "stylelint --fix", "css scss sass less"},
    Tool{"shellcheck", "shellcheck", "", "shell"},
    Tool{"shfmt", "shfmt -d", "shfmt -w", "shell"},
    Tool{"clang-format", "clang-format --dry-run -Werror", "clang-format -i",
         "c++ c cuda objective-c proto java"},
    Tool{"codespell", "codespell", "", "text"},
    Tool{"typos", "typos", "", "text"},
    Tool{"yamllint", "yamllint", "", "yaml"},
    Tool{"markdownlint", "markdownlint", "markdownlint --fix", "markdown"},
    Tool{"hadolint", "hadolint", "", "dockerfile"},
    Tool{"actionlint", "actionlint", "", "yaml"},
    Tool{"terraform_fmt", "terraform fmt -check", "terraform fmt", "terraform"},
    Tool{"terraform-fmt", "terraform fmt -check", "terraform fmt", "terraform"},
    Tool{"rustfmt", "rustfmt --check", "rustfmt", "rust"},
    Tool{"nixfmt", "nixfmt --check", "nixfmt", "nix"},
    Tool{"taplo-format", "taplo format --check", "taplo format", "toml"},
    Tool{"rubocop", "rubocop", "rubocop -a", "ruby"},
};
// Without a file of the change.
constexpr std::array kWhole{
    Tool{"fmt", "cargo fmt --check", "", "rust"},
    Tool{"clippy", "cargo clippy --all-targets -- -D warnings", "", "rust"},
    Tool{"cargo-check", "cargo check", "", "rust"},
    Tool{"golangci-lint", "golangci-lint run", "", "go"},
    Tool{"go-vet", "go vet ./...", "", "go"},
    Tool{"go-unit-tests", "go test ./...", "", "go"},
};

// What only says that the hook mends, which `fix` does here.
bool only_mends(std::string_view arg) {
    constexpr std::string_view kMends =
        " --fix --exit-non-zero-on-fix --show-fixes --write -w -i --in-place --fix-only --unsafe-fixes ";
    return kMends.find(" " + std::string(arg) + " ") != std::string_view::npos;
}

void put(Value& gate, const char* key, std::string text) {
    gate.set(key, std::move(text));
}

std::string with_args(std::string command, const std::vector<std::string>& args, bool mending) {
    for (const auto& arg : args)
        if (mending || !only_mends(arg)) command += " " + shell_quote(arg);
    return command;
}

void put_types(Value& gate, std::string_view names) {
    Value list(Value::List{});
    for (const auto name : split(names, ' ')) list.push(name);
    Value match(Value::Map{});
    match.set("types_or", std::move(list));
    gate.set("match", std::move(match));
}

std::optional<Value> known_tool(const PreCommitHook& hook) {
    for (const auto& tool : kTools) {
        if (tool.hook != hook.id) continue;
        Value gate(Value::Map{});
        put(gate, "run", with_args(std::string(tool.check), hook.args, false) + " {files}");
        if (!tool.fix.empty()) {
            std::vector<std::string> args;
            for (const auto& arg : hook.args)
                if (!only_mends(arg) || arg == "--unsafe-fixes") args.push_back(arg);
            put(gate, "fix", with_args(std::string(tool.fix), args, true) + " {files}");
        }
        put_types(gate, tool.types_or);
        return gate;
    }
    for (const auto& tool : kWhole) {
        if (tool.hook != hook.id) continue;
        Value gate(Value::Map{});
        put(gate, "run", std::string(tool.check));
        put_types(gate, tool.types_or);
        return gate;
    }
    if (hook.id == "gofmt" || hook.id == "go-fmt") {
        Value gate(Value::Map{});
        put(gate, "run", "out=$(gofmt -l {files}) && echo \"$out\" && test -z \"$out\"");
        put(gate, "fix", "gofmt -w {files}");
        put_types(gate, "go");
        return gate;
    }
    return std::nullopt;
}

// Places mean nothing in the file that is written; a list of one word is that word.
Value plain(const Value& value) {
    if (value.is(Value::Kind::List)) {
        Value list(Value::List{});
        for (const auto& item : value.list()) list.push(plain(item));
        return list;
    }
    if (!value.is(Value::Kind::Map)) return value;
    Value map(Value::Map{});
    for (const auto& entry : value.map()) map.set(entry.key, plain(entry.value));
    return map;
}

// `match: {types: [file]}` says nothing to a gate that takes files anyway.
Value without_empty_match(Value gate) {
    const Value* match = gate.find("match");
    const Value* types = match == nullptr ? nullptr : match->find("types");
    const bool empty = types != nullptr && match->map().size() == 1 && types->list().size() == 1 &&
                       types->list()[0].text() == "file";
    const Value* run = gate.find("run");
    const bool takes =
        run == nullptr || (run->is(Value::Kind::List) && run->list().back().text() == "{files}");
    if (!empty || !takes) return gate;
    Value rest(Value::Map{});
    for (const auto& entry : gate.map())
        if (entry.key != "match") rest.set(entry.key, entry.value);
    return rest;
}

}  // namespace

void from_pre_commit(const Files& files, Gates& into) {
    for (const std::string file : {".pre-commit-config.yaml", ".pre-commit-config.yml"}) {
        if (!files.has(file)) continue;
        into.found.push_back(file);
        const auto document = parse_yaml(file, files.read(file), pre_commit_limits());
        if (!document) return into.note(file + ": cannot be read: " + document.error().line());
        PreCommitChoices choices;
        choices.instead = known_tool;
        choices.refused = [&](const std::string& id, const std::string& why) {
            into.note(file + ": " + id + " " + why);
        };
        const auto gates = gates_of_pre_commit(*document, choices);
        if (!gates) return into.note(file + ": cannot be read: " + gates.error().line());
        for (const auto& stage : gates->find("stages")->map()) {
            into.stage(stage.key).fail_fast = stage.value.find("fail_fast") != nullptr;
            for (const auto& gate : stage.value.find("gates")->list())
                into.add(stage.key, gate.find("name")->text(), without_empty_match(plain(gate)));
        }
        return;
    }
}

}  // namespace tidegate::hooks::migrate
