#include "hooks/config.hpp"

#include "hooks/builtin/builtin.hpp"
#include "shared/base/names.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/reader.hpp"

#include <sched.h>

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr Duration kDefaultTimeout = std::chrono::minutes(30);
constexpr Duration kLongestTimeout = std::chrono::hours(48);

int default_parallel() {
    cpu_set_t set;
    CPU_ZERO(&set);
    const int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return 4 * std::max(cores, 1);
}

struct Defaults {
    Duration timeout = kDefaultTimeout;
    int parallel = default_parallel();
    std::vector<std::string> pass_env;
};

// Right, but not here: at its place, and not as a mistake.
Error unsupported(const Document& document, const Value& value, std::string message, std::string hint) {
    return Error{ErrorKind::Unsupported, std::move(message), std::move(hint), document.where(value), {}};
}

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

Conditions read_conditions(MapReader& map, std::string_view key) {
    Conditions conditions;
    const Value* value = map.list(key);
    if (value == nullptr) return conditions;
    for (const auto& item : value->list()) {
        if (item.is(Value::Kind::Map)) {
            MapReader one(map.document(), item, "a condition");
            const auto globs = read_globs(one, "branch");
            conditions.branches.insert(conditions.branches.end(), globs.begin(), globs.end());
            if (auto done = one.finish(); !done) map.reject(std::move(done.error()));
        } else if (item.text() == "merge") {
            conditions.merge = true;
        } else if (item.text() == "rebase") {
            conditions.rebase = true;
        } else {
            map.reject(item, "not a condition: `" + escape_foreign(item.text()) + "`",
                       "conditions are: merge, rebase, {branch: PATTERN}");
        }
    }
    return conditions;
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

void read_builtins(MapReader& map, Gate& gate) {
    gate.builtins = map.texts("builtin");
    const Value* value = map.any("builtin");
    for (size_t i = 0; i < gate.builtins.size(); ++i) {
        if (builtin::find(gate.builtins[i]) != nullptr) continue;
        std::vector<std::string_view> known;
        std::vector<std::string> names;
        for (const auto& check : builtin::checks()) {
            known.push_back(check.name);
            names.emplace_back(check.name);
        }
        const auto near = nearest(gate.builtins[i], known);
        map.reject(value->is(Value::Kind::List) ? value->list()[i] : *value,
                   "no built-in check is called `" + escape_foreign(gate.builtins[i]) + "`",
                   (near.empty() ? "" : "did you mean `" + std::string(near) + "`? ") +
                       ("there are: " + join(names, " ")));
        return;
    }
}

// One path or several.
std::vector<std::string> read_report_files(MapReader& map, std::string_view key, Required required) {
    auto files = map.texts(key);
    const Value* value = map.any(key, required);
    if (value == nullptr) return files;
    for (const auto& file : files)
        if (file.empty() || (file.find('{') != std::string::npos && !file.starts_with("{reports}/")))
            map.reject(*value, "not a report's path: `" + escape_foreign(file) + "`",
                       "a path below the folder the gate runs in, or {reports}/…");
    return files;
}

std::optional<double> read_share(MapReader& map, std::string_view key) {
    if (!map.has(key)) return std::nullopt;
    return map.real(key, 0, 0, 100);
}

ReportRules read_report(MapReader& gate) {
    ReportRules rules;
    const Value* value = gate.map("report");
    if (value == nullptr) return rules;
    MapReader map(gate.document(), *value, "`report`");
    rules.junit = read_report_files(map, "junit", Required::No);
    if (const Value* coverage = map.map("coverage")) {
        MapReader one(map.document(), *coverage, "`coverage`");
        rules.coverage = read_report_files(one, "file", Required::Yes);
        rules.min = read_share(one, "min");
        rules.min_change = read_share(one, "min_change");
        if (auto done = one.finish(); !done) map.reject(std::move(done.error()));
    }
    if (const Value* sarif = map.map("sarif")) {
        MapReader one(map.document(), *sarif, "`sarif`");
        rules.sarif = read_report_files(one, "file", Required::Yes);
        const std::vector<std::string_view> levels{"none", "note", "warning", "error"};
        rules.sarif_level = levels[one.choice("level", levels, 3)];
        if (auto done = one.finish(); !done) map.reject(std::move(done.error()));
    }
    if (auto done = map.finish(); !done) gate.reject(std::move(done.error()));
    return rules;
}

// All that decides whether the gate passes, but its input.
std::string canonical(const Gate& gate) {
    std::string text;
    const auto field = [&](std::string_view part) {
        text += std::to_string(part.size()) + ":";
        text += part;
    };
    const auto fields = [&](std::string_view name, const std::vector<std::string>& parts) {
        field(name);
        field(std::to_string(parts.size()));
        for (const auto& part : parts) field(part);
    };
    const auto patterns = [&](std::string_view name, const std::vector<Glob>& globs) {
        std::vector<std::string> parts;
        for (const auto& glob : globs) parts.push_back(glob.str());
        fields(name, parts);
    };
    fields("run", {gate.run.shell});
    fields("argv", gate.run.argv);
    fields("builtin", gate.builtins);
    patterns("files", gate.files.include);
    patterns("exclude", gate.files.exclude);
    fields("workspace", {gate.workspace == Workspace::Snapshot ? "snapshot" : "worktree"});
    if (!gate.report.empty()) {
        const auto share = [](const std::optional<double>& value) {
            return value ? std::to_string(*value) : std::string("-");
        };
        fields("junit", gate.report.junit);
        fields("coverage", gate.report.coverage);
        fields("min", {share(gate.report.min), share(gate.report.min_change)});
        fields("sarif", gate.report.sarif);
        fields("level", {gate.report.sarif_level});
    }
    return text;
}

Gate read_gate(const Document& document, const Value& value, const Defaults& defaults, MapReader& stage) {
    MapReader map(document, value, "gates");
    map.also_called("run", {"command", "cmd", "script", "entry", "exec"});
    map.also_called("name", {"id"});
    map.also_called("files", {"glob", "include"});
    map.also_called("needs", {"depends_on"});
    Gate gate;
    gate.line = value.line;
    gate.name = map.text("name", Required::Yes);
    if (!map.failed() && !is_gate_name(gate.name))
        map.reject(*map.any("name"), "not a name for a gate: `" + escape_foreign(gate.name) + "`",
                   "letters, digits and - _ . : +, at most 64, not beginning with - or .");
    gate.run = read_script(map, "run");
    read_builtins(map, gate);
    gate.fix = read_script(map, "fix");
    gate.files.include = read_globs(map, "files");
    gate.files.exclude = read_globs(map, "exclude");
    gate.needs = map.texts("needs");
    gate.timeout = map.duration("timeout", defaults.timeout, Duration(1), kLongestTimeout);
    gate.retries = static_cast<int>(map.integer("retries", 0, 0, 10));
    gate.env = map.text_map("env");
    gate.pass_env = map.texts("pass_env");
    check_pass_env(map, gate.pass_env);
    gate.pass_env.insert(gate.pass_env.end(), defaults.pass_env.begin(), defaults.pass_env.end());
    gate.report = read_report(map);
    gate.required = map.boolean("required", false);
    gate.workspace =
        map.choice("workspace", {"snapshot", "worktree"}, 0) == 0 ? Workspace::Snapshot : Workspace::Worktree;
    gate.version = read_script(map, "version");
    gate.only = read_conditions(map, "only");
    gate.except = read_conditions(map, "except");
    if (const Value* env = map.any("env"); env != nullptr && !map.failed())
        for (const auto& [name, text] : gate.env)
            if (name.empty() || name.starts_with("GIT_") || name.find_first_of("= ") != std::string::npos)
                map.reject(*env, "`env` cannot set `" + escape_foreign(name) + "`");
    gate.definition = canonical(gate);
    if (auto done = map.finish(); !done)
        stage.reject(std::move(done.error()));
    else if (gate.run.empty() == gate.builtins.empty())
        stage.reject(value, "a gate has either `run` or `builtin`: " + escape_foreign(gate.name));
    else if (!gate.report.empty() && gate.run.empty())
        stage.reject(value, "a built-in check writes no `report`: " + escape_foreign(gate.name));
    return gate;
}

// The place of the name `needed` in the `needs` of the gate at `index`.
const Value& place_of_need(const Value& gates, size_t index, const std::string& needed) {
    const Value& gate = gates.list()[index];
    const Value* needs = gate.find("needs");
    if (needs == nullptr) return gate;
    for (const auto& item : needs->list())
        if (item.text() == needed) return item;
    return *needs;
}

size_t index_of(const std::vector<Gate>& gates, std::string_view name) {
    const auto found =
        std::find_if(gates.begin(), gates.end(), [&](const Gate& gate) { return gate.name == name; });
    return static_cast<size_t>(found - gates.begin());
}

// A circle through `at`, as names, or nothing. `done` are gates known to be in none.
bool find_circle(const std::vector<Gate>& gates, size_t at, std::vector<size_t>& path,
                 std::vector<bool>& done) {
    if (const auto seen = std::find(path.begin(), path.end(), at); seen != path.end()) {
        path.erase(path.begin(), seen);
        return true;
    }
    if (done[at]) return false;
    path.push_back(at);
    for (const auto& need : gates[at].needs)
        if (find_circle(gates, index_of(gates, need), path, done)) return true;
    path.pop_back();
    done[at] = true;
    return false;
}

void check_graph(MapReader& map, const Value& list, const std::vector<Gate>& gates) {
    std::vector<std::string_view> names;
    for (size_t i = 0; i < gates.size(); ++i) {
        if (std::find(names.begin(), names.end(), gates[i].name) != names.end())
            return map.reject(list.list()[i], "two gates are called `" + escape_foreign(gates[i].name) + "`");
        names.emplace_back(gates[i].name);
    }
    for (size_t i = 0; i < gates.size(); ++i) {
        for (const auto& need : gates[i].needs) {
            if (std::find(names.begin(), names.end(), need) != names.end()) continue;
            const auto near = nearest(need, names);
            return map.reject(place_of_need(list, i, need),
                              "`needs` names no gate of this stage: `" + escape_foreign(need) + "`",
                              near.empty() ? "" : "did you mean `" + std::string(near) + "`?");
        }
    }
    std::vector<bool> done(gates.size());
    for (size_t i = 0; i < gates.size(); ++i) {
        std::vector<size_t> path;
        if (!find_circle(gates, i, path, done)) continue;
        std::string circle;
        for (const auto at : path) circle += gates[at].name + " → ";
        const auto& next = gates[path[path.size() > 1 ? 1 : 0]].name;
        return map.reject(place_of_need(list, path.front(), next),
                          "gates need each other in a circle: " + circle + gates[path.front()].name);
    }
}

Setup read_setup(const Document& document, const Value& value, const Defaults& defaults, MapReader& stage) {
    MapReader map(document, value, "setup commands");
    Setup setup;
    setup.run = read_script(map, "run");
    setup.inputs = read_globs(map, "inputs");
    setup.timeout = map.duration("timeout", defaults.timeout, Duration(1), kLongestTimeout);
    if (!map.failed() && setup.run.empty()) map.reject(value, "a setup command has no `run`");
    if (auto done = map.finish(); !done) stage.reject(std::move(done.error()));
    return setup;
}

std::vector<std::string> read_links(MapReader& map) {
    auto links = map.texts("link");
    const Value* value = map.any("link");
    for (auto& link : links) {
        while (link.ends_with('/')) link.pop_back();
        if (auto path = RelPath::parse(link); !path) map.reject(*value, std::move(path.error()));
    }
    return links;
}

Stage read_stage(const Document& document, const Value::Entry& entry, const Defaults& defaults,
                 MapReader& top) {
    MapReader map(document, entry.value, "stages");
    Stage stage;
    stage.name = entry.key;
    if (!is_gate_name(stage.name))
        map.reject(entry.value, "not a name for a stage: `" + escape_foreign(stage.name) + "`");
    stage.fail_fast = map.boolean("fail_fast", false);
    stage.parallel = static_cast<int>(map.integer("parallel", defaults.parallel, 1, 1024));
    stage.setup_pass_env = defaults.pass_env;
    stage.link = read_links(map);
    if (const Value* list = map.list("setup"))
        for (const auto& item : list->list())
            stage.setup.push_back(read_setup(document, item, defaults, map));
    if (const Value* list = map.list("gates", Required::Yes)) {
        for (const auto& item : list->list()) stage.gates.push_back(read_gate(document, item, defaults, map));
        if (!map.failed()) check_graph(map, *list, stage.gates);
    }
    if (auto done = map.finish(); !done) top.reject(std::move(done.error()));
    return stage;
}

Defaults read_defaults(MapReader& top) {
    Defaults defaults;
    const Value* value = top.map("defaults");
    if (value == nullptr) return defaults;
    MapReader map(top.document(), *value, "defaults");
    defaults.timeout = map.duration("timeout", kDefaultTimeout, Duration(1), kLongestTimeout);
    defaults.parallel = static_cast<int>(map.integer("parallel", defaults.parallel, 1, 1024));
    defaults.pass_env = map.texts("pass_env");
    check_pass_env(map, defaults.pass_env);
    if (auto done = map.finish(); !done) top.reject(std::move(done.error()));
    return defaults;
}

}  // namespace

