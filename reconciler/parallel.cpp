#include "reconciler/parallel.hpp"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

namespace tidegate::reconciler {

namespace {

constexpr size_t kMostThreads = 4;

}  // namespace

size_t threads_for(size_t items, size_t least) {
    const size_t cores = std::max(std::thread::hardware_concurrency(), 1U);
    return std::clamp<size_t>(items / least, 1, std::min(cores, kMostThreads));
}

void in_parallel(size_t parts, const std::function<void(size_t)>& work) {
    std::vector<std::thread> others;
    others.reserve(parts);
    size_t started = 1;
    try {
        for (; started < parts; ++started) others.emplace_back([&work, started] { work(started); });
    } catch (const std::system_error&) {
        // No room for another one: what is left is done here.
    }
    if (parts > 0) work(0);
    for (; started < parts; ++started) work(started);
    for (auto& thread : others) thread.join();
}

}  // namespace tidegate::reconciler
