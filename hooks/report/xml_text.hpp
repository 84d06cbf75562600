// What the readers of XML reports share: one bounded parse, and errors with their line.
#pragma once

#include "shared/base/error.hpp"

#include <string>
#include <string_view>

namespace pugi {
class xml_document;
class xml_node;
}  // namespace pugi

namespace tidegate::hooks::reports {

inline constexpr size_t kMostReportBytes = 64 << 20;

// The line of a byte in a text, from 1.
[[nodiscard]] int line_at(std::string_view text, std::ptrdiff_t offset);
[[nodiscard]] tl::unexpected<Error> fail_at(const std::string& file, int line, std::string message);

// Entities of the report's own are never expanded, so a bomb costs its bytes.
[[nodiscard]] Result<void> parse_xml(const std::string& file, std::string_view text,
                                     pugi::xml_document& into);

}  // namespace tidegate::hooks::reports
