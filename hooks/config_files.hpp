// A few of git's settings read from its files (git-config(1)), so that no git is started for them. Only what is written
// plainly is read here: anything else is git's to tell.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::hooks {

using Settings = std::map<std::string, std::string>;

// Takes the settings that `wanted` asks for by their whole name (section and key in lower case) out of one file's text;
// later ones win. False where the text holds an include, a value that goes on in the next line or is quoted, or
// anything else that is not plain.
[[nodiscard]] bool take_settings(std::string_view text, const std::function<bool(const std::string&)>& wanted,
                                 Settings& settings);

// Those of system, user and repository, as git would read them there. nullopt where the environment says more, or a
// file is not plain. `repository_config` is the text of <common dir>/config, `git` the program's path.
[[nodiscard]] std::optional<Settings> settings_from_files(
    const std::string& git, std::string_view repository_config,
    const std::function<bool(const std::string&)>& wanted);

}  // namespace tidegate::hooks
