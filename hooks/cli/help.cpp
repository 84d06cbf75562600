#include "hooks/cli/help.hpp"

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

struct Line {
    std::string group;
    std::string left;
    std::string right;
};

std::string render(const std::vector<Line>& lines) {
    size_t width = 0;
    for (const auto& line : lines) width = std::max(width, line.left.size());
    std::string text;
    std::string group;
    for (const auto& line : lines) {
        if (line.group != group) text += "\n" + line.group + "\n";
        group = line.group;
        text += "  " + line.left + std::string(width - line.left.size() + 2, ' ') + line.right + "\n";
    }
    return text;
}

}  // namespace

std::string help_text(const std::string& full_name, const Command& command) {
    std::string text = "usage: " + full_name;
    for (const auto& option : command.options)
        if (positional(option)) text += " " + in_usage(option);
    for (const auto& option : command.options)
        if (!positional(option)) text += " " + in_usage(option);
    if (!command.commands.empty()) text += " COMMAND";
    text += "\n\n" + command.about + "\n";

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
