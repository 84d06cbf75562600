#include "hooks/config/load.hpp"

#include "hooks/config/loader.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

void check_version(MapReader& top) {
    if (top.any("version", Required::Yes) == nullptr) return;
    const auto version = top.integer("version", 1, 1, 1'000'000);
    if (version == 1 || top.failed()) return;
    // Right, but not here: at its place, and not as a mistake.
    const auto where = top.document().where(*top.any("version"));
    top.reject(Error{ErrorKind::Unsupported,
                     "`version: " + std::to_string(version) + "` is not known here",
                     "this tidegate reads version 1; install a newer one",
                     where,
                     {}});
}

// Patterns of paths that a folder's gates depend on, as seen from the top.
std::vector<Glob> read_affected(MapReader& top, const std::string& folder) {
    std::vector<Glob> globs;
    const Value* value = top.any("affected_by");
    if (value == nullptr) return globs;
    if (folder.empty()) {
        top.reject(*value, "`affected_by` is for the file of a folder", "a gate at the top has `files`");
        return globs;
    }
    const auto texts = top.texts("affected_by");
    for (size_t i = 0; i < texts.size(); ++i) {
        const auto& place = value->is(Value::Kind::List) ? value->list()[i] : *value;
        auto path = resolve_path(folder, texts[i]);
        auto glob = path ? Glob::parse("/" + *path + (texts[i].ends_with('/') ? "/" : ""))
                         : Result<Glob>(tl::unexpected<Error>(path.error()));
        if (glob)
            globs.push_back(std::move(*glob));
        else
            top.reject(place, std::move(glob.error()));
    }
    return globs;
}

