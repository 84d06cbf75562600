// `depends_on`: which apps of an environment come before which. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tidegate::manifests {

// Who waits for whom; apps that are named and not keys wait for nobody.
using Dependencies = std::map<std::string, std::vector<std::string>>;

// A circle in which `app` waits for itself, from it to it ("web", "api", "web"); empty where there is none.
[[nodiscard]] std::vector<std::string> circle_of(const Dependencies& dependencies, const std::string& app);

}  // namespace tidegate::manifests
