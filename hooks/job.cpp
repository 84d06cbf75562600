#include "hooks/job.hpp"

#include "shared/base/files.hpp"

#include <algorithm>
#include <utility>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kTail = 64 << 10;
constexpr size_t kLongestLog = 16 << 20;

}  // namespace

void JobOutput::take(std::string_view bytes) {
    tail_ += bytes;
    if (tail_.size() > 2 * kTail) tail_.erase(0, tail_.size() - kTail);
    if (const auto open = std::exchange(open_, nullptr))
        if (auto log = open()) log_ = std::move(*log);
    if (!log_) return;
    const auto room = kLongestLog - std::min(kLongestLog, logged_);
    const auto part = bytes.substr(0, room);
    (void)write_all(log_.get(), part, "log");  // a full disk must not fail a gate that passes
    logged_ += part.size();
    if (part.size() == bytes.size() || cut_) return;
    cut_ = true;
    (void)write_all(log_.get(), "\n… cut here: more than 16 MiB\n", "log");
}

std::string JobOutput::tail() const {
    return tail_.size() > kTail ? tail_.substr(tail_.size() - kTail) : tail_;
}

}  // namespace tidegate::hooks
