#include "hooks/config/pre_commit.hpp"

#include "hooks/config/pre_commit_stage.hpp"
#include "hooks/config/read.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/reader.hpp"

#include <algorithm>
#include <array>

namespace tidegate::hooks {

using namespace shared;

namespace {

struct StageName {
    std::string_view theirs;
    std::string_view ours;
};
constexpr std::array kStages{
    StageName{"commit", "pre-commit"},
    StageName{"push", "pre-push"},
    StageName{"merge-commit", "pre-merge-commit"},
};

std::string our_stage(const std::string& name) {
    for (const auto& stage : kStages)
        if (stage.theirs == name) return std::string(stage.ours);
    return name;
}

std::string our_name(const std::string& id) {
    std::string name;
    for (const char c : id.substr(0, 56)) name += is_gate_name("a" + std::string(1, c)) ? c : '-';
    return is_gate_name(name) ? name : "hook-" + name;
}

// The file as a whole: what all hooks have in common.
struct Common {
    std::vector<std::string> files;
    std::vector<std::string> exclude;
    std::vector<std::string> default_stages;
    std::vector<std::string> installed;
    bool fail_fast = false;
};

Value texts_at(const std::vector<std::string>& texts, const Value& place) {
    Value::List list;
    for (const auto& text : texts) {
        Value item(text);
        item.quoted = true;
        item.line = place.line;
        item.column = place.column;
        list.push_back(std::move(item));
    }
    Value value(std::move(list));
    value.line = place.line;
    value.column = place.column;
    return value;
}

void put(Value::Map& map, std::string key, Value value, const Value& place) {
    value.line = place.line;
    value.column = place.column;
    value.quoted = true;
    map.push_back({std::move(key), std::move(value), place.line, place.column});
}

class Hook {
  public:
    Hook(const Document& document, const Value& value, const Common& common)
        : map_(document, value, "hooks"), at_(value), common_(common) {
        id_ = map_.text("id", Required::Yes);
        args_ = map_.texts("args");
    }

    // What a gate that stands in for it has to know.
    PreCommitHook described(const std::string& repository) {
        PreCommitHook hook{repository, id_, args_};
        hook.has_args = map_.has("args");
        hook.entry = map_.optional_text("entry").value_or("");
        hook.language = map_.optional_text("language").value_or("");
        hook.dependencies = map_.texts("additional_dependencies");
        hook.passes_files = map_.boolean("pass_filenames", true);
        hook.chooses_files = map_.has("files") || map_.has("types") || map_.has("types_or");
        return hook;
    }
    [[nodiscard]] bool ends_the_run() { return map_.boolean("fail_fast", false); }
    void add_always(Value::Map& gate) {
        if (!map_.boolean("always_run", false)) return;
        put(gate, "always", Value(true), at_);
        gate.back().value.quoted = false;
    }

    [[nodiscard]] const std::string& id() const { return id_; }
    [[nodiscard]] const std::vector<std::string>& args() const { return args_; }
    [[nodiscard]] const Value& at() const { return at_; }

    // `stages`, of those that pre-commit would be installed for. `usual`: what the hook's own repository says.
    std::vector<std::string> stages(const std::vector<std::string>& usual) {
        auto names = map_.texts("stages");
        if (names.empty()) names = usual;
        if (names.empty()) names = common_.default_stages;
        if (names.empty()) names = common_.installed;
        for (auto& name : names) name = our_stage(name);
        return names;
    }

    // The command of a local hook, without files; Unsupported where its language would have to be installed.
    Result<std::vector<std::string>> command() {
        const auto language = map_.text("language", Required::Yes);
        const auto entry = map_.text("entry", Required::Yes);
        if (language == "fail")
            return std::vector<std::string>{"/bin/sh", "-c", "printf '%s\\n' \"$@\"; exit 1", "sh", entry};
        if (language == "pygrep") return pygrep_command(entry, args_);
        auto words = TRY(shell_split(entry));
        const bool script = language == "script" || language == "unsupported_script";
        if (!script && language != "system" && language != "unsupported")
            return fail(ErrorKind::Unsupported,
                        "`language: " + escape_foreign(language) + "` is installed by pre-commit, not here");
        if (words.empty()) return fail(ErrorKind::Invalid, "`entry` is empty");
        if (script) words.front() = "./" + words.front();
        words.insert(words.end(), args_.begin(), args_.end());
        return words;
    }

