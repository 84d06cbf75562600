// What a server holds a push to, by signatures alone: nothing of the push is run for it.
#pragma once

#include "hooks/object_reader.hpp"
#include "hooks/receive_policy.hpp"
#include "hooks/trust.hpp"

namespace tidegate::hooks {

// Whether enough people vouch for the tree of `commit`, which is pushed to `ref`, with the gates that the tree itself
// defines. `attestations` is what to look in: a commit, as refs/tidegate/attestations will be after the push, or
// nothing. Denied with the reason and the mend.
[[nodiscard]] Result<void> require_proof(ObjectReader& objects, const ReceivePolicy& policy,
                                         const Trust& trust, const std::string& ref,
                                         const shared::Oid& commit,
                                         const std::optional<shared::Oid>& attestations);

// refs/tidegate/attestations may only grow: `to` follows `from`, lacks none of its files, and every file that it adds
// or changes is what its name says, signed by the key in it. Denied otherwise. A null id stands for no ref.
[[nodiscard]] Result<void> check_union(const Repository& repo, const shared::Oid& from,
                                       const shared::Oid& to);

}  // namespace tidegate::hooks
