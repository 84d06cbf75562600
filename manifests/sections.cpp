#include "manifests/sections.hpp"

#include "shared/base/text.hpp"

namespace tidegate::manifests {

using namespace shared;

std::string quoted(std::string_view text) {
    return "`" + escape_foreign(text.substr(0, 80)) + "`";
}

std::string judged(MapReader& reader, std::string_view key, Required required,
                   std::string (*fault_of)(std::string_view)) {
    auto text = reader.text(key, required);
    const Value* value = reader.any(key);
    // Where all mistakes are wanted, those of other keys do not keep this one from being judged.
    const bool all = reader.document().errors() != nullptr && !text.empty();
    if (value == nullptr || (reader.failed() && !all)) return text;
    if (const auto fault = fault_of(text); !fault.empty())
        reader.reject(*value, "`" + std::string(key) + "` " + fault + ": " + quoted(text));
    return text;
}

std::optional<size_t> exactly_one(MapReader& reader, const Value& value, std::string_view what,
                                  const std::vector<std::string_view>& keys) {
    std::optional<size_t> found;
    for (size_t i = 0; i < keys.size(); ++i) {
        const Value* given = reader.any(keys[i]);
        if (given == nullptr) continue;
        if (found) {
            reader.reject(*given, std::string(what) + " has `" + std::string(keys[*found]) + "` and `" +
                                      std::string(keys[i]) + "`: it takes one of them");
            return std::nullopt;
        }
        found = i;
    }
    if (reader.failed() || found) return found;
    std::string offered;
    for (const auto key : keys) offered += (offered.empty() ? "" : " ") + std::string(key);
    reader.reject(value, std::string(what) + " needs one of: " + offered);
    return std::nullopt;
}

}  // namespace tidegate::manifests