    // How it is run and on which files, into the gate.
    void add_choice(Value::Map& gate, std::vector<std::string> command) {
        const bool pass = map_.boolean("pass_filenames", true);
        if (pass) command.emplace_back("{files}");
        put(gate, "run", texts_at(command, at_), at_);
        add_match(gate);
        add_always(gate);
    }

    void add_match(Value::Map& gate) {
        Value::Map match;
        // What the hook's own repository says about files, where the gate knows it.
        const auto begun = std::find_if(gate.begin(), gate.end(),
                                        [](const Value::Entry& entry) { return entry.key == "match"; });
        if (begun != gate.end()) {
            match = begun->value.map();
            gate.erase(begun);
        }
        const auto with = [&](const char* key, std::vector<std::string> texts) {
            if (const auto own = map_.optional_text(key); own && !own->empty() && *own != "^$")
                texts.push_back(*own);
            if (!texts.empty()) put(match, key, texts_at(texts, at_), at_);
        };
        with("files", common_.files);
        with("exclude", common_.exclude);
        for (const char* key : {"types", "types_or", "exclude_types"})
            if (const auto texts = map_.texts(key); !texts.empty()) {
                std::erase_if(match, [&](const Value::Entry& entry) { return entry.key == key; });
                put(match, key, texts_at(texts, at_), at_);
            }
        // Without all of these a hook is still asked about files only where there are any.
        if (match.empty()) put(match, "types", texts_at({"file"}, at_), at_);
        put(gate, "match", Value(std::move(match)), at_);
        gate.back().value.quoted = false;
    }

    [[nodiscard]] std::optional<Error> problem() {
        if (!map_.failed()) return std::nullopt;
        auto done = map_.finish();
        return std::move(done.error());
    }

  private:
    MapReader map_;
    const Value& at_;
    const Common& common_;
    std::string id_;
    std::vector<std::string> args_;
};

// Collects gates by stage.
class Converter {
  public:
    Converter(const Document& document, const PreCommitChoices& choices)
        : document_(document), choices_(choices) {}

    Result<Value> convert() {
        MapReader top(document_, document_.root(), "the file");
        for (const auto& [key, texts] :
             {std::pair{"files", &common_.files}, std::pair{"exclude", &common_.exclude}})
            if (const auto text = top.optional_text(key); text && !text->empty() && *text != "^$")
                texts->push_back(*text);
        common_.fail_fast = top.boolean("fail_fast", false);
        common_.default_stages = top.texts("default_stages");
        common_.installed = top.texts("default_install_hook_types");
        if (common_.installed.empty()) common_.installed = {"pre-commit"};
        const Value* repos = top.list("repos", Required::Yes);
        if (top.failed()) TRY(top.finish());
        for (const auto& repo : repos->list()) TRY(add_repository(repo));
        if (!refused_.empty()) return fail(refusal());
        return whole();
    }

  private:
    Result<void> add_repository(const Value& value) {
        MapReader map(document_, value, "repositories");
        const auto from = map.text("repo", Required::Yes);
        const Value* hooks = map.list("hooks", Required::Yes);
        if (map.failed()) return map.finish();
        if (from == "meta") return {};
        for (const auto& item : hooks->list()) {
            Hook hook(document_, item, common_);
            if (auto problem = hook.problem()) return fail(std::move(*problem));
            if (std::find(choices_.without.begin(), choices_.without.end(), hook.id()) !=
                choices_.without.end())
                continue;
            auto gate = from == "local"            ? local_gate(hook)
                        : is_hook_collection(from) ? builtin_gate(hook)
                                                   : not_ours(from, hook);
            if (auto problem = hook.problem()) return fail(std::move(*problem));
            if (!gate && gate.error().kind != ErrorKind::Unsupported) {
                gate.error().where = document_.where(item);
                return fail(std::move(gate.error()));
            }
            if (!gate && choices_.refused)
                choices_.refused(hook.id(), gate.error().message);
            else if (!gate)
                refused_.push_back({&item, hook.id(), gate.error().message});
            else
                add(hook, std::move(*gate));
            if (choices_.refused && hook.ends_the_run())
                choices_.refused(hook.id(),
                                 "ends the run when it fails (`fail_fast`): here that is for a whole stage");
        }
        return {};
    }

