#include "hooks/config/match.hpp"
#include "hooks/config/read.hpp"

namespace tidegate::hooks {

using namespace shared;

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
    // Only where they are used, so that what was remembered without them stays.
    if (!gate.folder.empty()) fields("folder", {gate.folder});
    if (gate.files.match) {
        const auto& rules = gate.files.match->rules();
        fields("match files", rules.files);
        fields("match exclude", rules.exclude);
        fields("types", rules.types);
        fields("types_or", rules.types_or);
        fields("exclude_types", rules.exclude_types);
    }
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
        fields("benchmark", gate.report.benchmark);
        fields("metric", {gate.report.metric, gate.report.better, share(gate.report.max_regression)});
    }
    return text;
}

}  // namespace tidegate::hooks
