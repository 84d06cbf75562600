// What a repository is made of, and the gates that its own tools offer.
#pragma once

#include "hooks/cli/proposal.hpp"

namespace tidegate::hooks::cli {

struct GateText {
    std::string name;
    std::string run;
    std::string files;  // as it stands in the file: ["**/*.rs"]
    std::string needs;
    std::string version;
    std::string fix{};
};

struct SetupText {
    std::string run;
    std::string inputs;
};

struct Draft {
    std::vector<GateText> commit;
    std::vector<GateText> push;
    std::vector<SetupText> setup;
    std::vector<std::string> found;
};

[[nodiscard]] Draft look_for_languages(const Surroundings& here);

}  // namespace tidegate::hooks::cli