    Result<Value::Map> not_ours(const std::string& from, Hook& hook) {
        auto gate = choices_.instead ? choices_.instead(hook.described(from)) : std::nullopt;
        if (!gate) return fail(ErrorKind::Unsupported, "comes from " + escape_foreign(from));
        Value::Map map = gate->map();
        hook.add_match(map);
        hook.add_always(map);
        return map;
    }

    Result<Value::Map> local_gate(Hook& hook) {
        auto command = hook.command();
        if (!command && command.error().kind == ErrorKind::Unsupported && choices_.instead)
            if (auto gate = not_ours("local", hook)) return gate;
        Value::Map gate;
        hook.add_choice(gate, TRY(std::move(command)));
        return gate;
    }

    static Result<Value::Map> builtin_gate(Hook& hook) {
        Value::Map gate;
        auto entry = TRY(builtin_for_hook(hook.id(), hook.args()));
        Value::List list;
        entry.line = hook.at().line;
        entry.column = hook.at().column;
        list.push_back(std::move(entry));
        Value builtin(std::move(list));
        builtin.line = hook.at().line;
        builtin.column = hook.at().column;
        gate.push_back({"builtin", std::move(builtin), hook.at().line, hook.at().column});
        hook.add_match(gate);
        return gate;
    }

    void add(Hook& hook, Value::Map rest) {
        std::vector<std::string> usual;
        for (const auto& entry : rest)
            if (entry.key == "stages") usual.push_back(entry.value.text());
        std::erase_if(rest, [](const Value::Entry& entry) { return entry.key == "stages"; });
        for (const auto& stage : hook.stages(usual)) {
            if (!pre_commit_runs(stage, rest)) continue;
            auto found = std::find_if(stages_.begin(), stages_.end(),
                                      [&](const auto& other) { return other.first == stage; });
            if (found == stages_.end()) found = stages_.insert(found, {stage, {}});
            auto name = our_name(hook.id());
            for (int number = 2; has(found->second, name); ++number)
                name = our_name(hook.id()) + "-" + std::to_string(number);
            Value::Map gate;
            put(gate, "name", Value(name), hook.at());
            for (const auto& entry : rest) {
                const bool message = judges_message(stage);
                if (message && (entry.key == "match" || entry.key == "always" || entry.key == "fix"))
                    continue;
                gate.push_back(message && entry.key == "run" ? with_message(entry) : entry);
            }
            Value value(std::move(gate));
            value.line = hook.at().line;
            value.column = hook.at().column;
            found->second.push_back(std::move(value));
        }
    }

    static bool has(const Value::List& gates, const std::string& name) {
        return std::any_of(gates.begin(), gates.end(),
                           [&](const Value& gate) { return gate.find("name")->text() == name; });
    }

    struct Refused {
        const Value* at;
        std::string id;
        std::string why;
    };

    [[nodiscard]] Error refusal() const {
        const auto& first = refused_.front();
        std::string message = "hook `" + escape_foreign(first.id) + "`: " + first.why;
        std::string names;
        for (const auto& one : refused_) names += (names.empty() ? "" : ", ") + escape_foreign(one.id);
        if (refused_.size() > 1) message += "; so do " + std::to_string(refused_.size() - 1) + " more";
        return Error{
            ErrorKind::Unsupported,
            std::move(message),
            "what pre-commit would install does not run here. Leave such hooks out by name, and give "
            "them gates of their own: extends: {pre-commit: " +
                escape_foreign(document_.file()) + ", without: [" + names + "]}",
            document_.where(*first.at),
            {}};
    }

    Value whole() {
        Value::Map stages;
        for (auto& [name, gates] : stages_) {
            Value::Map stage;
            if (common_.fail_fast) stage.push_back({"fail_fast", Value(true), 0, 0});
            stage.push_back({"gates", Value(std::move(gates)), 0, 0});
            stages.push_back({name, Value(std::move(stage)), 0, 0});
        }
        Value::Map all;
        all.push_back({"stages", Value(std::move(stages)), 0, 0});
        return Value(std::move(all));
    }

    const Document& document_;
    const PreCommitChoices& choices_;
    Common common_;
    std::vector<std::pair<std::string, Value::List>> stages_;
    std::vector<Refused> refused_;
};

}  // namespace

YamlLimits pre_commit_limits() {
    return {1 << 20, 32, 50'000};
}

Result<Value> gates_of_pre_commit(const Document& document, const PreCommitChoices& choices) {
    return Converter(document, choices).convert();
}

}  // namespace tidegate::hooks
