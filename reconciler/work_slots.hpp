// How many apps of a host may stage or build at the same time, and how many fetch from one server. Waiting for a slot costs
// nothing and can be cancelled; health and soak hold none, so an app that is watched for a day keeps nobody waiting.
#pragma once

#include "shared/base/error.hpp"
#include "shared/base/fd.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace tidegate::reconciler {

class WorkSlots {
  public:
    // Given back when it goes.
    class Slot {
      public:
        explicit Slot(int slots) : slots_(slots) {}
        Slot(Slot&& other) noexcept : slots_(std::exchange(other.slots_, -1)) {}
        Slot& operator=(Slot&&) = delete;
        Slot(const Slot&) = delete;
        Slot& operator=(const Slot&) = delete;
        ~Slot() {
            const std::uint64_t one = 1;
            if (slots_ >= 0) (void)!::write(slots_, &one, sizeof one);
        }

      private:
        int slots_;
    };

    explicit WorkSlots(unsigned count) : slots_(eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {}

    // Waits until one is free; Cancelled when cancel_fd gets readable first.
    [[nodiscard]] Result<Slot> take(int cancel_fd) const {
        while (true) {
            std::uint64_t got = 0;
            if (::read(slots_.get(), &got, sizeof got) == sizeof got) return Slot(slots_.get());
            pollfd polled[2] = {{slots_.get(), POLLIN, 0}, {cancel_fd, POLLIN, 0}};
            if (::poll(polled, cancel_fd >= 0 ? 2 : 1, -1) < 0 && errno != EINTR)
                return shared::fail_errno("work slots");
            if (cancel_fd >= 0 && polled[1].revents != 0)
                return fail(ErrorKind::Cancelled, "cancelled while it waited for other apps");
        }
    }

  private:
    shared::Fd slots_;
};

// As many slots for each name: a server that is silent keeps those waiting who want something of it, and nobody else.
// Thread-safe.
class NamedSlots {
  public:
    explicit NamedSlots(unsigned count) : count_(count) {}

    [[nodiscard]] Result<WorkSlots::Slot> take(const std::string& name, int cancel_fd) const {
        return of(name).take(cancel_fd);
    }

  private:
    const WorkSlots& of(const std::string& name) const {
        const std::lock_guard lock(mutex_);
        return slots_.try_emplace(name, count_).first->second;  // stays where it is
    }

    unsigned count_;
    mutable std::mutex mutex_;
    mutable std::map<std::string, WorkSlots> slots_;
};

}  // namespace tidegate::reconciler
