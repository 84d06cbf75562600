#include "hooks/builtin/fixes.hpp"

namespace tidegate::hooks::builtin {

namespace {
constexpr std::string_view kMark = "\xEF\xBB\xBF";
}

// As fix-byte-order-marker: UTF-8 needs no mark, and tools that do not expect one read it as text.
void byte_order_mark(const File& file, Problems& problems) {
    if (file.link || !file.content.starts_with(kMark)) return;
    problems.push_back({std::string(file.path), 1, 1, "begins with a byte-order mark"});
}

std::optional<std::string> without_byte_order_mark(const File& file) {
    if (file.link || file.size > file.content.size() || !file.content.starts_with(kMark)) return std::nullopt;
    return std::string(file.content.substr(kMark.size()));
}

}  // namespace tidegate::hooks::builtin
