#include "hooks/cli/completion.hpp"

#include "hooks/cli/install.hpp"
#include "hooks/config/config.hpp"
#include "hooks/repository.hpp"
#include "shared/base/fd.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/face/completion.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

namespace tidegate::hooks::cli {

using namespace shared;

namespace {

bool is_option(std::string_view word) {
    return word.size() > 1 && word.front() == '-';
}

std::string long_name(const Option& option) {
    return option.name.substr(option.name.rfind(',') + 1);
}

bool is_called(const Option& option, std::string_view word) {
    for (const auto name : split(option.name, ','))
        if (name == word) return true;
    return false;
}

// A command line, as far as it is written.
struct Line {
    const Command* command = nullptr;
    std::vector<std::string> positionals;
    const Option* pending = nullptr;  // whose value is being completed
    bool folder_pending = false;      // of -C
    std::string begun;
};

Line parse_line(const Command& top, const std::vector<std::string>& words) {
    Line line{&top, {}, nullptr, false, words.empty() ? std::string() : words.back()};
    for (size_t i = 0; i + 1 < words.size(); ++i) {
        const auto& word = words[i];
        if (word == "=") continue;  // bash parts --gate=unit into three
        if (line.folder_pending) {
            if (chdir(word.c_str()) != 0) line.begun.clear();
            line.folder_pending = false;
        } else if (word == "-C") {
            line.folder_pending = true;
        } else if (is_option(word)) {
            line.pending = nullptr;
            for (const auto& option : line.command->options)
                if (option.takes != Takes::Nothing && is_called(option, word)) line.pending = &option;
        } else if (line.pending != nullptr) {
            if (line.pending->takes != Takes::Many) line.pending = nullptr;
        } else {
            const auto& below = line.command->commands;
            const auto found = std::find_if(below.begin(), below.end(),
                                            [&](const Command& one) { return one.name == word; });
            if (found != below.end())
                line.command = &*found;
            else
                line.positionals.push_back(word);
        }
    }
    return line;
}

// What completes values; each asks only for what it needs.
class Values {
  public:
    explicit Values(const Line& line) : line_(line) {}

    Completions of(const Option& option) {
        const auto kind = option.value.empty() ? option.name : option.value;
        if (kind == "STAGE" && line_.command->name == "install")
            for (const auto& stage : installable_stages()) add(stage, "");
        else if (kind == "STAGE" || kind == "S" || kind == "STAGE@WHEN")
            stages(kind == "STAGE@WHEN" ? "@02:00" : "");
        else if (kind == "NAME")
            gates();
        else if (kind == "A" || kind == "B" || kind == "T" || kind == "COMMIT" || kind == "REVISION" ||
                 kind == "RANGE" || kind == "TAG")
            git({"for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes"});
        else if (kind == "REMOTE")
            git({"remote"});
        else if (kind == "ENVIRONMENT" || kind == "FROM" || kind == "TO")
            manifests(true);
        else if (kind == "APP")
            manifests(false);
        else if (kind == "DIR")
            found_.folders = true;
        else if (kind == "FILE" || kind == "F")
            found_.files = true;
        else if (kind == "SHELL")
            for (const auto* shell : {"bash", "zsh", "fish"}) add(shell, "");
        return std::move(found_);
    }

  private:
    void add(std::string text, std::string about) {
        found_.words.push_back({std::move(text), std::move(about)});
    }

    [[nodiscard]] std::optional<Config> config() const {
        const auto repo = Repository::open();
        if (!repo || repo->work_tree.empty()) return std::nullopt;
        const auto text = read_file(repo->work_tree + "/" + std::string(kConfigFile), 1 << 20);
        if (!text) return std::nullopt;
        auto parsed = parse_config(std::string(kConfigFile), *text);
        return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
    }

    void stages(const std::string& ending) {
        if (const auto known = config())
            for (const auto& [name, stage] : known->stages)
                add(name + ending, count_of(stage.gates.size(), "gate"));
    }

