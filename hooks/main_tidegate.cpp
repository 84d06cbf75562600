// `tidegate`: the command line of developers and release managers. The only file that knows CLI11; what the
// commands are is in hooks/cli/.
#include "hooks/cli/commands.hpp"
#include "hooks/cli/completion.hpp"
#include "hooks/cli/help.hpp"
#include "shared/base/process.hpp"
#include "shared/base/text.hpp"
#include "shared/face/face.hpp"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <cstdio>
#include <deque>
#include <iostream>
#include <iterator>

namespace tidegate::hooks::cli {
namespace {

using shared::count_of;
using shared::escape_foreign;
using shared::nearest;

// A command with the parser made from it and the values the parser fills in. Kept in deques: CLI11 holds
// references.
struct Bound {
    const Command* command = nullptr;
    CLI::App* app = nullptr;
    struct Slot {
        const Option* option = nullptr;
        CLI::Option* parsed = nullptr;
        std::vector<std::string> values;
    };
    std::deque<Slot> slots;
    std::deque<Bound> below;
};

std::string key_of(const std::string& name) {
    const auto last = name.rfind(',');
    auto key = last == std::string::npos ? name : name.substr(last + 1);
    key.erase(0, key.find_first_not_of('-'));
    return key;
}

void bind_option(Bound& bound, const Option& option) {
    auto& slot = bound.slots.emplace_back();
    slot.option = &option;
    if (option.takes == Takes::Nothing) {
        slot.parsed = bound.app->add_flag(option.name, option.help);
        return;
    }
    slot.parsed = bound.app->add_option(option.name, slot.values, option.help);
    slot.parsed->type_name(option.name.front() == '-' ? option.value : "");
    if (option.takes == Takes::Required) slot.parsed->required();
    if (option.takes == Takes::Many)
        slot.parsed->expected(1, 1 << 16);
    else if (option.name.front() != '-')
        slot.parsed->expected(1)->allow_extra_args(false);  // the next word is the next positional
    else
        slot.parsed->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void bind(Bound& bound, const Command& command, CLI::App& app) {
    bound.command = &command;
    bound.app = &app;
    app.fallthrough();
    for (const auto& option : command.options) bind_option(bound, option);
    for (const auto& below : command.commands) {
        auto* sub = app.add_subcommand(below.name, below.about);
        bind(bound.below.emplace_back(), below, *sub);
    }
}

Bound& chosen(Bound& bound) {
    for (auto& below : bound.below)
        if (below.app->parsed()) return chosen(below);
    return bound;
}

Arguments arguments_of(const Bound& bound) {
    Arguments arguments;
    for (const auto& slot : bound.slots)
        if (slot.parsed->count() > 0) arguments.add(key_of(slot.option->name), slot.values);
    return arguments;
}

// "run --gate" → the words that led to `command`, for messages.
std::string full_name(const Bound& bound) {
    std::string name;
    for (const CLI::App* app = bound.app; app != nullptr; app = app->get_parent())
        name = app->get_name() + (name.empty() ? "" : " ") + name;
    return name;
}

std::string usage_hint(const Bound& at) {
    return "see: " + full_name(at) + " --help";
}

// What an unknown word was probably meant to be: one of the commands or options that are known where it
// stood.
Error unknown_word(const Bound& at, const std::string& word) {
    std::vector<std::string> known;
    const bool option = word.size() > 1 && word.front() == '-';
    if (option) {
        for (const Bound* level = &at; level != nullptr; level = nullptr)
            for (const auto& slot : level->slots)
                if (slot.option->name.front() == '-') known.push_back("--" + key_of(slot.option->name));
        known.insert(known.end(), {"--help", "--version"});
    } else {
        for (const auto& below : at.below) known.push_back(below.command->name);
    }
    const auto near = nearest(word, {known.begin(), known.end()});
    const auto kind = option ? "option" : at.below.empty() ? "argument" : "command";
    auto message = std::string("unknown ") + kind + " `" + escape_foreign(word) + "`";
    if (!near.empty()) message += "; did you mean `" + std::string(near) + "`?";
    return Error{ErrorKind::Usage, std::move(message), usage_hint(at), std::nullopt, {}};
}

Error usage_error(const Bound& at, const CLI::ParseError& error) {
    if (const auto* extras = dynamic_cast<const CLI::ExtrasError*>(&error); extras != nullptr) {
        auto words = at.app->remaining(true);
        for (const CLI::App* app = at.app->get_parent(); words.empty() && app != nullptr;
             app = app->get_parent())
            words = app->remaining(true);
        if (!words.empty()) return unknown_word(at, words.front());
    }
    if (!at.below.empty() && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
        std::vector<std::string> names;
        for (const auto& below : at.below) names.push_back(below.command->name);
        return Error{ErrorKind::Usage,
                     full_name(at) + " needs a command: " + shared::join(names, " "),
                     usage_hint(at),
                     std::nullopt,
                     {}};
    }
    return Error{ErrorKind::Usage,
                 full_name(at) + ": " + escape_foreign(error.what()),
                 usage_hint(at),
                 std::nullopt,
                 {}};
}

std::vector<Command> all_commands() {
    std::vector<Command> all;
    const auto add = [&](std::vector<Command> commands) {
        std::move(commands.begin(), commands.end(), std::back_inserter(all));
    };
    for (auto group :
         {init_commands, install_commands, run_commands, check_commands, attest_commands, doctor_commands})
        add(group());
    all.push_back(completion_command());
    add(release_commands());
    return all;
}

int run_program(int argc, char** argv) {
    shared::open_standard_streams();
    shared::ignore_sigpipe();
    Command top{
        "tidegate",
        "",
        "Gates on exactly the tree that is committed or pushed, and releases by merging a manifest.",
        "More of a command: tidegate help COMMAND, and man tidegate.\n"
        "Exit codes: 0 good, 1 a gate failed, 2 wrong usage or configuration, 3 the environment failed,\n"
        "4 refused by policy, 130 interrupted.",
        {},
        all_commands(),
        {}};
    // Half a command line is none for the parser: it is answered before it.
    if (argc > 3 && std::string_view(argv[1]) == "completion" && std::string_view(argv[2]) == "words") {
        std::cout << complete(top, std::vector<std::string>(argv + 4, argv + argc));
        return 0;
    }
    CLI::App app(top.about, top.name);
    app.set_version_flag("--version", std::string("tidegate ") + TIDEGATE_VERSION);
    Bound bound;
    std::string directory;
    app.add_option("-C", directory)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    bind(bound, top, app);
    // `tidegate help run` as git has it.
    std::vector<char*> words(argv, argv + argc);
    std::string help = "--help";
    const bool asked = argc > 1 && std::string_view(argv[1]) == "help";
    if (asked) {
        words.erase(words.begin() + 1);
        words.push_back(help.data());
    }
    try {
        app.parse(static_cast<int>(words.size()), words.data());
    } catch (const CLI::CallForHelp&) {
        const auto known = static_cast<int>(shared::split(full_name(chosen(bound)), ' ').size());
        if (asked && argc - 1 > known && !chosen(bound).command->run)
            return shared::report(unknown_word(chosen(bound), argv[known + 1]), "tidegate");
        std::cout << help_text(full_name(chosen(bound)), *chosen(bound).command);
        return 0;
    } catch (const CLI::CallForVersion&) {
        std::cout << "tidegate " TIDEGATE_VERSION "\n";
        return 0;
    } catch (const CLI::ParseError& error) {
        return shared::report(usage_error(chosen(bound), error), "tidegate");
    }
    auto& at = chosen(bound);
    if (!at.command->run) {
        if (at.command != &top) {
            std::vector<std::string> names;
            for (const auto& below : at.below) names.push_back(below.command->name);
            return shared::report({ErrorKind::Usage,
                                   full_name(at) + " needs one of: " + shared::join(names, " "),
                                   usage_hint(at),
                                   std::nullopt,
                                   {}},
                                  "tidegate");
        }
        std::cerr << help_text("tidegate", top);
        return 2;
    }
    if (!directory.empty() && chdir(directory.c_str()) != 0)
        return shared::report(shared::errno_error("cannot enter " + escape_foreign(directory), errno),
                              "tidegate");
    const auto code = at.command->run(arguments_of(at));
    if (!code) return shared::report(code.error(), "tidegate");
    if (std::fflush(stdout) != 0)
        return shared::report(shared::errno_error("cannot write to standard output", errno), "tidegate");
    return *code;
}

}  // namespace
}  // namespace tidegate::hooks::cli

int main(int argc, char** argv) {
    return tidegate::hooks::cli::run_program(argc, argv);
}
