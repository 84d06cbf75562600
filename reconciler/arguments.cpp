#include "reconciler/arguments.hpp"

#include "shared/base/text.hpp"
#include "shared/face/face.hpp"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

namespace tidegate::reconciler {

using namespace shared;

namespace {

// The command that was being read when parsing ended, or the program itself.
const CLI::App& reached(const CLI::App& program) {
    const auto chosen = program.get_subcommands();
    return chosen.empty() ? program : reached(*chosen.back());
}

std::vector<std::string> known_words(const CLI::App& at, bool options) {
    std::vector<std::string> known;
    if (options) {
        for (const auto* option : at.get_options())
            for (const auto& name : option->get_lnames()) known.push_back("--" + name);
        return known;
    }
    for (const auto* command : at.get_subcommands([](const CLI::App*) { return true; }))
        known.push_back(command->get_name());
    return known;
}

Error usage_error(const CLI::App& program, const CLI::ParseError& error) {
    const auto& at = reached(program);
    const auto name = &at == &program ? program.get_name() : program.get_name() + " " + at.get_name();
    auto message = escape_foreign(error.what());
    const auto extra = program.remaining(true);
    const bool without_command =
        &at == &program && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
    if (!extra.empty() && (without_command || dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)) {
        // What could not be placed comes in the order of reading, and a value of an unknown option after it.
        const auto& word = extra.front();
        const bool option = word.size() > 1 && word.front() == '-';
        const auto known = known_words(at, option);
        message = std::string("unknown ") +
                  (option          ? "option"
                   : known.empty() ? "argument"
                                   : "command") +
                  " `" + escape_foreign(word) + "`";
        if (const auto near = nearest(word, {known.begin(), known.end()}); !near.empty())
            message += "; did you mean `" + std::string(near) + "`?";
    } else if (without_command) {
        message = "needs a command: " + join(known_words(at, false), " ");
    }
    return Error{ErrorKind::Usage, std::move(message), "see: " + name + " --help", std::nullopt, {}};
}

}  // namespace

std::optional<int> read_arguments(CLI::App& program, int argc, char** argv) {
    std::string directory;
    const auto takes_directory = [&](CLI::App& app) {
        app.add_option("-C", directory, "run as if started in DIR")
            ->type_name("DIR")
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    };
    takes_directory(program);
    for (auto* command : program.get_subcommands([](const CLI::App*) { return true; }))
        takes_directory(*command);
    try {
        program.parse(argc, argv);
    } catch (const CLI::Success& help_or_version) {
        return program.exit(help_or_version);
    } catch (const CLI::ParseError& error) {
        return report(usage_error(program, error), program.get_name());
    }
    if (!directory.empty() && chdir(directory.c_str()) != 0)
        return report(errno_error("cannot enter " + escape_foreign(directory), errno), program.get_name());
    return std::nullopt;
}

}  // namespace tidegate::reconciler
