#include "hooks/config/read.hpp"
#include "shared/base/text.hpp"

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr std::string_view kConditions =
    "conditions are: merge, rebase, {branch: PATTERN}, {ref: PATTERN}, {env: NAME} and {env: NAME=PATTERN}";

// The whole of a name, not only its last part.
Result<Glob> whole(std::string_view pattern) {
    return Glob::parse(pattern.starts_with('/') ? std::string(pattern) : "/" + std::string(pattern));
}

Result<Condition> condition(std::string_view key, const std::string& text) {
    Condition one;
    one.text = std::string(key) + " " + text;
    std::string pattern = text;
    if (key == "env") {
        one.kind = Condition::Kind::Env;
        const auto equal = text.find('=');
        one.name = text.substr(0, equal);
        if (one.name.empty()) return fail(ErrorKind::Invalid, "`env` names no variable");
        if (equal == std::string::npos) return one;
        pattern = text.substr(equal + 1);
    } else {
        one.kind = key == "ref" ? Condition::Kind::Ref : Condition::Kind::Branch;
    }
    one.value = TRY(whole(pattern));
    return one;
}

void read_one(MapReader& map, const Value& item, Conditions& conditions) {
    MapReader one(map.document(), item, "a condition");
    size_t keys = 0;
    for (const auto* key : {"branch", "ref", "env"}) {
        const Value* value = one.any(key);
        if (value == nullptr) continue;
        ++keys;
        const auto texts = one.texts(key);
        for (size_t i = 0; i < texts.size(); ++i) {
            auto parsed = condition(key, texts[i]);
            if (parsed)
                conditions.push_back(std::move(*parsed));
            else
                one.reject(value->is(Value::Kind::List) ? value->list()[i] : *value,
                           std::move(parsed.error()));
        }
    }
    if (auto done = one.finish(); !done)
        map.reject(std::move(done.error()));
    else if (keys != 1)
        map.reject(item, "a condition says one thing", std::string(kConditions));
}

}  // namespace

Conditions read_conditions(MapReader& map, std::string_view key) {
    Conditions conditions;
    const Value* value = map.list(key);
    if (value == nullptr) return conditions;
    for (const auto& item : value->list()) {
        if (item.is(Value::Kind::Map)) {
            read_one(map, item, conditions);
        } else if (item.text() == "merge") {
            conditions.push_back({Condition::Kind::Merge, {}, std::nullopt, "merge"});
        } else if (item.text() == "rebase") {
            conditions.push_back({Condition::Kind::Rebase, {}, std::nullopt, "rebase"});
        } else {
            map.reject(item, "not a condition: `" + escape_foreign(item.text()) + "`",
                       std::string(kConditions));
        }
    }
    return conditions;
}

}  // namespace tidegate::hooks
