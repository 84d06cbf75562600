// The command lines of tidegated and tidegatectl: `-C DIR` everywhere, and mistakes told as all others are.
#pragma once

#include <optional>

namespace CLI {
class App;
}

namespace tidegate::reconciler {

// Gives `program` and its commands `-C DIR`, parses, and goes to DIR. Help, the version and errors (Usage, with the
// nearest known word; the system's where DIR can't be entered) are printed; then the exit code comes back, and nullopt
// where the program is to go on. `program`, whose name is that of the executable, is borrowed.
[[nodiscard]] std::optional<int> read_arguments(CLI::App& program, int argc, char** argv);

}  // namespace tidegate::reconciler
