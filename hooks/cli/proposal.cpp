#include "hooks/cli/proposal.hpp"

#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"

#include <algorithm>

namespace tidegate::hooks::cli {

using namespace shared;

namespace {

struct GateText {
    std::string name;
    std::string run;
    std::string files;  // as it stands in the file: ["**/*.rs"]
    std::string needs;
    std::string version;
};

struct SetupText {
    std::string run;
    std::string inputs;
};

struct Draft {
    std::vector<GateText> commit;
    std::vector<GateText> push;
    std::vector<SetupText> setup;
    std::vector<std::string> found;
};

class Finder {
  public:
    explicit Finder(const Surroundings& here) : here_(here) {}
    [[nodiscard]] bool file(std::string_view path) const {
        return std::find(here_.paths.begin(), here_.paths.end(), path) != here_.paths.end();
    }
    [[nodiscard]] bool ending(std::string_view end) const {
        return std::any_of(here_.paths.begin(), here_.paths.end(),
                           [&](const std::string& path) { return path.ends_with(end); });
    }
    [[nodiscard]] bool beneath(std::string_view folder) const {
        return std::any_of(here_.paths.begin(), here_.paths.end(),
                           [&](const std::string& path) { return path.starts_with(folder); });
    }
    [[nodiscard]] bool says(const std::string& path, std::string_view text) const {
        return file(path) && here_.read(path).find(text) != std::string::npos;
    }
    [[nodiscard]] std::string text(const std::string& path) const { return here_.read(path); }
    [[nodiscard]] bool program(const std::string& name) const { return here_.has_program(name); }

