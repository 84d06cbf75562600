// What a command's unit is made of: the sandbox, property by property.
#pragma once

#include "reconciler/command_job.hpp"

#include <systemd/sd-bus.h>

#include <string>

namespace tidegate::reconciler {

struct UnitEnds {
    const std::string& name;
    const std::string& program;  // tidegate-command
    int input = -1;              // its end of the handover
    int output = -1;             // for both streams
};

// Fills a StartTransientUnit(name, mode, properties, aux). Broken where that cannot be.
[[nodiscard]] Result<void> fill_unit(sd_bus_message* request, const UnitEnds& ends, const CommandJob& job);

}  // namespace tidegate::reconciler
