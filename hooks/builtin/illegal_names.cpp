#include "hooks/builtin/builtin.hpp"
#include "shared/base/names.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>

namespace tidegate::hooks::builtin {

namespace {

// Windows keeps these for devices, with any ending and in any case.
bool is_device(std::string_view name) {
    std::string stem(name.substr(0, name.find('.')));
    for (char& c : stem)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    while (stem.ends_with(' ')) stem.pop_back();
    constexpr std::array<std::string_view, 4> kDevices{"CON", "PRN", "AUX", "NUL"};
    if (std::find(kDevices.begin(), kDevices.end(), stem) != kDevices.end()) return true;
    if (!stem.starts_with("COM") && !stem.starts_with("LPT")) return false;
    const std::string_view number = std::string_view(stem).substr(3);
    if (number.size() == 1) return number[0] >= '0' && number[0] <= '9';
    return number == "\xC2\xB9" || number == "\xC2\xB2" || number == "\xC2\xB3";  // superscript 1, 2, 3
}

// Why a single name cannot be checked out everywhere; empty where it can.
std::string objection(std::string_view name, const Options& options) {
    if (shared::looks_like_dot_git(name)) return "some file systems take it for .git";
    for (const char c : name) {
        if (std::string_view("<>:\"|?*\\").find(c) != std::string_view::npos)
            return std::string("Windows allows no ") + c + " in a name";
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "it holds a control character";
    }
    if (is_device(name)) return "Windows keeps that name for a device";
    if (name.ends_with('.') || name.ends_with(' ')) return "Windows drops the dot or blank at its end";
    if (!shared::is_utf8(name)) return "it is not UTF-8";
    if (name.size() > options.longest_name)
        return "it is longer than " + shared::count_of(options.longest_name, "byte");
    if (matches_any(options.forbidden, name)) return "such names are not wanted here";
    return {};
}

}  // namespace

// As check-illegal-windows-names, and names that other file systems refuse or take for git's own folder.
void illegal_names(const Paths& paths, Problems& problems) {
    for (const auto path : paths.changed) {
        for (const auto name : shared::split(path, '/')) {
            const auto why = objection(name, *paths.options);
            if (why.empty()) continue;
            problems.push_back(
                {std::string(path), 0, 0, "illegal name " + shared::escape_foreign(name) + ": " + why});
            break;
        }
    }
}

}  // namespace tidegate::hooks::builtin
