// What a repository that is pushed to asks of a push. Out of its own git configuration, never out of what is pushed:
// that is in the hands of whoever pushes.
#pragma once

#include "hooks/repository.hpp"

namespace tidegate::hooks {

struct ReceivePolicy {
    std::vector<std::string> stages;  // tidegate.require: attested, or refused
    size_t threshold = 1;             // tidegate.threshold: by so many people
    // tidegate.requireFor: the refs that all this is about, with wildcards.
    std::vector<std::string> refs = {"refs/heads/*", "refs/tags/*"};
    // tidegate.serverGates: whose gates run here. A file, REV:PATH of this repository as it was before the push, or
    // "pushed": the pushed tree's own, which lets whoever may push run commands here. Empty: none run.
    std::string gates;

    bool every = false;  // tidegate.everyCommit: each commit that is new to these refs, not only their tips

    [[nodiscard]] bool empty() const { return stages.empty() && gates.empty(); }
    [[nodiscard]] bool is_about(const std::string& ref) const;
};

// Lists may be given as several values, by blank or by comma. Invalid for a threshold that is no number from 1 on.
[[nodiscard]] Result<ReceivePolicy> receive_policy(const Repository& repo);

}  // namespace tidegate::hooks
