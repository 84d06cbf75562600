#include "hooks/builtin/builtin.hpp"

#include <algorithm>

namespace tidegate::hooks::builtin {

// As end-of-file-fixer: empty, or exactly one newline at the end.
void end_of_file(const File& file, Problems& problems) {
    const auto text = file.content;
    if (file.link || text.empty() || file.size > text.size()) return;
    const auto line = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    if (!text.ends_with('\n') && !text.ends_with('\r')) {
        problems.push_back({std::string(file.path), line + 1, 0, "no newline at the end"});
        return;
    }
    const auto last = text.find_last_not_of("\r\n");
    const auto end = last == std::string_view::npos ? text : text.substr(last + 1);
    if (last == std::string_view::npos)
        problems.push_back({std::string(file.path), 1, 0, "nothing but empty lines"});
    else if (end != "\n" && end != "\r\n" && end != "\r")
        problems.push_back({std::string(file.path), line, 0, "more than one newline at the end"});
}

}  // namespace tidegate::hooks::builtin
