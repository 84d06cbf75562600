// One owner for everything C libraries hand out: Handle<git_tree, git_tree_free> and the like.
#pragma once

#include <memory>
#include <utility>

namespace tidegate::shared {

template <auto Free>
struct FreeWith {
    template <typename T>
    void operator()(T* pointer) const noexcept {
        Free(pointer);
    }
};

// A unique_ptr of the size of a pointer that calls `Free`.
template <typename T, auto Free>
using Handle = std::unique_ptr<T, FreeWith<Free>>;

// Runs `action` when the scope ends, unless dismissed.
template <typename Action>
class ScopeExit {
  public:
    explicit ScopeExit(Action action) : action_(std::move(action)) {}
    ~ScopeExit() {
        if (armed_) action_();
    }
    ScopeExit(const ScopeExit&) = delete;
    ScopeExit& operator=(const ScopeExit&) = delete;
    void dismiss() { armed_ = false; }

  private:
    Action action_;
    bool armed_ = true;
};

}  // namespace tidegate::shared
