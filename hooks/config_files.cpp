#include "hooks/config_files.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLimit = 1 << 20;

std::string lowered(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

bool is_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; });
}

bool is_plain(std::string_view value) {
    return std::none_of(value.begin(), value.end(), [](unsigned char c) {
        return c < 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '#' || c == ';';
    });
}

// `[section]` or `[section "subsection"]` at the line's beginning, which it is taken off. nullopt: another form.
std::optional<std::string> section_of(std::string_view& line) {
    const auto close = line.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const auto inside = line.substr(1, close - 1);
    line = trim(line.substr(close + 1));
    const auto quote = inside.find('"');
    const auto name = trim(inside.substr(0, quote));
    if (!is_name(name)) return std::nullopt;
    if (quote == std::string_view::npos) return inside == name ? std::optional(lowered(name)) : std::nullopt;
    auto below = inside.substr(quote + 1);
    if (!below.ends_with('"')) return std::nullopt;
    below.remove_suffix(1);
    if (!is_plain(below)) return std::nullopt;
    return lowered(name) + "." + std::string(below);
}

// The file's text; empty where there is none, nullopt where it cannot be read.
std::optional<std::string> text_of(const std::string& path) {
    auto text = read_file(path, kLimit);
    if (text) return std::move(*text);
    return text.error().kind == ErrorKind::NotFound ? std::optional(std::string()) : std::nullopt;
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

bool take_settings(std::string_view text, const std::function<bool(const std::string&)>& wanted,
                   Settings& settings) {
    std::string section;
    for (const auto raw : lines_of(text)) {
        auto line = trim(raw);
        if (line.ends_with('\\')) return false;
        if (line.starts_with('[')) {
            auto name = section_of(line);
            if (!name || name->starts_with("include")) return false;
            section = std::move(*name);
        }
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        const auto equals = line.find('=');
        const auto key = trim(line.substr(0, equals));
        if (section.empty() || !is_name(key)) return false;
        const auto name = section + "." + lowered(key);
        if (!wanted(name)) continue;
        const auto value = equals == std::string_view::npos ? "true" : trim(line.substr(equals + 1));
        if (!is_plain(value)) return false;
        settings[name] = value;
    }
    return true;
}

std::optional<Settings> settings_from_files(const std::string& git, std::string_view repository_config,
                                            const std::function<bool(const std::string&)>& wanted) {
    constexpr std::array<const char*, 6> kMore{
        "GIT_CONFIG",        "GIT_CONFIG_COUNT",    "GIT_CONFIG_PARAMETERS",
        "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL"};
    if (std::any_of(kMore.begin(), kMore.end(),
                    [](const char* name) { return std::getenv(name) != nullptr; }))
        return std::nullopt;
    // A git of the system reads /etc/gitconfig; where another looks is known to itself.
    const auto home = environment("HOME");
    if (home.empty() || (git != "/usr/bin/git" && git != "/usr/lib/git-core/git")) return std::nullopt;
    const auto xdg = environment("XDG_CONFIG_HOME");
    Settings settings;
    for (const auto& path : {std::string("/etc/gitconfig"),
                             (xdg.empty() ? home + "/.config" : xdg) + "/git/config", home + "/.gitconfig"}) {
        const auto text = text_of(path);
        if (!text || !take_settings(*text, wanted, settings)) return std::nullopt;
    }
    if (!take_settings(repository_config, wanted, settings)) return std::nullopt;
    return settings;
}

}  // namespace tidegate::hooks
