#include "reconciler/store_cleaning.hpp"

namespace tidegate::reconciler {

using namespace shared;

Result<void> drop_unreferenced(const BareStore& store) {
    GitCall call;
    call.args = {"gc", "--quiet", "--prune=now"};
    call.git_dir = store.path();
    call.timeout = Duration(600'000);
    TRY(store.git().output(call));
    return {};
}

}  // namespace tidegate::reconciler
