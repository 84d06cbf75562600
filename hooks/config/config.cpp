#include "hooks/config/config.hpp"

#include "hooks/config/read.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

// Right, but not here: at its place, and not as a mistake.
Error unsupported(const Document& document, const Value& value, std::string message, std::string hint) {
    return Error{ErrorKind::Unsupported, std::move(message), std::move(hint), document.where(value), {}};
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
