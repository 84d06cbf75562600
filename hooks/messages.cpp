#include "hooks/messages.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <cstdlib>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLongestMessage = 4 << 20;
constexpr int kMostCommits = 1000;

struct Settings {
    std::string comment = "#";
    std::string cleanup = "default";
};

Result<Settings> settings_of(const Repository& repo) {
    const auto exit = TRY(repo.git.run(
        repo.call({"config", "-z", "--get-regexp", "^(core\\.comment(char|string)|commit\\.cleanup)$"})));
    Settings settings;
    for (const auto entry : split(exit.out, '\0')) {
        const auto newline = entry.find('\n');
        if (newline == std::string_view::npos) continue;
        auto& setting = entry.starts_with("core.") ? settings.comment : settings.cleanup;
        setting = entry.substr(newline + 1);
    }
    return settings;
}

// core.commentChar=auto: git has taken one that begins no line of the message. It then stands before the scissors,
// else before the last line, which is git's own.
std::string guessed_comment(std::string_view text) {
    constexpr std::string_view kChosenFrom = "#;@!$%^&|:";
    std::string_view last;
    for (const auto line : lines_of(text)) {
        if (line.find(" ------------------------ >8 ----") == 1) return std::string(line.substr(0, 1));
        if (!trim(line).empty()) last = line;
    }
    const bool known = !last.empty() && kChosenFrom.find(last.front()) != std::string_view::npos;
    return std::string(known ? last.substr(0, 1) : "#");
}

// git tells its hooks by GIT_EDITOR=: that the message is not edited (-m, -F, --no-edit); comments then stay, unless
// somebody asks otherwise.
bool is_edited() {
    const char* editor = std::getenv("GIT_EDITOR");
    return editor == nullptr || std::string_view(editor) != ":";
}

Result<builtin::Message> message_in(const Repository& repo, const std::string& file) {
    builtin::Message message;
    message.name = "message";
    message.text = TRY(read_file(file, kLongestMessage));
    const auto settings = TRY(settings_of(repo));
    const bool edited = is_edited();
    const auto& cleanup = settings.cleanup;
    message.cut_only = cleanup == "scissors";
    const bool strips = cleanup == "strip" || (edited && (cleanup == "default" || cleanup == "scissors"));
    if (!strips)
        message.comment.clear();
    else
        message.comment = settings.comment == "auto" ? guessed_comment(message.text) : settings.comment;
    return message;
}

}  // namespace

Result<std::vector<builtin::Message>> messages_of(const Repository& repo, const Target& target) {
    std::vector<builtin::Message> messages;
    const auto* file = find_argument(target.arguments, "message_file");
    if (file != nullptr && !file->empty()) {
        messages.push_back(TRY(message_in(repo, *file)));
        return messages;
    }
    if (!target.commit) return messages;
    auto call = repo.call({"log", "-z", "--format=%h%n%B", "--no-show-signature", "--no-color",
                           "--max-count=" + std::to_string(kMostCommits)});
    if (!target.new_commits.empty()) {
        call.args.insert(call.args.end(), {"--no-walk=unsorted", "--stdin"});
        for (const auto& commit : target.new_commits) call.input += commit.str() + "\n";
    } else if (target.from && *target.from != *target.commit) {
        call.args.insert(call.args.end(), {target.commit->str(), "^" + target.from->str()});
    } else {
        call.args.insert(call.args.end(), {"--no-walk", target.commit->str()});
    }
    const auto text = TRY(repo.git.output(call));
    for (const auto part : split(text, '\0')) {
        const auto newline = part.find('\n');
        if (newline == std::string_view::npos) continue;
        builtin::Message message;
        message.name = "commit " + std::string(part.substr(0, newline));
        message.text = part.substr(newline + 1);
        message.comment.clear();
        messages.push_back(std::move(message));
    }
    return messages;
}

}  // namespace tidegate::hooks
