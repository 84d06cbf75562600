#include "hooks/cli/help.hpp"

#include "shared/face/face.hpp"

#include <algorithm>

namespace tidegate::hooks::cli {

namespace {

bool positional(const Option& option) {
    return option.name.front() != '-';
}

// "STAGE", "[STAGE…]", "[--to REVISION]"
std::string in_usage(const Option& option) {
    auto text = option.name.substr(option.name.rfind(',') + 1);
    if (!option.value.empty()) text += " " + option.value;
    if (option.takes == Takes::Many) text += "…";
    return option.takes == Takes::Required ? text : "[" + text + "]";
}

std::string in_list(const Option& option) {
    auto text = option.name;
    if (const auto comma = text.find(','); comma != std::string::npos) text.insert(comma + 1, " ");
    if (!option.value.empty()) text += " " + option.value;
    if (option.takes == Takes::Many && !positional(option)) text += "…";
    return text;
}

// What follows the name goes on in lines of its own below it, as git's usage does.
std::string usage_line(const std::string& name, const std::vector<std::string>& words) {
    std::string text;
    std::string line = name;
    for (const auto& word : words) {
        if (shared::columns_of(line) + 1 + shared::columns_of(word) > 79) {
            text += line + "\n";
            line = std::string(name.size(), ' ');
        }
        line += " " + word;
    }
    return text + line + "\n";
}

struct Line {
    std::string group;
    std::string left;
    std::string right;
};

std::string render(const std::vector<Line>& lines) {
    size_t width = 0;
    for (const auto& line : lines) width = std::max(width, shared::columns_of(line.left));
    std::string text;
    std::string group;
    for (const auto& line : lines) {
        if (line.group != group) text += "\n" + line.group + "\n";
        group = line.group;
        text += "  " + line.left + std::string(width - shared::columns_of(line.left) + 2, ' ') + line.right +
                "\n";
    }
    return text;
}

}  // namespace

std::string help_text(const std::string& full_name, const Command& command) {
    std::vector<std::string> words;
    for (const auto& option : command.options)
        if (positional(option)) words.push_back(in_usage(option));
    for (const auto& option : command.options)
        if (!positional(option)) words.push_back(in_usage(option));
    if (!command.commands.empty()) words.emplace_back("COMMAND");
    std::string text = usage_line("usage: " + full_name, words) + "\n" + command.about + "\n";

    std::vector<Line> lines;
    for (const auto& below : command.commands)
        lines.push_back({below.group.empty() ? "Commands" : below.group, below.name, below.about});
    for (const auto& option : command.options) lines.push_back({"Options", in_list(option), option.help});
    lines.push_back({"Options", "-C DIR", "run as if started in DIR"});
    lines.push_back({"Options", "-h, --help", "this text"});
    if (full_name == "tidegate") lines.push_back({"Options", "--version", "the version"});
    text += render(lines);
    if (!command.more.empty()) text += "\n" + command.more + "\n";
    return text;
}

}  // namespace tidegate::hooks::cli
