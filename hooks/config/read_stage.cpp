#include "hooks/config/git_hook.hpp"
#include "hooks/config/read.hpp"
#include "shared/base/names.hpp"
#include "shared/base/text.hpp"

namespace tidegate::hooks {

using namespace shared;

namespace {

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

}  // namespace

Stage read_stage(const Document& document, const Value::Entry& entry, const Defaults& defaults,
                 MapReader& top) {
    MapReader map(document, entry.value, "stages");
    Stage stage;
    stage.name = entry.key;
    if (!is_gate_name(stage.name))
        map.reject(entry.value, "not a name for a stage: `" + escape_foreign(stage.name) + "`");
    stage.fail_fast = map.boolean("fail_fast", false);
    stage.parallel = static_cast<int>(map.integer("parallel", defaults.parallel, 1, 1024));
    for (const auto* key : {"fail_fast", "parallel"})
        if (defaults.folder && map.has(key))
            map.reject(*map.any(key), "`" + std::string(key) + "` is for the file at the top to say");
    stage.setup_pass_env = defaults.pass_env;
    // What follows a checkout or a merge is for the working tree: install, build an index, tell.
    auto own = defaults;
    const auto* hook = find_git_hook(stage.name);
    if (hook != nullptr && !hook->stops) own.workspace = Workspace::Worktree;
    stage.link = read_links(map);
    if (const Value* list = map.list("setup"))
        for (const auto& item : list->list())
            stage.setup.push_back(read_setup(document, item, defaults, map));
    if (const Value* list = map.list("gates", defaults.partial ? Required::No : Required::Yes)) {
        for (const auto& item : list->list()) stage.gates.push_back(read_gate(document, item, own, map));
    }
    if (auto done = map.finish(); !done) top.reject(std::move(done.error()));
    return stage;
}

}  // namespace tidegate::hooks
