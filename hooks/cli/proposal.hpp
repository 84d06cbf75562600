// What `tidegate init` proposes. Pure: from what a repository holds to the text of a .tidegate.yaml.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks::cli {

// What the proposal is made from.
struct Surroundings {
    std::vector<std::string> paths;                       // tracked files
    std::function<std::string(const std::string&)> read;  // a file's text, empty where there is none
    std::function<bool(const std::string&)> has_program;  // in PATH
};

struct Proposal {
    std::string yaml;
    std::vector<std::string> found;  // "CMake", "lefthook.yml", …: what was recognised
    std::vector<std::string>
        notes;  // what another tool's configuration says and this one does not, what is missing: one line each
    bool carried_over = false;  // from other hook managers
};
[[nodiscard]] Proposal propose(const Surroundings& here);

}  // namespace tidegate::hooks::cli
