// The sections of a manifest, each read by a function of its own, and what these share. Inside of manifests/ only:
// others ask parse_manifest().
#pragma once

#include "manifests/manifest.hpp"
#include "manifests/read_parts.hpp"
#include "shared/doc/reader.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::manifests {

// Each reads the key of its name in the manifest's own map; what is wrong is put at its place there.
[[nodiscard]] Source read_release(shared::MapReader& top);
[[nodiscard]] std::optional<Require> read_require(shared::MapReader& top);
// After `app` is read: nobody waits for itself.
[[nodiscard]] std::vector<std::string> read_depends_on(shared::MapReader& top, const std::string& app);
void read_shared(shared::MapReader& top, Manifest& manifest);
[[nodiscard]] std::map<std::string, std::string> read_env(shared::MapReader& top);
// After read_env(): a name in both is refused.
[[nodiscard]] std::map<std::string, Secret> read_secrets(shared::MapReader& top, const Manifest& manifest);
[[nodiscard]] std::vector<BuildStep> read_build(shared::MapReader& top);
// After root, shared paths, env and secrets: where a database may lie, and which variables there are.
[[nodiscard]] Migrate read_migrate(shared::MapReader& top, const Manifest& manifest);
[[nodiscard]] std::optional<Rollout> read_rollout(shared::MapReader& top);
[[nodiscard]] std::vector<ActivateStep> read_activate(shared::MapReader& top);
// `strategy`, `instances` and `upstream`.
[[nodiscard]] std::optional<BlueGreen> read_strategy(shared::MapReader& top);
// After read_strategy(): `{instance}` stands for an address where there are instances, and for nothing elsewhere.
[[nodiscard]] std::vector<HealthCheck> read_health(shared::MapReader& top, const Manifest& manifest);

// What may stand in braces in the address of a check.
struct Placeholders {
    bool instance = false;              // {instance}
    std::vector<std::string> captured;  // by the requests before it
    bool sequence = false;              // this one may capture
};
[[nodiscard]] HttpCheck read_http(shared::MapReader& reader, const Placeholders& known,
                                  shared::Duration& within);
[[nodiscard]] SequenceCheck read_sequence(shared::MapReader& reader, bool instances);
[[nodiscard]] FileCheck read_file_check(shared::MapReader& reader);
[[nodiscard]] DatabaseCheck read_database_check(shared::MapReader& reader);

// A foreign text in a message: escaped, cut, in backquotes.
[[nodiscard]] std::string quoted(std::string_view text);
// A text that one of the fault_of_… functions judges.
[[nodiscard]] std::string judged(shared::MapReader& reader, std::string_view key, shared::Required required,
                                 std::string (*fault_of)(std::string_view));
// Exactly one of `keys` is there. Gives its index; nullopt with the error put at `value` otherwise.
[[nodiscard]] std::optional<size_t> exactly_one(shared::MapReader& reader, const shared::Value& value,
                                                std::string_view what,
                                                const std::vector<std::string_view>& keys);
// Runs `read` on the map `value` with a reader of its own, and takes over its first error.
template <typename Read>
void nested(shared::MapReader& reader, const shared::Value* value, std::string what, Read read) {
    if (value == nullptr || (reader.failed() && reader.document().errors() == nullptr)) return;
    shared::MapReader inner(reader.document(), *value, std::move(what));
    read(inner);
    if (auto done = inner.finish(); !done) reader.reject(std::move(done.error()));
}

}  // namespace tidegate::manifests
