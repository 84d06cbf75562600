#include "hooks/cli/proposal.hpp"

#include "hooks/cli/languages.hpp"
#include "hooks/config/config.hpp"
#include "hooks/migrate/migrate.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks::cli {

using namespace shared;
using migrate::yaml_scalar;

namespace {

constexpr const char* kHygiene =
    "      - name: hygiene\n"
    "        builtin: [trailing-whitespace, end-of-file, merge-conflict, large-files, private-keys, yaml,\n"
    "                  json, case-conflict]\n";

std::string gate_text(const GateText& gate) {
    std::string text = "      - name: " + gate.name + "\n";
    if (!gate.needs.empty()) text += "        needs: [" + gate.needs + "]\n";
    text += "        run: " + yaml_scalar(gate.run) + "\n";
    if (!gate.files.empty()) text += "        files: " + gate.files + "\n";
    if (!gate.fix.empty()) text += "        fix: " + yaml_scalar(gate.fix) + "\n";
    if (!gate.version.empty()) text += "        version: " + yaml_scalar(gate.version) + "\n";
    return text;
}

std::string push_stage(const Draft& draft) {
    std::string text = "  pre-push:\n";
    if (!draft.setup.empty()) text += "    setup:\n";
    for (const auto& setup : draft.setup)
        text += "      - run: " + yaml_scalar(setup.run) + "\n        inputs: " + setup.inputs + "\n";
    text += "    gates:\n";
    if (draft.push.empty())
        text +=
            "      # Your tests go here: a push waits for them.\n"
            "      - name: hygiene\n"
            "        builtin: [merge-conflict, private-keys]\n";
    for (const auto& gate : draft.push) text += gate_text(gate);
    return text;
}

std::string commit_stage(const Draft& draft) {
    std::string text = std::string("  pre-commit:\n");
    // What checks a commit may need is prepared for it, too.
    const bool npx = std::any_of(draft.commit.begin(), draft.commit.end(),
                                 [](const GateText& gate) { return gate.run.starts_with("npx "); });
    if (npx) text += "    link: [node_modules]\n";
    text += std::string("    gates:\n") + kHygiene;
    for (const auto& gate : draft.commit) text += gate_text(gate);
    return text;
}

std::string stage_text(const migrate::Gates::StageGates& stage) {
    std::string text = "  " + stage.name + ":\n";
    if (stage.fail_fast) text += "    fail_fast: true\n";
    if (stage.parallel > 0) text += "    parallel: " + std::to_string(stage.parallel) + "\n";
    if (!stage.link.empty()) text += "    link: [" + join(stage.link, ", ") + "]\n";
    text += "    gates:\n";
    for (const auto& gate : stage.gates) {
        auto lines = migrate::to_yaml(gate, 8);
        text += "      - " + lines.substr(8);
    }
    return text;
}

// What the parser would not take is told of instead, gate by gate.
void leave_out_what_is_wrong(migrate::Gates& gates) {
    for (auto& stage : gates.stages) {
        std::erase_if(stage.gates, [&](const Value& gate) {
            Value alone(Value::Map{});
            for (const auto& entry : gate.map())
                if (entry.key != "needs") alone.set(entry.key, entry.value);
            migrate::Gates::StageGates one{stage.name, {}, false, {alone}, 0};
            const auto parsed = parse_config("proposal", "version: 1\nstages:\n" + stage_text(one));
            if (parsed) return false;
            gates.note(stage.name + ": " + gate.find("name")->text() + ": " + parsed.error().message);
            return true;
        });
        // Nobody needs what is not there.
        std::vector<std::string> names;
        for (const auto& gate : stage.gates) names.push_back(gate.find("name")->text());
        for (auto& gate : stage.gates) {
            const Value* needs = gate.find("needs");
            const bool known =
                needs == nullptr ||
                std::all_of(needs->list().begin(), needs->list().end(), [&](const Value& need) {
                    return std::find(names.begin(), names.end(), need.text()) != names.end();
                });
            if (known) continue;
            Value rest(Value::Map{});
            for (const auto& entry : gate.map())
                if (entry.key != "needs") rest.set(entry.key, entry.value);
            gate = std::move(rest);
        }
    }
    std::erase_if(gates.stages, [](const migrate::Gates::StageGates& stage) { return stage.gates.empty(); });
}

// The program that a command begins with; empty where that is nothing to look for.
std::string program_of(const Value& run) {
    const auto text =
        run.is(Value::Kind::List) ? (run.list().empty() ? "" : run.list().front().text()) : run.text();
    const auto word = text.substr(0, text.find_first_of(" \n"));
    constexpr std::string_view kNone =
        " cd test true false exit set if for while case echo printf . source export ";
    const bool plain = word.find_first_of("=$(){}[]\"'`;|&<>/") == std::string::npos;
    return plain && kNone.find(" " + word + " ") == std::string_view::npos ? word : std::string();
}

// Tools that are not here, where the gates would fail; empty where all are.
std::string what_is_missing(const std::vector<Value>& commands, const Surroundings& here) {
    std::vector<std::string> missing;
    for (const auto& run : commands) {
        const auto program = program_of(run);
        if (program.empty() || here.has_program(program)) continue;
        if (std::find(missing.begin(), missing.end(), program) == missing.end()) missing.push_back(program);
    }
    if (missing.empty()) return {};
    return "not on PATH here: " + join(missing, ", ") +
           ". Gates take their tools from PATH: install these, or take their gates out";
}

std::vector<Value> commands_of(const migrate::Gates& gates) {
    std::vector<Value> commands;
    for (const auto& stage : gates.stages)
        for (const auto& gate : stage.gates)
            if (const Value* run = gate.find("run")) commands.push_back(*run);
    return commands;
}

std::vector<Value> commands_of(const Draft& draft) {
    std::vector<Value> commands;
    for (const auto* gates : {&draft.commit, &draft.push})
        for (const auto& gate : *gates) commands.emplace_back(gate.run);
    return commands;
}

std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return escape_foreign(text);
}

std::string carried_over(const migrate::Gates& gates, const Draft& draft) {
    std::string text = "# Gates of this repository, carried over by `tidegate init` from " +
                       join(gates.found, ", ") + ".\n# Check it with: tidegate check\n";
    if (!gates.notes.empty()) text += "#\n# Not carried over, or not as it was:\n";
    for (const auto& note : gates.notes) text += "#   " + one_line(note) + "\n";
    text += "version: 1\nstages:\n";
    for (const auto& stage : gates.stages) text += stage_text(stage);
    if (!gates.stages.empty()) return text;
    // Nothing of it could be carried over: gates for what is here instead.
    return text + commit_stage(draft) + (draft.push.empty() ? std::string() : push_stage(draft));
}

}  // namespace

Proposal propose(const Surroundings& here) {
    const auto draft = look_for_languages(here);
    auto others = migrate::from_others({here.paths, here.read});
    leave_out_what_is_wrong(others);
    auto commands = commands_of(others);
    if (others.found.empty()) commands = commands_of(draft);
    const auto missing = what_is_missing(commands, here);
    if (!missing.empty()) others.note(missing);
    if (!others.found.empty()) return {carried_over(others, draft), others.found, others.notes, true};
    const std::string head =
        "# Gates of this repository: what must pass on exactly the tree that is committed or pushed.\n"
        "# Proposed by `tidegate init`; make it yours. Check it with: tidegate check\n"
        "version: 1\n"
        "stages:\n";
    return {head + commit_stage(draft) + push_stage(draft), draft.found, others.notes, false};
}

}  // namespace tidegate::hooks::cli
