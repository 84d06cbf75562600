#include "hooks/report/xml_text.hpp"

#include <pugixml.hpp>

#include <algorithm>

namespace tidegate::hooks::reports {

int line_at(std::string_view text, std::ptrdiff_t offset) {
    const auto end = std::clamp<std::ptrdiff_t>(offset, 0, static_cast<std::ptrdiff_t>(text.size()));
    return static_cast<int>(std::count(text.begin(), text.begin() + end, '\n')) + 1;
}

tl::unexpected<Error> fail_at(const std::string& file, int line, std::string message) {
    Error error{ErrorKind::Invalid, std::move(message), {}, std::nullopt, {}};
    error.where = shared::Where{file, line, 0, {}, 1};
    return fail(std::move(error));
}

Result<void> parse_xml(const std::string& file, std::string_view text, pugi::xml_document& into) {
    if (text.size() > kMostReportBytes) return fail_at(file, 0, "a report of more than 64 MiB");
    const auto parsed = into.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_auto);
    if (parsed) return {};
    return fail_at(file, line_at(text, parsed.offset), std::string("no XML report: ") + parsed.description());
}

}  // namespace tidegate::hooks::reports
