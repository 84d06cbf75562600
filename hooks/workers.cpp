#include "hooks/workers.hpp"

#include <sched.h>

#include <algorithm>

namespace tidegate::hooks {

namespace {

constexpr size_t kMostThreads = 16;
constexpr size_t kAlonePieces = 24;        // done without threads
constexpr size_t kAloneBytes = 512 << 10;  // the same
constexpr size_t kMostWaiting = 64 << 20;  // bytes

size_t cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    const int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return std::clamp<size_t>(static_cast<size_t>(count), 1, kMostThreads);
}

}  // namespace

Workers::Workers() : most_threads_(cores()) {}

Workers::~Workers() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        waiting_.clear();
    }
    arrived_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void Workers::give(size_t bytes, std::function<void()> work) {
    ++given_;
    given_bytes_ += bytes;
    if (most_threads_ == 1 || (given_ <= kAlonePieces && given_bytes_ <= kAloneBytes)) return work();
    if (threads_.size() < most_threads_) threads_.emplace_back([this] { run(); });
    {
        std::unique_lock lock(mutex_);
        done_.wait(lock, [&] { return waiting_bytes_ < kMostWaiting; });
        waiting_.push_back({bytes, std::move(work)});
        waiting_bytes_ += bytes;
    }
    arrived_.notify_one();
}

void Workers::finish() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return waiting_.empty() && running_ == 0; });
}

void Workers::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        arrived_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
        if (ended_) return;
        auto piece = std::move(waiting_.front());
        waiting_.pop_front();
        waiting_bytes_ -= piece.bytes;
        ++running_;
        lock.unlock();
        piece.work();
        piece.work = nullptr;  // what it holds goes here, not under the lock
        lock.lock();
        --running_;
        done_.notify_all();
    }
}

}  // namespace tidegate::hooks
