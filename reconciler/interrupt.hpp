// How a running deployment is asked to turn round: another revision came, or the daemon is to end. Made by the
// daemon, shared with the worker. Thread-safe.
#pragma once

#include "shared/base/fd.hpp"

#include <sys/eventfd.h>

#include <atomic>
#include <cstdint>

namespace tidegate::reconciler {

enum class Ask { None, Newer, Stop };

class Interrupt {
  public:
    Interrupt()
        : soft_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), hard_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

    // Stop outranks Newer and stays.
    void ask(Ask what) {
        Ask before = asked_.load();
        while (before < what && !asked_.compare_exchange_weak(before, what)) {
        }
        signal(soft_);
    }
    // Forgets a Newer that was heeded. Stop stays.
    void settle() {
        Ask newer = Ask::Newer;
        if (!asked_.compare_exchange_strong(newer, Ask::None)) return;
        std::uint64_t count = 0;
        (void)!::read(soft_.get(), &count, sizeof count);
        if (asked_.load() != Ask::None) signal(soft_);
    }
    // The patience with what cannot be cut short (a migration, an activation) is over.
    void force() {
        ask(Ask::Stop);
        signal(hard_);
    }
    [[nodiscard]] Ask asked() const { return asked_.load(); }

    // Readable once something was asked: for what may be cut short at any time.
    [[nodiscard]] int soft_fd() const { return soft_.get(); }
    // Readable after force().
    [[nodiscard]] int hard_fd() const { return hard_.get(); }

  private:
    static void signal(const shared::Fd& fd) {
        const std::uint64_t one = 1;
        (void)!::write(fd.get(), &one, sizeof one);
    }
    std::atomic<Ask> asked_{Ask::None};
    shared::Fd soft_;
    shared::Fd hard_;
};

}  // namespace tidegate::reconciler
