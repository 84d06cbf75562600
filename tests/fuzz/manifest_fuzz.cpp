// YAML, manifests, tidegate.yaml and JSON: any bytes are read or refused with a place, in bounded time, and what
// is read can be written and read again.
#include "manifests/branch.hpp"
#include "manifests/edit.hpp"
#include "manifests/manifest.hpp"
#include "manifests/mistakes.hpp"
#include "shared/doc/json.hpp"
#include "shared/doc/yaml.hpp"

#include <cstdint>
#include <cstdlib>

using namespace tidegate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto document = shared::parse_yaml("f", text);
    if (!document && (!document.error().where || document.error().where->line < 1)) std::abort();
    if (const auto json = shared::parse_json(text)) {
        const auto again = shared::parse_json(shared::to_json(*json));
        if (!again || !(*again == *json)) std::abort();
    }
    static_cast<void>(manifests::parse_branch_rules("f", text));
    static_cast<void>(manifests::mistakes_of_branch_rules("f", text));
    if (manifests::mistakes_of_manifest("f", text).empty() !=
        manifests::parse_manifest("f", text).has_value())
        std::abort();
    const auto manifest = manifests::parse_manifest("f", text);
    if (!manifest) return 0;
    static_cast<void>(manifests::release_id(*manifest));
    if (manifest->git() == nullptr) return 0;
    auto source = *manifest->git();
    source.commit = *shared::Oid::parse("0123456789012345678901234567890123456789");
    source.tag = "v1";
    static_cast<void>(manifests::with_release("f", text, source));
    return 0;
}
