// Work that a few threads share. Inside of the reconciler only.
#pragma once

#include <cstddef>
#include <functional>

namespace tidegate::reconciler {

// How many threads are worth having for `items` where each gets at least `least`: one for each core, four at most.
[[nodiscard]] size_t threads_for(size_t items, size_t least);

// work(0) … work(parts - 1), each in a thread of its own but the first, which is the caller's; where no thread can be
// made, its part is the caller's, too. `work` throws nothing.
void in_parallel(size_t parts, const std::function<void(size_t)>& work);

}  // namespace tidegate::reconciler
