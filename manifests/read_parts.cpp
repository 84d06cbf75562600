#include "manifests/read_parts.hpp"

#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::manifests {

using namespace shared;

namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

bool made_of(std::string_view text, std::initializer_list<std::string_view> sets) {
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return std::any_of(sets.begin(), sets.end(),
                           [c](std::string_view set) { return set.find(c) != std::string_view::npos; });
    });
}

}  // namespace

std::optional<Script> read_script(MapReader& reader, std::string_view key, Required required) {
    const Value* value = reader.any(key, required);
    if (value == nullptr) return std::nullopt;
    Script script;
    if (value->is(Value::Kind::List)) {
        script.argv = reader.texts(key);
        if (!reader.failed() && (script.argv.empty() || script.argv.front().empty()))
            reader.reject(*value, "`" + std::string(key) + "` is an empty command");
    } else {
        script.shell = reader.text(key, "");
        if (!reader.failed() && trim(script.shell).empty())
            reader.reject(*value, "`" + std::string(key) + "` is an empty command");
    }
    if (reader.failed()) return std::nullopt;
    return script;
}

void read_version(MapReader& reader) {
    const Value* value = reader.any("version", Required::Yes);
    if (value == nullptr) return;
    if (!value->is(Value::Kind::Integer) || value->integer() != 1)
        reader.reject(*value, "`version` is 1, the only one there is", "write version: 1");
}

std::string fault_of_absolute_path(std::string_view path) {
    if (!path.starts_with('/')) return "must begin with /";
    if (path.size() == 1) return "cannot be / itself";
    if (path.size() > 1024) return "is too long";
    if (std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
        return "has a control character";
    for (const auto part : split(path.substr(1), '/')) {
        if (part.empty()) return "has an empty part (a doubled or trailing /)";
        if (part == "." || part == "..") return "has a part \"" + std::string(part) + "\"";
    }
    return {};
}

std::string fault_of_variable(std::string_view name) {
    if (name.empty() || !made_of(name, {kLower, kUpper, kDigits, "_"}) ||
        kDigits.find(name.front()) != std::string_view::npos)
        return "is not a name of a variable: letters, digits and _";
    if (name.starts_with("TIDEGATE")) return "is reserved: TIDEGATE… variables are set by Tidegate";
    if (name.size() > 128) return "is too long";
    return {};
}

std::string fault_of_unit(std::string_view unit) {
    constexpr std::string_view kSuffixes[] = {".service", ".socket", ".target", ".timer", ".path"};
    const auto suffix = std::find_if(std::begin(kSuffixes), std::end(kSuffixes), [&](std::string_view end) {
        return unit.size() > end.size() && unit.ends_with(end);
    });
    if (suffix == std::end(kSuffixes))
        return "is not a unit's name: it ends in .service .socket .target .timer or .path";
    if (unit.size() > 255) return "is too long";
    if (unit.front() == '-' || unit.front() == '.' || !made_of(unit, {kLower, kUpper, kDigits, ":-_.\\@"}))
        return "is not a unit's name: letters, digits and : - _ . @ only";
    return {};
}

std::string fault_of_address(std::string_view address) {
    const auto colon = address.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return "must be host:port";
    auto host = address.substr(0, colon);
    const auto port = address.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !made_of(port, {kDigits})) return "has no port: write host:port";
    const int number = std::stoi(std::string(port));
    if (number < 1 || number > 65535) return "has a port outside of 1 to 65535";
    if (host.starts_with('[')) {
        if (!host.ends_with(']')) return "lacks the ] of its IPv6 address";
        host = host.substr(1, host.size() - 2);
        if (host.empty() || !made_of(host, {kDigits, "abcdefABCDEF:.%"})) return "is not an IPv6 address";
        return {};
    }
    if (host.find(':') != std::string_view::npos) return "is IPv6: write [address]:port";
    if (host.front() == '-' || host.size() > 253 || !made_of(host, {kLower, kUpper, kDigits, ".-_"}))
        return "is not a host's name";
    return {};
}

std::string fault_of_database(std::string_view name) {
    if (name.empty() || name.size() > 1024) return "is not a database's name";
    if (name.front() == '-' || !made_of(name, {kLower, kUpper, kDigits, "_-./+@"}))
        return "is not a database's name: letters, digits and _ - . / + @, no addresses and passwords";
    return {};
}

std::string fault_of_user(std::string_view user) {
    if (user.empty() || user.size() > 32) return "is not a user's name";
    if (user == "root") return "is root: nothing of a release ever runs as root";
    if (made_of(user, {kDigits})) return "is a number: name the user";
    const bool first = made_of(user.substr(0, 1), {kLower, kUpper, kDigits, "_"});
    if (!first || !made_of(user, {kLower, kUpper, kDigits, "_.-"})) return "is not a user's name";
    return {};
}

bool is_hex(std::string_view text, size_t digits) {
    return text.size() == digits && made_of(text, {kDigits, "abcdef"});
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && made_of(name.substr(0, 1), {kLower, kUpper, kDigits}) &&
           made_of(name, {kLower, kUpper, kDigits, "._-"});
}

}  // namespace tidegate::manifests
