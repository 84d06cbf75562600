#include "hooks/builtin/builtin.hpp"
#include "shared/base/text.hpp"

namespace tidegate::hooks::builtin {

// Lines that git writes around a conflict. A row of "=======" alone is a heading's underline as well: it counts only
// between the other two.
void merge_conflict(const File& file, Problems& problems) {
    if (file.link) return;
    int number = 0;
    bool open = false;
    for (auto line : shared::lines_of(file.content)) {
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        const bool begins = line.starts_with("<<<<<<< ") || line.starts_with("||||||| ");
        const bool ends = line.starts_with(">>>>>>> ");
        const bool between = open && line == "=======";
        if (begins) open = true;
        if (ends) open = false;
        if (begins || ends || between)
            problems.push_back(
                {std::string(file.path), number, 1, "conflict marker: " + std::string(line.substr(0, 7))});
    }
}

}  // namespace tidegate::hooks::builtin
