// pre-push: git's ref lines, and what of them must be gated. githooks(5): "<local ref> <local oid> <remote
// ref> <remote oid>" each, a zero local oid for a deletion, a zero remote oid for a new ref.
#pragma once

#include "hooks/target.hpp"

namespace tidegate::hooks {

struct RefUpdate {
    std::string local_ref;
    shared::Oid local;  // null: the ref is deleted
    std::string remote_ref;
    shared::Oid remote;  // null: the ref is new
};

// Invalid for a line that is not as githooks(5) says. No limit on their number.
[[nodiscard]] Result<std::vector<RefUpdate>> parse_ref_lines(std::string_view text);
// Standard input to its end (or to its closing), whatever becomes of it: a hook that leaves lines unread
// kills git with SIGPIPE.
[[nodiscard]] Result<std::string> drain_input(int fd);

struct Push {
    std::vector<Target> targets;       // each distinct tip tree once, in the order pushed
    std::vector<std::string> skipped;  // for people: "v1.0: a tag of a blob, nothing to gate"
};
// For each updated ref the range that `remote` (a name, an address where it has none, or "." for the refs of this
// repository) lacks, and its tip's
// tree. The change of a target are the files its range touches that the tip still has. A few git children,
// whatever the number of lines.
[[nodiscard]] Result<Push> targets_of_push(const Repository& repo, std::string stage,
                                           const std::vector<RefUpdate>& updates, const std::string& remote);

}  // namespace tidegate::hooks
