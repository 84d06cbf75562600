#include "hooks/tree_config.hpp"

#include "hooks/config/load.hpp"
#include "hooks/config/pinned.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <cstdlib>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLimit = 1 << 20;

std::function<Result<std::string>(const PinnedFile&)> pinned_files(const Repository& repo) {
    return [&repo](const PinnedFile& file) {
        PinnedFiles files(PinnedFiles::usual_directory(), repo.work_tree);
        files.cancel_fd = repo.cancel_fd;
        return files.content(file);
    };
}

// "No configuration" is not what a part of it that is missing means.
Result<Config> not_missing(Result<Config> config) {
    if (!config && config.error().kind == ErrorKind::NotFound) config.error().kind = ErrorKind::Broken;
    return config;
}

}  // namespace

Result<std::optional<std::string>> local_config(const Repository& repo) {
    const char* ci = std::getenv("CI");
    const std::string_view set = ci == nullptr ? "" : ci;
    if (repo.work_tree.empty() || (!set.empty() && set != "false" && set != "0")) return std::nullopt;
    auto text = read_file(repo.work_tree + "/" + std::string(kLocalFile), kLimit);
    if (text) return std::optional(std::move(*text));
    if (text.error().kind == ErrorKind::NotFound) return std::nullopt;
    return fail(std::move(text.error()));
}

Result<Config> server_config(const Repository& repo, const std::string& from) {
    ConfigSources sources;
    sources.pinned = pinned_files(repo);
    if (from.starts_with('/')) {
        sources.file = [](const std::string& path) { return read_file("/" + path, kLimit); };
        auto config = not_missing(load_config(from, TRY(read_file(from, kLimit)), sources));
        if (config && config->partial)
            return fail(ErrorKind::Invalid, escape_foreign(from) + " names `folders`, and lies in none",
                        "gates with folders are those of a revision: tidegate.serverGates HEAD:" +
                            std::string(kConfigFile));
        return config;
    }
    const auto colon = from.find(':');
    if (colon == std::string::npos || colon == 0)
        return fail(ErrorKind::Invalid, "tidegate.serverGates is none of: /FILE, REV:PATH, pushed",
                    "for example: git config tidegate.serverGates HEAD:" + std::string(kConfigFile));
    const auto missing = [&] {
        return fail(ErrorKind::NotFound,
                    "tidegate.serverGates names what is not here: " + escape_foreign(from));
    };
    const auto tree = TRY(repo.git.run(
        repo.call({"rev-parse", "-q", "--verify", "--end-of-options", from.substr(0, colon) + "^{tree}"})));
    if (!tree.ok()) return missing();
    const auto id = std::string(trim(tree.out));
    sources.file = [&repo, id](const std::string& path) -> Result<std::string> {
        auto call = repo.call({"cat-file", "blob", id + ":" + path});
        call.output_limit = kLimit;
        auto exit = TRY(repo.git.run(call));
        if (!exit.ok() || exit.truncated) return fail(ErrorKind::NotFound, escape_foreign(path));
        return std::move(exit.out);
    };
    sources.paths = [&repo, id]() -> Result<std::vector<std::string>> {
        const auto listed = TRY(repo.git.output(repo.call({"ls-tree", "-r", "-z", "--name-only", id})));
        std::vector<std::string> paths;
        for (const auto path : split(listed, '\0'))
            if (!path.empty()) paths.emplace_back(path);
        return paths;
    };
    const auto path = from.substr(colon + 1);
    auto text = sources.file(path);
    if (!text) return text.error().kind == ErrorKind::NotFound ? missing() : fail(std::move(text.error()));
    return not_missing(load_config(path, std::move(*text), sources));
}

Result<Config> tree_config(const Repository& repo, Target& target) {
    auto text = TRY(config_text(repo, target));
    ConfigSources sources;
    sources.file = [&](const std::string& path) { return tree_file(repo, target, path); };
    sources.pinned = pinned_files(repo);
    sources.paths = [&]() -> Result<std::vector<std::string>> {
        TRY(ensure_entries(repo, target));
        std::vector<std::string> paths;
        for (const auto& entry : target.entries) paths.push_back(entry.path);
        return paths;
    };
    sources.local = TRY(local_config(repo));
    return not_missing(load_config(std::string(kConfigFile), std::move(text), sources));
}

Result<Config> work_tree_config(const Repository& repo, std::string file, std::string text,
                                std::vector<Error>* all) {
    ConfigSources sources;
    sources.file = [&](const std::string& path) { return read_file(repo.work_tree + "/" + path, kLimit); };
    sources.pinned = pinned_files(repo);
    sources.paths = [&]() -> Result<std::vector<std::string>> {
        auto call = repo.call({"ls-files", "-z", "--cached", "--others", "--exclude-standard"});
        call.directory = repo.work_tree;
        const auto listed = TRY(repo.git.output(call));
        std::vector<std::string> paths;
        for (const auto path : split(listed, '\0'))
            if (!path.empty() && exists(repo.work_tree + "/" + std::string(path))) paths.emplace_back(path);
        return paths;
    };
    sources.local = TRY(local_config(repo));
    return not_missing(load_config(std::move(file), std::move(text), sources, all));
}

}  // namespace tidegate::hooks
