// .tidegate.local.yaml: gates of one's own, and changes to those of the tree.
#include "hooks/config/loader.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

// Only what cannot make a gate another gate: how long it may take, what it is given, whether it runs.
void change(MapReader& map, Gate& gate) {
    (void)map.any("name");
    gate.left_out = map.boolean("skip", false);
    gate.timeout = map.duration("timeout", gate.timeout, Duration(1), kLongestTimeout);
    const auto weaken = [&](std::string_view key) {
        gate.weakened += (gate.weakened.empty() ? "" : ", ") + std::string(key);
    };
    if (map.has("retries")) {
        gate.retries = static_cast<int>(map.integer("retries", 0, 0, 10));
        weaken("retries");
    }
    if (map.has("env")) {
        const auto env = map.text_map("env");
        check_env(map, env);
        for (const auto& [name, value] : env) gate.env.insert_or_assign(name, value);
        weaken("env");
    }
    if (map.has("pass_env")) {
        const auto names = map.texts("pass_env");
        check_pass_env(map, names);
        gate.pass_env.insert(gate.pass_env.end(), names.begin(), names.end());
        weaken("pass_env");
    }
}

}  // namespace

Result<void> Loader::change_gate(const Composition& composition, MapReader& stage, Stage& into,
                                 const Value& value, const Defaults& defaults) {
    const auto& document = composition.document();
    const Value* name = value.find("name");
    const auto known = std::find_if(into.gates.begin(), into.gates.end(), [&](const Gate& gate) {
        return name != nullptr && gate.name == name->text() && !gate.own;
    });
    if (known != into.gates.end()) {
        MapReader map(document, value, "in " + std::string(kLocalFile) + " gates of the tree");
        change(map, *known);
        if (auto done = map.finish(); !done) stage.reject(std::move(done.error()));
        return {};
    }
    auto gate = read_gate(document, value, defaults, stage);
    gate.own = true;
    gate.file = document.file();
    gate.line = value.line;
    gate.definition = canonical(gate);
    into.gates.push_back(std::move(gate));
    origins_[into.name].push_back({&composition, &value});
    return {};
}

Result<void> Loader::local() {
    if (!sources_.local) return {};
    ConfigSources alone;  // it extends nothing
    compositions_.push_back(
        std::make_unique<Composition>(TRY(Composition::of(std::string(kLocalFile), *sources_.local, alone))));
    auto& composition = *compositions_.back();
    std::vector<Error> found;
    if (all_ != nullptr) composition.collect_errors(&found);
    const auto& document = composition.document();
    MapReader top(document, document.root(), "the file");
    (void)top.integer("version", 1, 1, 1);
    auto defaults = read_defaults(top);
    if (const Value* stages = top.map("stages")) {
        for (const auto& entry : stages->map()) {
            auto [known, made] = config.stages.try_emplace(entry.key);
            auto& into = known->second;
            MapReader map(document, entry.value, "in " + std::string(kLocalFile) + " stages");
            if (made) {
                into.name = entry.key;
                into.own = true;
                into.parallel = defaults.parallel;
                if (!is_gate_name(entry.key))
                    map.reject(entry.value, "not a name for a stage: `" + escape_foreign(entry.key) + "`");
            }
            into.fail_fast = map.boolean("fail_fast", into.fail_fast);
            into.parallel = static_cast<int>(map.integer("parallel", into.parallel, 1, 1024));
            if (const Value* gates = map.list("gates"))
                for (const auto& gate : gates->list())
                    TRY(change_gate(composition, map, into, gate, defaults));
            if (auto done = map.finish(); !done) top.reject(std::move(done.error()));
        }
    }
    return settled(composition, found, top.finish());
}

}  // namespace tidegate::hooks
