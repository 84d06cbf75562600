// A figure that a gate measured, as an attestation carries it: what a later run's is compared with.
#pragma once

#include <string>

namespace tidegate::shared {

struct Measure {
    std::string name = {};
    double value = 0;  // finite
    std::string unit = {};
};

}  // namespace tidegate::shared
