#include "hooks/config/read.hpp"
#include "shared/base/text.hpp"

namespace tidegate::hooks {

using namespace shared;

bool is_gate_name(std::string_view name) {
    constexpr std::string_view kAllowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+";
    return !name.empty() && name.size() <= 64 && name.find_first_not_of(kAllowed) == std::string_view::npos &&
           name.front() != '.' && name.front() != '-';
}

// A text, or a list of texts, at `key`.
Script read_script(MapReader& map, std::string_view key) {
    Script script;
    const Value* value = map.any(key);
    if (value == nullptr) return script;
    if (value->is(Value::Kind::List)) {
        for (const auto& word : value->list()) {
            if (word.is(Value::Kind::List) || word.is(Value::Kind::Map) || word.is(Value::Kind::Null)) {
                map.reject(word, "each word of `" + std::string(key) + "` must be a text");
                return script;
            }
            script.argv.push_back(word.text());
        }
        if (script.argv.empty() || script.argv.front().empty())
            map.reject(*value, "`" + std::string(key) + "` names no program");
    } else if (value->is(Value::Kind::Map)) {
        map.reject(*value, "`" + std::string(key) + "` must be a text for sh, or a list of words");
    } else {
        script.shell = value->text();
        if (trim(script.shell).empty()) map.reject(*value, "`" + std::string(key) + "` is empty");
    }
    return script;
}

std::vector<Glob> read_globs(MapReader& map, std::string_view key) {
    std::vector<Glob> globs;
    const Value* value = map.any(key);
    const auto texts = map.texts(key);
    for (size_t i = 0; i < texts.size(); ++i) {
        auto glob = Glob::parse(texts[i]);
        if (!glob) {
            map.reject(value->is(Value::Kind::List) ? value->list()[i] : *value, std::move(glob.error()));
            return globs;
        }
        globs.push_back(std::move(*glob));
    }
    return globs;
}

void check_env(MapReader& map, const std::map<std::string, std::string>& env) {
    const Value* value = map.any("env");
    if (value == nullptr || map.failed()) return;
    for (const auto& [name, text] : env)
        if (name.empty() || name.starts_with("GIT_") || name.find_first_of("= ") != std::string::npos)
            map.reject(*value, "`env` cannot set `" + escape_foreign(name) + "`");
}

void check_pass_env(MapReader& map, const std::vector<std::string>& names) {
    for (const auto& name : names) {
        const bool git =
            name.starts_with("GIT_") || name == "*" || name == "G*" || name == "GI*" || name == "GIT*";
        const Value* value = map.any("pass_env");
        if (git && value != nullptr)
            map.reject(*value, "`pass_env` cannot name git's own variables: " + escape_foreign(name),
                       "they would point a gate at the repository it must not touch");
    }
}

}  // namespace tidegate::hooks