// A folder's gates have the folder before their name, so it must be one that can be written there.
bool can_be_named(std::string_view folder) {
    constexpr std::string_view kAllowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+@~/";
    return !folder.empty() && folder.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

Result<void> Loader::settled(const Composition& composition, std::vector<Error>& found, Result<void> done) {
    for (auto& error : found) composition.locate(error.where);
    if (all_ != nullptr) all_->insert(all_->end(), found.begin(), found.end());
    if (!done) composition.locate(done.error().where);
    // Where all are wanted, the other files are looked at too.
    if (!done && all_ != nullptr && !found.empty()) return {};
    return done;
}

Result<void> Loader::file(const std::string& folder, std::string name, std::string text) {
    compositions_.push_back(
        std::make_unique<Composition>(TRY(Composition::of(std::move(name), std::move(text), sources_))));
    auto& composition = *compositions_.back();
    std::vector<Error> found;
    if (all_ != nullptr) composition.collect_errors(&found);
    const auto& document = composition.document();
    MapReader top(document, document.root(), "the file");
    check_version(top);
    (void)top.any("extends");
    auto defaults = read_defaults(top);
    defaults.partial = composition.unfollowed();
    defaults.folder = !folder.empty();
    partial_ = partial_ || defaults.partial;
    if (folder.empty()) {
        parallel_ = defaults.parallel;
        folder_globs_ = read_globs(top, "folders");
        if (const Value* value = top.any("folders")) folders_at_ = document.where(*value);
    } else if (const Value* value = top.any("folders")) {
        top.reject(*value, "`folders` belongs into the file at the top");
    }
    const auto affected = read_affected(top, folder);
    if (const Value* stages =
            top.map("stages", defaults.partial || !folder_globs_.empty() ? Required::No : Required::Yes)) {
        for (const auto& entry : stages->map()) {
            auto stage = read_stage(document, entry, defaults, top);
            for (auto& gate : stage.gates) gate.affected = affected;
            TRY(take_stage(folder, composition, std::move(stage), entry.value, defaults));
        }
    }
    return settled(composition, found, top.finish());
}

Result<void> Loader::take_stage(const std::string& folder, const Composition& composition, Stage stage,
                                const Value& value, const Defaults&) {
    auto& origins = origins_[stage.name];
    const Value* list = value.find("gates");
    std::vector<std::string> own;
    for (const auto& gate : stage.gates) own.push_back(gate.name);
    for (size_t i = 0; i < stage.gates.size(); ++i) {
        auto& gate = stage.gates[i];
        std::optional<Where> where = composition.document().where(list->list()[i]);
        composition.locate(where);
        gate.file = where->file;
        gate.line = where->line;
        if (!folder.empty()) {
            gate.folder = gate.folder.empty() ? folder : folder + "/" + gate.folder;
            gate.files.folder = gate.folder + "/";
            for (auto& need : gate.needs)
                if (std::find(own.begin(), own.end(), need) != own.end()) need = folder + ":" + need;
            gate.name = folder + ":" + gate.name;
        }
        gate.definition = canonical(gate);
        origins.push_back({&composition, &list->list()[i]});
    }
    for (auto& setup : stage.setup) setup.folder = folder;
    if (!folder.empty())
        for (auto& link : stage.link) link = folder + "/" + link;
    const auto known = config.stages.find(stage.name);
    if (known == config.stages.end()) {
        if (!folder.empty()) stage.parallel = parallel_;
        config.stages.emplace(stage.name, std::move(stage));
        return {};
    }
    auto& into = known->second;
    for (auto& gate : stage.gates) into.gates.push_back(std::move(gate));
    for (auto& setup : stage.setup) into.setup.push_back(std::move(setup));
    into.link.insert(into.link.end(), stage.link.begin(), stage.link.end());
    for (const auto& name : stage.setup_pass_env)
        if (std::find(into.setup_pass_env.begin(), into.setup_pass_env.end(), name) ==
            into.setup_pass_env.end())
            into.setup_pass_env.push_back(name);
    return {};
}

Result<void> Loader::folders() {
    if (folder_globs_.empty()) return {};
    if (sources_.paths == nullptr || sources_.file == nullptr) {
        partial_ = true;
        return {};
    }
    const auto end = "/" + std::string(kConfigFile);
    size_t count = 0;
    for (const auto& path : TRY(sources_.paths())) {
        if (!path.ends_with(end)) continue;
        const auto folder = path.substr(0, path.size() - end.size());
        const bool named = std::any_of(folder_globs_.begin(), folder_globs_.end(),
                                       [&](const Glob& glob) { return glob.matches(folder); });
        if (!named) continue;
        if (!can_be_named(folder))
            return fail(ErrorKind::Invalid,
                        "the gates of this folder cannot be named: " + escape_foreign(folder),
                        "letters, digits and - _ . + @ ~ only, or name other `folders`");
        if (++count > kMostFolders)
            return fail(ErrorKind::Invalid,
                        "`folders` stands for more than " + std::to_string(kMostFolders) + " files");
        auto done = file(folder, path, TRY(sources_.file(path)));
        if (!done && all_ == nullptr) return done;
        if (!done) all_->push_back(done.error());
    }
    return {};
}

Error Loader::at(const Origin& origin, const GraphProblem& problem) const {
    const Value* place = origin.gate;
    if (const Value* needs = place->find("needs"); needs != nullptr && !problem.need.empty()) {
        place = needs;
        for (const auto& item : needs->list())
            if (item.text() == problem.need || problem.need.ends_with(":" + item.text())) place = &item;
    }
    const auto width = place->is(Value::Kind::Text) ? static_cast<int>(place->text().size()) : 1;
    std::optional<Where> where = origin.composition->document().where(*place, width);
    origin.composition->locate(where);
    return Error{ErrorKind::Invalid, problem.message, problem.hint, where, {}};
}

Result<void> Loader::check_graphs() {
    if (partial_) return {};
    for (const auto& [name, stage] : config.stages) {
        const auto problem = find_problem(stage.gates);
        if (!problem) continue;
        auto error = at(origins_[name][problem->gate], *problem);
        if (all_ == nullptr) return fail(std::move(error));
        all_->push_back(std::move(error));
    }
    return {};
}

Result<Config> load_config(std::string file, std::string text, const ConfigSources& sources,
                           std::vector<Error>* all) {
    Loader loader(sources, all);
    loader.config.text = text;
    const auto load = [&]() -> Result<void> {
        TRY(loader.file("", std::move(file), std::move(text)));
        TRY(loader.folders());
        if (all == nullptr || all->empty()) TRY(loader.local());
        // Names that were not read are no names.
        if (all == nullptr || all->empty()) TRY(loader.check_graphs());
        return {};
    };
    auto done = load();
    if (!done && all != nullptr) all->push_back(done.error());
    if (!done) return fail(std::move(done.error()));
    if (all != nullptr && !all->empty()) return fail(all->front());
    loader.config.partial = loader.partial();
    return std::move(loader.config);
}

Result<Config> parse_config(std::string file, std::string text) {
    return load_config(std::move(file), std::move(text), {});
}

}  // namespace tidegate::hooks
