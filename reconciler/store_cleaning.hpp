// What git leaves of a fetch that it refused: the objects themselves, unreferenced. The next fetch would take them for
// checked (git-config(1), fetch.fsckObjects).
#pragma once

#include "reconciler/bare_store.hpp"

namespace tidegate::reconciler {

// With the store's lock held: removes every object that no ref leads to. Fails as git does.
[[nodiscard]] Result<void> drop_unreferenced(const BareStore& store);

}  // namespace tidegate::reconciler
