// Whether `only` and `except` let a gate run. Pure.
#pragma once

#include "hooks/config/config.hpp"

#include <functional>

namespace tidegate::hooks {

// What a run is about.
struct Facts {
    std::vector<std::string> refs;  // full names: what is committed to, or every ref that gets this tree
    bool merging = false;
    bool rebasing = false;
    std::function<std::optional<std::string>(const std::string&)> variable;  // of the caller
};

// Why the gate is left out: "`only` branch main"; empty: it runs. Of several refs one is enough for `only`, and
// `except` must hold for all: in doubt a gate runs.
[[nodiscard]] std::string left_out_by(const Gate& gate, const Facts& facts);

}  // namespace tidegate::hooks