bool Script::mentions(std::string_view placeholder) const {
    return shell.find(placeholder) != std::string::npos ||
           std::any_of(argv.begin(), argv.end(),
                       [&](const std::string& word) { return word.find(placeholder) != std::string::npos; });
}

std::string Script::shown() const {
    if (argv.empty()) return std::string(trim(shell));
    std::vector<std::string> words;
    for (const auto& word : argv) words.push_back(shell_quote(word));
    return join(words, " ");
}

const Stage* Config::stage(std::string_view name) const {
    const auto found = stages.find(std::string(name));
    return found == stages.end() ? nullptr : &found->second;
}

Result<Config> parse_config(std::string file, std::string text) {
    Config config;
    config.text = text;
    const auto document = TRY(parse_yaml(std::move(file), std::move(text)));
    MapReader top(document, document.root(), "the file");
    if (top.any("version", Required::Yes) != nullptr) {
        const auto version = top.integer("version", 1, 1, 1'000'000);
        if (version != 1 && !top.failed())
            top.reject(unsupported(document, *top.any("version"),
                                   "`version: " + std::to_string(version) + "` is not known here",
                                   "this tidegate reads version 1; install a newer one"));
    }
    const auto defaults = read_defaults(top);
    if (const Value* stages = top.map("stages", Required::Yes))
        for (const auto& entry : stages->map())
            config.stages.emplace(entry.key, read_stage(document, entry, defaults, top));
    TRY(top.finish());
    return config;
}

}  // namespace tidegate::hooks
