#include "hooks/builtin/builtin.hpp"

namespace tidegate::hooks::builtin {

// As forbid-submodules: none at all.
void forbid_submodules(const Paths& paths, Problems& problems) {
    for (const auto& submodule : paths.submodules)
        problems.push_back({std::string(submodule.path), 0, 0, "submodules are not allowed here"});
}

// As forbid-new-submodules: most often a clone that was added with `git add .`.
void forbid_new_submodules(const Paths& paths, Problems& problems) {
    for (const auto& submodule : paths.submodules)
        if (submodule.added)
            problems.push_back(
                {std::string(submodule.path), 0, 0,
                 "new submodule (if it was not meant: git rm --cached " + std::string(submodule.path) + ")"});
}

// A submodule moved along unseen, as `git commit -a` does.
void submodule_changes(const Paths& paths, Problems& problems) {
    for (const auto& submodule : paths.submodules)
        if (submodule.changed)
            problems.push_back({std::string(submodule.path), 0, 0,
                                submodule.added ? "new submodule" : "submodule moved to another commit"});
}

}  // namespace tidegate::hooks::builtin
