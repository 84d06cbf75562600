// The commands of `tidegate`, as data: a file for each group of commands describes them with these types, and
// main_tidegate.cpp alone turns them into an argument parser.
#pragma once

#include "shared/base/error.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::hooks::cli {

enum class Takes {
    Nothing,   // a flag
    One,       // a value; the last one counts
    Required,  // a value that must be there
    Many,      // any number of values, also by repeating the option
};

struct Option {
    std::string name;   // "--gate" or "-n,--dry-run"; without dashes a positional: "STAGE"
    std::string value;  // what the help calls its value: "NAME"; empty for a flag and a positional
    std::string help;
    Takes takes = Takes::Nothing;
};

// What was given on the command line. Options are asked for by their long name without dashes, positionals by
// name.
class Arguments {
  public:
    [[nodiscard]] bool has(const std::string& name) const { return values_.count(name) != 0; }
    [[nodiscard]] std::optional<std::string> text(const std::string& name) const;
    [[nodiscard]] std::string text(const std::string& name, std::string fallback) const;
    [[nodiscard]] std::vector<std::string> texts(const std::string& name) const;
    void add(const std::string& name, std::vector<std::string> values);

  private:
    std::map<std::string, std::vector<std::string>> values_;
};

// One command, or a group of them (`attest show`). Runs in the folder that -C named.
struct Command {
    std::string name;
    std::string group;  // the heading it is listed under in the help
    std::string about;  // one line
    std::string more;   // what --help says after the options; may be empty
    std::vector<Option> options;
    std::vector<Command> commands;
    std::function<Result<int>(const Arguments&)> run;  // gives the exit code
};

inline const Option kJson{"--json", "", "print the facts as one JSON document", Takes::Nothing};

}  // namespace tidegate::hooks::cli
