// Configuration of other hook managers as gates. Pure: from the texts of files to what a .tidegate.yaml says, and to
// what it cannot say.
#pragma once

#include "shared/doc/value.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks::migrate {

struct Files {
    std::vector<std::string> paths;                       // of the repository
    std::function<std::string(const std::string&)> read;  // empty where there is none

    [[nodiscard]] bool has(std::string_view path) const;
};

// Stages in the order they were met. A gate is a map as it stands in the file.
class Gates {
  public:
    struct StageGates {
        std::string name;
        std::vector<std::string> link;
        bool fail_fast = false;
        std::vector<shared::Value> gates;
        int parallel = 0;  // 0: as many as there are
    };

    StageGates& stage(const std::string& name);
    // Under a name that no gate of the stage has: "lint", "lint-2". Gives the name.
    std::string add(const std::string& stage, std::string name, shared::Value gate);
    void note(const std::string& what) { notes.push_back(what); }

    std::vector<StageGates> stages;
    std::vector<std::string> found;  // files that were read
    std::vector<std::string> notes;  // what could not be carried over, and why: one line each
};

// Everything that is there: pre-commit, lefthook, husky, lint-staged.
[[nodiscard]] Gates from_others(const Files& files);

void from_pre_commit(const Files& files, Gates& into);
void from_lefthook(const Files& files, Gates& into);
void from_husky(const Files& files, Gates& into);
void from_lint_staged(const Files& files, Gates& into, const std::string& stage);
[[nodiscard]] bool has_lint_staged(const Files& files);

// A word of letters that a gate can be called, out of a command or a title.
[[nodiscard]] std::string gate_name(std::string_view text);
// A tool that writes what it finds wrong, asked to tell it instead: "prettier --write" → "prettier --check"; nullopt
// where no such form is known. A gate must not change files, its `fix` may.
[[nodiscard]] std::optional<std::string> checking_form(const std::string& command);

// By npx from node_modules, unless it is no package's program.
[[nodiscard]] std::string with_runner(const std::string& command);

// The value as YAML, block style, lists of plain words in one line. `indent` blanks before each line.
[[nodiscard]] std::string to_yaml(const shared::Value& map, size_t indent);
[[nodiscard]] std::string yaml_scalar(const std::string& text);

}  // namespace tidegate::hooks::migrate
