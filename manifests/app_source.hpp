// What an app's own repository says about a commit or version, asked by one round trip (git ls-remote) or of a
// local clone.
#pragma once

#include "manifests/manifest.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tidegate::manifests {

struct Found {
    shared::Oid commit;
    std::optional<std::string> tag;
    std::vector<std::string> warnings;  // what a host will stumble over, or what could not be told
};

// `commit` or `version` is given, not both. `clone`: a local clone to ask instead of `url`.
// NotFound for a tag or abbreviation that nobody knows; Invalid for what is neither.
[[nodiscard]] Result<Found> find_release(const shared::Url& url, const std::optional<std::string>& commit,
                                         const std::optional<std::string>& version,
                                         const std::optional<std::string>& clone);

}  // namespace tidegate::manifests
