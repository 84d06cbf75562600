#include "hooks/config/pre_commit_stage.hpp"

#include "hooks/config/git_hook.hpp"
#include "hooks/config/match.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

const Value* find(const Value::Map& map, std::string_view key) {
    const auto found =
        std::find_if(map.begin(), map.end(), [&](const auto& entry) { return entry.key == key; });
    return found == map.end() ? nullptr : &found->value;
}

std::vector<std::string> texts(const Value& map, std::string_view key) {
    std::vector<std::string> all;
    if (const Value* list = map.find(key))
        for (const auto& item : list->list()) all.push_back(item.text());
    return all;
}

bool takes_the_message(const Value& match) {
    constexpr std::string_view kFile = ".git/COMMIT_EDITMSG";
    const auto rules = FileMatch::make({texts(match, "files"), texts(match, "exclude"), texts(match, "types"),
                                        texts(match, "types_or"), texts(match, "exclude_types")});
    return !rules || ((*rules)->path(kFile) && (*rules)->types(kFile, false, "a message\n"));
}

}  // namespace

bool judges_message(std::string_view stage) {
    const auto* hook = find_git_hook(stage);
    return hook != nullptr && hook->arguments[0] == "message_file";
}

bool pre_commit_runs(std::string_view stage, const Value::Map& gate) {
    if (judges_message(stage)) {
        const Value* checks = find(gate, "builtin");
        if (checks != nullptr)
            return checks->list().size() == 1 && checks->list()[0].find("commit-message") != nullptr;
        const Value* match = find(gate, "match");
        return match == nullptr || find(gate, "always") != nullptr || takes_the_message(*match);
    }
    const bool no_files = stage.starts_with("post-") || stage == "pre-rebase";
    return !no_files || find(gate, "always") != nullptr;
}

Value::Entry with_message(const Value::Entry& run) {
    static constexpr std::string_view kFiles = "{files}";
    const auto file = [](const Value& like) {
        auto text = like.text();
        if (const auto at = text.find(kFiles); at != std::string::npos)
            text.replace(at, kFiles.size(), "{message_file}");
        Value value(text);
        value.quoted = true;
        value.line = like.line;
        value.column = like.column;
        return value;
    };
    if (!run.value.is(Value::Kind::List)) return {run.key, file(run.value), run.line, run.column};
    Value::List words = run.value.list();
    if (!words.empty() && words.back().text() == kFiles) words.back() = file(words.back());
    Value value(std::move(words));
    value.line = run.value.line;
    value.column = run.value.column;
    return {run.key, std::move(value), run.line, run.column};
}

}  // namespace tidegate::hooks