  private:
    const Surroundings& here_;
};

void look_for_cmake(const Finder& here, Draft& draft) {
    const bool cpp = here.ending(".cpp") || here.ending(".cc") || here.ending(".c") || here.ending(".hpp") ||
                     here.ending(".h");
    if (cpp && (here.file(".clang-format") || here.file("_clang-format")))
        draft.commit.push_back({"format", "clang-format --dry-run -Werror {files}",
                                R"(["**/*.{c,cc,cpp,cxx,h,hh,hpp}"])", "", "clang-format --version"});
    if (!here.file("CMakeLists.txt")) return;
    draft.found.emplace_back("CMake");
    draft.push.push_back({"build", "cmake -S . -B build && cmake --build build -j2", "", "", ""});
    if (here.says("CMakeLists.txt", "enable_testing") || here.says("CMakeLists.txt", "CTest"))
        draft.push.push_back({"ctest", "ctest --test-dir build --output-on-failure", "", "build", ""});
}

void look_for_cargo(const Finder& here, Draft& draft) {
    if (!here.file("Cargo.toml")) return;
    draft.found.emplace_back("Cargo");
    draft.commit.push_back({"cargo-fmt", "cargo fmt --check", R"(["**/*.rs"])", "", ""});
    draft.push.push_back({"cargo-clippy", "cargo clippy --all-targets -- -D warnings", "", "", ""});
    draft.push.push_back({"cargo-test", "cargo test", "", "", ""});
}

void look_for_go(const Finder& here, Draft& draft) {
    if (!here.file("go.mod")) return;
    draft.found.emplace_back("Go");
    draft.commit.push_back(
        {"gofmt", "out=$(gofmt -l {files}) && echo \"$out\" && test -z \"$out\"", R"(["**/*.go"])", "", ""});
    draft.push.push_back({"go-vet", "go vet ./...", "", "", ""});
    draft.push.push_back({"go-test", "go test ./...", "", "", ""});
}

void look_for_node(const Finder& here, Draft& draft) {
    if (!here.file("package.json")) return;
    draft.found.emplace_back("package.json");
    std::string tool = "npm";
    if (here.file("pnpm-lock.yaml")) {
        tool = "pnpm";
        draft.setup.push_back({"pnpm install --frozen-lockfile", "[package.json, pnpm-lock.yaml]"});
    } else if (here.file("yarn.lock")) {
        tool = "yarn";
        draft.setup.push_back({"yarn install --frozen-lockfile", "[package.json, yarn.lock]"});
    } else if (here.file("package-lock.json")) {
        draft.setup.push_back({"npm ci", "[package.json, package-lock.json]"});
    } else {
        draft.setup.push_back({"npm install --no-package-lock", "[package.json]"});
    }
    const auto package = parse_json(here.text("package.json"));
    const Value* scripts = package ? package->find("scripts") : nullptr;
    if (scripts == nullptr || !scripts->is(Value::Kind::Map)) return;
    for (const auto* script : {"lint", "typecheck", "build", "test"}) {
        const auto* command = scripts->find(script);
        // What `npm init` writes for want of tests always fails.
        if (command == nullptr || command->text().find("no test specified") != std::string::npos) continue;
        draft.push.push_back({tool + "-" + script, tool + " run " + script, "", "", ""});
    }
}

void look_for_python(const Finder& here, Draft& draft) {
    const bool python = here.file("pyproject.toml") || here.file("setup.py") || here.file("requirements.txt");
    if (!python) return;
    draft.found.emplace_back("Python");
    const auto configured = [&](const std::string& tool) {
        return here.says("pyproject.toml", "[tool." + tool);
    };
    const std::string files = R"(["**/*.py"])";
    if (configured("ruff") || here.file("ruff.toml") || here.file(".ruff.toml"))
        draft.commit.push_back({"ruff", "ruff check {files}", files, "", "ruff --version"});
    if (configured("black"))
        draft.commit.push_back({"black", "black --check {files}", files, "", "black --version"});
    if (here.file(".flake8"))
        draft.commit.push_back({"flake8", "flake8 {files}", files, "", "flake8 --version"});
    if (configured("mypy") || here.file("mypy.ini")) draft.push.push_back({"mypy", "mypy .", "", "", ""});
    if (configured("pytest") || here.file("pytest.ini") || here.file("conftest.py") ||
        here.file("tests/conftest.py"))
        draft.push.push_back({"pytest", "python3 -m pytest -q", "", "", ""});
    else if (here.beneath("tests/test_") || here.beneath("test/test_"))
        draft.push.push_back({"unittest",
                              std::string("python3 -m unittest discover -s ") +
                                  (here.beneath("tests/test_") ? "tests" : "test"),
                              "", "", ""});
}

void look_for_shell(const Finder& here, Draft& draft) {
    if (!here.ending(".sh") || !(here.file(".shellcheckrc") || here.program("shellcheck"))) return;
    draft.found.emplace_back("shell");
    draft.commit.push_back(
        {"shellcheck", "shellcheck {files}", R"(["**/*.sh"])", "", "shellcheck --version"});
}

// A Makefile mostly wraps what was found already; it counts where nothing else did.
void look_for_make(const Finder& here, Draft& draft) {
    if (!here.file("Makefile") || !draft.push.empty()) return;
    const auto text = "\n" + here.text("Makefile");
    for (const auto* target : {"lint", "build", "check", "test"})
        if (text.find("\n" + std::string(target) + ":") != std::string::npos)
            draft.push.push_back({std::string("make-") + target, std::string("make ") + target, "", "", ""});
    if (draft.push.empty()) draft.push.push_back({"make", "make", "", "", ""});
    draft.found.emplace_back("Makefile");
}

void look_for_scripts(const Finder& here, Draft& draft) {
    if (!draft.push.empty()) return;
    for (const auto* script : {"tests/run", "tests/run.sh", "test.sh", "run-tests.sh"}) {
        if (!here.file(script)) continue;
        draft.found.emplace_back(script);
        draft.push.push_back({"tests", std::string("./") + script, "", "", ""});
        return;
    }
}

// A scalar that YAML reads as it stands, or in single quotes.
std::string scalar(const std::string& text) {
    const bool plain =
        text.find(": ") == std::string::npos && text.find(" #") == std::string::npos &&
        std::string_view("&*!|>'\"%@`{}[],?:-#").find(text.front()) == std::string_view::npos &&
        text.back() != ':';
    if (plain) return text;
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
    return quoted + "'";
}

std::string gate_text(const GateText& gate) {
    std::string text = "      - name: " + gate.name + "\n";
    if (!gate.needs.empty()) text += "        needs: [" + gate.needs + "]\n";
    text += "        run: " + scalar(gate.run) + "\n";
    if (!gate.files.empty()) text += "        files: " + gate.files + "\n";
    if (!gate.version.empty()) text += "        version: " + scalar(gate.version) + "\n";
    return text;
}

std::string to_yaml(const Draft& draft) {
    std::string text =
        "# Gates of this repository: what must pass on exactly the tree that is committed or pushed.\n"
        "# Proposed by `tidegate init`; make it yours. Check it with: tidegate check\n"
        "version: 1\n"
        "stages:\n"
        "  pre-commit:\n"
        "    gates:\n"
        "      - name: hygiene\n"
        "        builtin: [trailing-whitespace, end-of-file, merge-conflict, large-files, private-keys, "
        "yaml,\n"
        "                  json, case-conflict]\n";
    for (const auto& gate : draft.commit) text += gate_text(gate);
    text += "  pre-push:\n";
    if (!draft.setup.empty()) text += "    setup:\n";
    for (const auto& setup : draft.setup)
        text += "      - run: " + scalar(setup.run) + "\n        inputs: " + setup.inputs + "\n";
    text += "    gates:\n";
    if (draft.push.empty()) {
        text +=
            "      # Your tests go here: a push waits for them.\n"
            "      - name: hygiene\n"
            "        builtin: [merge-conflict, private-keys]\n";
    }
    for (const auto& gate : draft.push) text += gate_text(gate);
    return text;
}

}  // namespace

Proposal propose(const Surroundings& here) {
    const Finder finder(here);
    Draft draft;
    for (auto look : {look_for_cmake, look_for_cargo, look_for_go, look_for_node, look_for_python,
                      look_for_shell, look_for_make, look_for_scripts})
        look(finder, draft);
    return {to_yaml(draft), draft.found};
}

}  // namespace tidegate::hooks::cli
