// Completion in shells: a short script for each that asks the program itself, so that what is completed is what the
// program knows now. It calls `PROGRAM completion words -- WORD…` with the words after the program's name, the last
// one being completed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::shared {

// The script for "bash", "zsh" or "fish"; nullopt for another shell. `program` is a plain word.
[[nodiscard]] std::optional<std::string> completion_script(std::string_view shell, std::string_view program);

struct Completions {
    struct Word {
        std::string text;
        std::string about;  // one line; may be empty
    };
    std::vector<Word> words;
    bool files = false;    // the shell's own completion of files, too
    bool folders = false;  // of folders
};

// The answer to the scripts: lines "WORD\tABOUT" for what begins with `begun`, and ":files" or ":folders". Words that a
// shell would take apart or run (a branch may be called $(id)) are left out.
[[nodiscard]] std::string completion_lines(const Completions& completions, std::string_view begun);

}  // namespace tidegate::shared
