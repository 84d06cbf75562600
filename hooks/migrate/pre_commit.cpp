// pre-commit: local hooks as they are, the collection's as built-in checks, well-known tools by their names.
#include "hooks/config/pre_commit.hpp"

#include "hooks/migrate/migrate.hpp"
#include "hooks/migrate/tools.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/yaml_anchors.hpp"

#include <algorithm>

namespace tidegate::hooks::migrate {

using namespace shared;

namespace {

// Of the collection, without a built-in check: as its Python package calls the program.
std::string program_of_collection(std::string_view id) {
    constexpr std::string_view kPrograms =
        " check-ast check-builtin-literals check-docstring-first check-vcs-permalinks "
        "double-quote-string-fixer "
        "file-contents-sorter fix-encoding-pragma name-tests-test pretty-format-json requirements-txt-fixer "
        "sort-simple-yaml ";
    if (id == "debug-statements") return "debug-statement-hook";
    return kPrograms.find(" " + std::string(id) + " ") == std::string_view::npos ? std::string()
                                                                                 : std::string(id);
}

// A local hook that pre-commit would make an environment for: its command, with what is on PATH.
std::optional<Value> from_path(const PreCommitHook& hook) {
    constexpr std::string_view kLanguages =
        " python node golang ruby rust conda perl r dart lua swift coursier dotnet haskell julia deno bun ";
    std::string run;
    if (kLanguages.find(" " + hook.language + " ") != std::string_view::npos)
        run = hook.entry;
    else if (hook.language == "docker_image")
        run = "docker run --rm -v \"$PWD:/src:rw,Z\" --workdir /src " + hook.entry;
    else
        return std::nullopt;
    if (run.empty() || hook.entry.find('\n') != std::string::npos) return std::nullopt;
    for (const auto& arg : hook.args) run += " " + shell_quote(arg);
    Value gate(Value::Map{});
    gate.set("run", hook.passes_files ? run + " {files}" : run);
    return gate;
}

// Places mean nothing in the file that is written; a list of one word is that word.
Value plain(const Value& value) {
    if (value.is(Value::Kind::List)) {
        Value list(Value::List{});
        for (const auto& item : value.list()) list.push(plain(item));
        return list;
    }
    if (!value.is(Value::Kind::Map)) return value;
    Value map(Value::Map{});
    for (const auto& entry : value.map()) map.set(entry.key, plain(entry.value));
    return map;
}

std::string check_name(const Value& check) {
    return check.is(Value::Kind::Map) ? check.map().front().key : check.text();
}

// They differ in name and checks only.
bool alike(const Value& a, const Value& b) {
    const auto rest = [](const Value& gate) {
        Value::Map map;
        for (const auto& entry : gate.map())
            if (entry.key != "name" && entry.key != "builtin") map.push_back({entry.key, entry.value, 0, 0});
        return Value(std::move(map));
    };
    return rest(a) == rest(b);
}

bool shares_a_check(const Value& a, const Value& b) {
    const auto& others = a.find("builtin")->list();
    const auto& own = b.find("builtin")->list();
    return std::any_of(own.begin(), own.end(), [&](const Value& check) {
        return std::any_of(others.begin(), others.end(),
                           [&](const Value& one) { return check_name(one) == check_name(check); });
    });
}

// `match: {types: [file]}` says nothing to a gate that takes files anyway.
Value without_empty_match(Value gate) {
    const Value* match = gate.find("match");
    const Value* types = match == nullptr ? nullptr : match->find("types");
    const bool empty = types != nullptr && match->map().size() == 1 && types->list().size() == 1 &&
                       types->list()[0].text() == "file";
    const Value* run = gate.find("run");
    const bool takes = run == nullptr || (!run->list().empty() && run->list().back().text() == "{files}") ||
                       run->text().find("{files}") != std::string::npos;
    if (!empty || !takes) return gate;
    Value rest(Value::Map{});
    for (const auto& entry : gate.map())
        if (entry.key != "match") rest.set(entry.key, entry.value);
    return rest;
}

// Built-in checks one behind the other that look at the same files are one gate.
void add(Gates& into, const std::string& stage, Value gate) {
    auto& gates = into.stage(stage).gates;
    const Value* checks = gate.find("builtin");
    if (checks == nullptr || gates.empty() || gates.back().find("builtin") == nullptr ||
        !alike(gates.back(), gate) || shares_a_check(gates.back(), gate)) {
        const auto name = gate.find("name")->text();
        into.add(stage, name, std::move(gate));
        return;
    }
    auto all = *gates.back().find("builtin");
    for (const auto& check : checks->list()) all.push(check);
    gates.back().set("builtin", std::move(all));
    constexpr const char* kTogether = "hygiene";
    const bool taken = std::any_of(gates.begin(), gates.end(),
                                   [&](const Value& one) { return one.find("name")->text() == kTogether; });
    if (!taken) gates.back().set("name", kTogether);
}

PreCommitChoices choices_for(const std::string& file, Gates& into) {
    PreCommitChoices choices;
    const auto note = [file, &into](const std::string& id, const std::string& why) {
        into.note(file + ": " + id + " " + why);
    };
    choices.instead = [note](const PreCommitHook& hook) {
        const bool local = hook.repository == "local";
        auto gate = local ? from_path(hook) : known_tool(hook);
        if (!gate) return gate;
        const auto with = join(hook.dependencies, ", ");
        if (local)
            note(hook.id, "runs with what is on PATH; pre-commit made an environment for it (`language: " +
                              hook.language + "`)" + (with.empty() ? "" : " with " + with));
        else if (!with.empty())
            note(hook.id, "was installed with " + with + ": they must be beside it now");
        return gate;
    };
    choices.refused = [note](const std::string& id, const std::string& why) {
        const auto program = program_of_collection(id);
        if (why.starts_with("comes from "))
            return note(id, why + ", which is not known here: give it a gate with its command");
        note(id, program.empty()
                     ? why
                     : why + "; the Python package pre-commit-hooks has it: run: " + program + " {files}");
    };
    return choices;
}

}  // namespace

void from_pre_commit(const Files& files, Gates& into) {
    for (const std::string file : {".pre-commit-config.yaml", ".pre-commit-config.yml"}) {
        if (!files.has(file)) continue;
        into.found.push_back(file);
        const auto document = parse_yaml_with_aliases(file, files.read(file), pre_commit_limits());
        if (!document) return into.note(file + ": cannot be read: " + document.error().line());
        const auto gates = gates_of_pre_commit(*document, choices_for(file, into));
        if (!gates) return into.note(file + ": cannot be read: " + gates.error().line());
        for (const auto& stage : gates->find("stages")->map()) {
            into.stage(stage.key).fail_fast = stage.value.find("fail_fast") != nullptr;
            for (const auto& gate : stage.value.find("gates")->list())
                add(into, stage.key, without_empty_match(plain(gate)));
        }
        // A merge without conflicts has the gates of pre-commit unless it has other ones.
        const auto& commit = into.stage("pre-commit").gates;
        std::erase_if(into.stages, [&](const Gates::StageGates& stage) {
            return stage.gates.empty() || (stage.name == "pre-merge-commit" && stage.gates == commit);
        });
        return;
    }
}

}  // namespace tidegate::hooks::migrate
