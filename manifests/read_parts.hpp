// Grammars that manifests and tidegate.yaml share. Pure functions.
#pragma once

#include "manifests/manifest.hpp"
#include "shared/doc/reader.hpp"

#include <string>
#include <string_view>

namespace tidegate::manifests {

// A command at `key`: a text or a list of texts, not empty. nullopt where the key is missing or wrong.
[[nodiscard]] std::optional<Script> read_script(shared::MapReader& reader, std::string_view key,
                                                shared::Required required = shared::Required::No);
// `version: 1`, which every file begins with.
void read_version(shared::MapReader& reader);

// What is wrong with it, or empty.
[[nodiscard]] std::string fault_of_absolute_path(std::string_view path);
[[nodiscard]] std::string fault_of_variable(std::string_view name);
[[nodiscard]] std::string fault_of_unit(std::string_view unit);
[[nodiscard]] std::string fault_of_address(std::string_view address);
// Of a database's name, or for sqlite3 its file: nothing that a client program would take for an option.
[[nodiscard]] std::string fault_of_database(std::string_view name);
[[nodiscard]] std::string fault_of_user(std::string_view user);
[[nodiscard]] bool is_hex(std::string_view text, size_t digits);
// A name of a stage, credential or label: letters, digits, ".", "_", "-", at most 64, beginning with a letter
// or digit.
[[nodiscard]] bool is_plain_name(std::string_view name);

}  // namespace tidegate::manifests
