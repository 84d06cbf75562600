#include "hooks/config/read.hpp"
#include "shared/base/names.hpp"
#include "shared/base/text.hpp"

namespace tidegate::hooks {

using namespace shared;

namespace {

// `fix: false` keeps built-in checks from mending what they find; `fix: true`: what `run` writes is the fix.
void read_fix(MapReader& map, Gate& gate) {
    const Value* fix = map.any("fix");
    if (fix == nullptr || !fix->is(Value::Kind::Bool)) {
        gate.fix = read_script(map, "fix");
        return;
    }
    gate.builtin_fix = fix->boolean();
    if (gate.builtin_fix) gate.fix = gate.run;
}

// `folder`: where it runs, and what its patterns and {files} are seen from.
void read_folder(MapReader& map, Gate& gate) {
    auto folder = map.optional_text("folder").value_or("");
    while (folder.ends_with('/')) folder.pop_back();
    if (folder.starts_with("./")) folder.erase(0, 2);
    if (folder.empty() || folder == ".") return;
    if (auto path = RelPath::parse(folder); !path)
        return map.reject(*map.any("folder"), std::move(path.error()));
    gate.files.folder = folder + "/";
    gate.folder = std::move(folder);
}

}  // namespace

Gate read_gate(const Document& document, const Value& value, const Defaults& defaults, MapReader& stage) {
    MapReader map(document, value, "gates");
    map.also_called("run", {"command", "cmd", "script", "entry", "exec"});
    map.also_called("name", {"id"});
    map.also_called("files", {"glob", "include"});
    map.also_called("needs", {"depends_on"});
    Gate gate;
    gate.name = map.text("name", Required::Yes);
    if (!map.failed() && !is_gate_name(gate.name))
        map.reject(*map.any("name"), "not a name for a gate: `" + escape_foreign(gate.name) + "`",
                   "letters, digits and - _ . : +, at most 64, not beginning with - or .");
    gate.run = read_script(map, "run");
    read_builtins(map, gate);
    read_fix(map, gate);
    read_folder(map, gate);
    gate.files.include = read_globs(map, "files");
    gate.files.exclude = read_globs(map, "exclude");
    gate.files.match = read_match(map);
    gate.always = map.boolean("always", false);
    gate.needs = map.texts("needs");
    gate.timeout = map.duration("timeout", defaults.timeout, Duration(1), kLongestTimeout);
    gate.retries = static_cast<int>(map.integer("retries", 0, 0, 10));
    gate.env = map.text_map("env");
    gate.pass_env = map.texts("pass_env");
    check_pass_env(map, gate.pass_env);
    gate.pass_env.insert(gate.pass_env.end(), defaults.pass_env.begin(), defaults.pass_env.end());
    gate.report = read_report(map);
    gate.required = map.boolean("required", false);
    const auto workspace = static_cast<size_t>(defaults.workspace);
    gate.workspace = static_cast<Workspace>(map.choice("workspace", {"snapshot", "worktree"}, workspace));
    gate.version = read_script(map, "version");
    gate.only = read_conditions(map, "only");
    gate.except = read_conditions(map, "except");
    check_env(map, gate.env);
    if (map.has("remove"))
        map.reject(*map.any("remove"), "`remove` takes away a gate that is inherited, and there is none `" +
                                           escape_foreign(gate.name) + "`");
    if (auto done = map.finish(); !done)
        stage.reject(std::move(done.error()));
    else if (gate.run.empty() == gate.builtins.empty() && !(defaults.partial && gate.run.empty()))
        stage.reject(value, "a gate has either `run` or `builtin`: " + escape_foreign(gate.name));
    else if (!gate.report.empty() && gate.run.empty())
        stage.reject(value, "a built-in check writes no `report`: " + escape_foreign(gate.name));
    else if (!gate.fix.empty() && gate.workspace == Workspace::Worktree)
        stage.reject(value,
                     "`fix` works in the snapshot, never in the working tree: " + escape_foreign(gate.name),
                     "take `workspace: worktree` out, or the `fix`");
    return gate;
}

}  // namespace tidegate::hooks
