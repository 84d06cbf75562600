// Threads for work in memory, as many as there are cores. The first few pieces are done in the caller's own thread:
// most commits have no more, and a thread costs more than they do.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tidegate::hooks {

class Workers {
  public:
    Workers();
    ~Workers();  // what was given and not begun is dropped; call finish() for it to be done
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    // Does it now, or has it done. `bytes` is what the piece holds in memory: with too much waiting this waits.
    // Pieces must not touch each other's data.
    void give(size_t bytes, std::function<void()> work);
    // Waits until all that was given is done.
    void finish();

  private:
    struct Piece {
        size_t bytes;
        std::function<void()> work;
    };
    void run();

    size_t most_threads_;
    size_t given_ = 0;
    size_t given_bytes_ = 0;
    std::mutex mutex_;  // guards what follows, but threads_
    std::condition_variable arrived_;
    std::condition_variable done_;
    std::deque<Piece> waiting_;
    size_t waiting_bytes_ = 0;
    size_t running_ = 0;
    bool ended_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace tidegate::hooks