    void gates() {
        const auto known = config();
        if (!known) return;
        for (const auto& [name, stage] : known->stages) {
            if (!line_.positionals.empty() && line_.positionals.front() != name) continue;
            for (const auto& gate : stage.gates)
                add(gate.name, gate.run.empty() ? join(gate.builtins, " ") : gate.run.shown());
        }
    }

    void git(std::vector<std::string> args) {
        const auto repo = Repository::open();
        if (!repo) return;
        const auto exit = repo->git.run(repo->call(std::move(args)));
        if (exit && exit->ok())
            for (const auto name : lines_of(exit->out)) add(std::string(name), "");
    }

    // A checkout of a manifests branch: ENVIRONMENT/APP.yaml.
    void manifests(bool environments) {
        const auto names_in = [](const std::string& folder) {
            const auto dir = open_dir(folder);
            auto names = dir ? list_dir(dir->get()) : Result<std::vector<std::string>>();
            return names ? std::move(*names) : std::vector<std::string>();
        };
        std::set<std::string> apps;
        for (const auto& folder : names_in(".")) {
            if (folder.starts_with('.') || folder == "approvals") continue;
            bool any = false;
            for (const auto& file : names_in("./" + folder)) {
                if (!file.ends_with(".yaml")) continue;
                any = true;
                apps.insert(file.substr(0, file.size() - 5));
            }
            if (any && environments) add(folder, "");
        }
        if (!environments)
            for (const auto& app : apps) add(app, "");
    }

    const Line& line_;
    Completions found_;
};

Completions options_of(const Command& command, bool top) {
    Completions found;
    for (const auto& option : command.options)
        if (option.name.front() == '-') found.words.push_back({long_name(option), option.help});
    found.words.push_back({"-C", "run as if started in DIR"});
    found.words.push_back({"--help", "this text"});
    if (top) found.words.push_back({"--version", "the version"});
    return found;
}

Result<int> print_script(const Arguments& arguments) {
    const auto shell = arguments.text("SHELL", "");
    const auto script = completion_script(shell, "tidegate");
    if (!script)
        return fail(ErrorKind::Usage, "no completion for the shell `" + escape_foreign(shell) + "`",
                    "there is: bash, zsh, fish");
    std::fputs(script->c_str(), stdout);
    return 0;
}

}  // namespace

std::string complete(const Command& top, const std::vector<std::string>& words) {
    auto line = parse_line(top, words);
    Completions found;
    const auto equals = line.begun.find('=');
    if (line.folder_pending) {
        found.folders = true;
    } else if (line.pending != nullptr) {
        found = Values(line).of(*line.pending);
    } else if (line.begun.starts_with("--") && equals != std::string::npos) {
        for (const auto& option : line.command->options)
            if (option.takes != Takes::Nothing && is_called(option, line.begun.substr(0, equals)))
                found = Values(line).of(option);
        for (auto& word : found.words) word.text.insert(0, line.begun.substr(0, equals + 1));
    } else if (line.begun.starts_with('-')) {
        found = options_of(*line.command, line.command == &top);
    } else if (!line.command->commands.empty()) {
        for (const auto& below : line.command->commands) found.words.push_back({below.name, below.about});
    } else {
        size_t index = 0;
        for (const auto& option : line.command->options) {
            if (option.name.front() == '-') continue;
            if (index++ != line.positionals.size() && option.takes != Takes::Many) continue;
            found = Values(line).of(option);
            break;
        }
    }
    return completion_lines(found, line.begun);
}

Command completion_command() {
    return {"completion",
            "Gates",
            "print the completion script of a shell",
            "For this shell only: source <(tidegate completion bash); for all: what is installed with\n"
            "Tidegate, or tidegate completion fish >~/.config/fish/completions/tidegate.fish",
            {{"SHELL", "", "bash, zsh or fish", Takes::Required}},
            {},
            print_script};
}

}  // namespace tidegate::hooks::cli
