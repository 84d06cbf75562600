#include "hooks/cli/languages.hpp"

#include "shared/doc/json.hpp"

#include <algorithm>

namespace tidegate::hooks::cli {

using namespace shared;

namespace {

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
                                R"(["**/*.{c,cc,cpp,cxx,h,hh,hpp}"])", "", "clang-format --version",
                                "clang-format -i {files}"});
    if (!here.file("CMakeLists.txt")) return;
    draft.found.emplace_back("CMake");
    draft.push.push_back({"build", "cmake -S . -B build && cmake --build build -j2", "", "", ""});
    if (here.says("CMakeLists.txt", "enable_testing") || here.says("CMakeLists.txt", "CTest"))
        draft.push.push_back({"ctest", "ctest --test-dir build --output-on-failure", "", "build", ""});
}

void look_for_cargo(const Finder& here, Draft& draft) {
    if (!here.file("Cargo.toml")) return;
    draft.found.emplace_back("Cargo");
    draft.commit.push_back({"cargo-fmt", "cargo fmt --check", R"(["**/*.rs"])", "", "", "cargo fmt"});
    draft.push.push_back({"cargo-clippy", "cargo clippy --all-targets -- -D warnings", "", "", ""});
    draft.push.push_back({"cargo-test", "cargo test", "", "", ""});
}

void look_for_go(const Finder& here, Draft& draft) {
    if (!here.file("go.mod")) return;
    draft.found.emplace_back("Go");
    draft.commit.push_back({"gofmt", "out=$(gofmt -l {files}) && echo \"$out\" && test -z \"$out\"",
                            R"(["**/*.go"])", "", "", "gofmt -w {files}"});
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
    } else if (here.file("bun.lock") || here.file("bun.lockb")) {
        tool = "bun";
        draft.setup.push_back({"bun install --frozen-lockfile", "[package.json, bun.lock, bun.lockb]"});
    } else if (here.file("package-lock.json")) {
        draft.setup.push_back({"npm ci", "[package.json, package-lock.json]"});
    } else {
        draft.setup.push_back({"npm install --no-package-lock", "[package.json]"});
    }
    if (here.ending("eslint.config.js") || here.ending("eslint.config.mjs") ||
        here.ending(".eslintrc.json") || here.ending(".eslintrc.js") || here.ending(".eslintrc.cjs") ||
        here.ending(".eslintrc.yml"))
        draft.commit.push_back({"eslint", "npx --no-install eslint {files}",
                                R"(["**/*.{js,cjs,mjs,jsx,ts,tsx}"])", "", "",
                                "npx --no-install eslint --fix {files}"});
    if (here.file(".prettierrc") || here.file(".prettierrc.json") || here.file("prettier.config.js"))
        draft.commit.push_back({"prettier", "npx --no-install prettier --check --ignore-unknown {files}",
                                R"(["**/*.{js,cjs,mjs,jsx,ts,tsx,json,css,scss,md,yaml,yml}"])", "", "",
                                "npx --no-install prettier --write --ignore-unknown {files}"});
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
        draft.commit.push_back(
            {"ruff", "ruff check {files}", files, "", "ruff --version", "ruff check --fix {files}"});
    if (configured("black"))
        draft.commit.push_back(
            {"black", "black --check {files}", files, "", "black --version", "black {files}"});
    if (here.file(".flake8"))
        draft.commit.push_back({"flake8", "flake8 {files}", files, "", "flake8 --version"});
    // The project's own environment, where a tool keeps one.
    std::string in;
    if (here.file("uv.lock")) {
        in = "uv run ";
        draft.setup.push_back({"uv sync --frozen", "[pyproject.toml, uv.lock]"});
    } else if (here.file("poetry.lock")) {
        in = "poetry run ";
        draft.setup.push_back({"poetry install --no-interaction", "[pyproject.toml, poetry.lock]"});
    }
    if (configured("isort"))
        draft.commit.push_back(
            {"isort", "isort --check-only {files}", files, "", "isort --version", "isort {files}"});
    if (configured("mypy") || here.file("mypy.ini"))
        draft.push.push_back({"mypy", in + "mypy .", "", "", ""});
    if (configured("pytest") || here.file("pytest.ini") || here.file("conftest.py") ||
        here.file("tests/conftest.py"))
        draft.push.push_back({"pytest", in.empty() ? "python3 -m pytest -q" : in + "pytest -q", "", "", ""});
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

// Scripts of package.json, run by the manager whose lock file is there.
void look_for_deno(const Finder& here, Draft& draft) {
    if (!here.file("deno.json") && !here.file("deno.jsonc")) return;
    draft.found.emplace_back("Deno");
    draft.commit.push_back({"deno-fmt", "deno fmt --check {files}", R"(["**/*.{js,ts,jsx,tsx}"])", "",
                            "deno --version", "deno fmt {files}"});
    draft.push.push_back({"deno-lint", "deno lint", "", "", ""});
    draft.push.push_back({"deno-test", "deno test", "", "", ""});
}

