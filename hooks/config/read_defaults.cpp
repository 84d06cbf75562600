#include "hooks/config/read.hpp"

#include <sched.h>

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

// Gates that wait, for a server or a container, must not wait for each other on a small machine.
constexpr int kLeastParallel = 16;

int default_parallel() {
    cpu_set_t set;
    CPU_ZERO(&set);
    const int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return std::max(kLeastParallel, 4 * cores);
}

}  // namespace

Defaults read_defaults(MapReader& top) {
    Defaults defaults;
    defaults.parallel = default_parallel();
    const Value* value = top.map("defaults");
    if (value == nullptr) return defaults;
    MapReader map(top.document(), *value, "defaults");
    defaults.timeout = map.duration("timeout", kDefaultTimeout, Duration(1), kLongestTimeout);
    defaults.parallel = static_cast<int>(map.integer("parallel", defaults.parallel, 1, 1024));
    defaults.pass_env = map.texts("pass_env");
    check_pass_env(map, defaults.pass_env);
    if (auto done = map.finish(); !done) top.reject(std::move(done.error()));
    return defaults;
}

}  // namespace tidegate::hooks
