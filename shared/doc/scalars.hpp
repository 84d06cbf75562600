// Plain scalars of YAML 1.2's core schema (section 10.3.2), and the ones that mean different things to
// different readers. Pure functions over one scalar's written text.
#pragma once

#include "shared/doc/value.hpp"

#include <optional>
#include <string_view>

namespace tidegate::shared {

// The value that a plain (unquoted) scalar stands for; its written text is kept. nullopt for a whole number
// that does not fit into 64 bits.
[[nodiscard]] std::optional<Value> resolve_plain(std::string_view text);

// on, off, yes, no: a boolean to YAML 1.1 readers, text to 1.2 ones.
[[nodiscard]] bool is_old_boolean(std::string_view text);

// Whether every reader takes this number for the same thing and writes it back the same way: decimal, no
// leading zero, no exponent, not infinite.
[[nodiscard]] bool is_simple_number(std::string_view text);

}  // namespace tidegate::shared