void look_for_ruby(const Finder& here, Draft& draft) {
    if (!here.file("Gemfile")) return;
    draft.found.emplace_back("Ruby");
    draft.setup.push_back({"bundle install --quiet", "[Gemfile, Gemfile.lock, \"*.gemspec\"]"});
    if (here.file(".rubocop.yml"))
        draft.commit.push_back({"rubocop", "bundle exec rubocop --force-exclusion {files}", R"(["**/*.rb"])",
                                "", "", "bundle exec rubocop -a --force-exclusion {files}"});
    if (here.file(".rspec") || here.beneath("spec/"))
        draft.push.push_back({"rspec", "bundle exec rspec", "", "", ""});
    else if (here.file("Rakefile") && here.beneath("test/"))
        draft.push.push_back({"rake-test", "bundle exec rake test", "", "", ""});
}

void look_for_php(const Finder& here, Draft& draft) {
    if (!here.file("composer.json")) return;
    draft.found.emplace_back("PHP");
    draft.setup.push_back({"composer install --no-interaction --quiet", "[composer.json, composer.lock]"});
    draft.commit.push_back({"php-syntax", "for f in {files}; do php -l \"$f\" || exit 1; done",
                            R"(["**/*.php"])", "", "php --version"});
    if (here.ending("phpstan.neon") || here.ending("phpstan.neon.dist"))
        draft.push.push_back({"phpstan", "vendor/bin/phpstan analyse --no-progress", "", "", ""});
    if (here.file("phpunit.xml") || here.file("phpunit.xml.dist"))
        draft.push.push_back({"phpunit", "vendor/bin/phpunit", "", "", ""});
}

void look_for_java(const Finder& here, Draft& draft) {
    const bool gradle = here.file("build.gradle") || here.file("build.gradle.kts");
    if (gradle) {
        draft.found.emplace_back("Gradle");
        draft.push.push_back(
            {"gradle-check", here.file("gradlew") ? "./gradlew check" : "gradle check", "", "", ""});
    } else if (here.file("pom.xml")) {
        draft.found.emplace_back("Maven");
        draft.push.push_back(
            {"maven-verify", std::string(here.file("mvnw") ? "./mvnw" : "mvn") + " -q verify", "", "", ""});
    }
}

void look_for_terraform(const Finder& here, Draft& draft) {
    if (!here.ending(".tf")) return;
    draft.found.emplace_back("Terraform");
    draft.commit.push_back({"terraform-fmt", "terraform fmt -check -diff {files}", R"(["**/*.{tf,tfvars}"])",
                            "", "terraform version", "terraform fmt {files}"});
}

void look_for_docker(const Finder& here, Draft& draft) {
    const bool dockerfile = here.file("Dockerfile") || here.ending("/Dockerfile");
    if (!dockerfile || !(here.file(".hadolint.yaml") || here.program("hadolint"))) return;
    draft.found.emplace_back("Docker");
    draft.commit.push_back(
        {"hadolint", "hadolint {files}", R"(["Dockerfile", "Dockerfile.*"])", "", "hadolint --version"});
}

}  // namespace

Draft look_for_languages(const Surroundings& here) {
    const Finder finder(here);
    Draft draft;
    for (auto look : {look_for_cmake, look_for_cargo, look_for_go, look_for_node, look_for_deno,
                      look_for_python, look_for_ruby, look_for_php, look_for_java, look_for_terraform,
                      look_for_docker, look_for_shell, look_for_make, look_for_scripts})
        look(finder, draft);
    return draft;
}

}  // namespace tidegate::hooks::cli
