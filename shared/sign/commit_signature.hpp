// Strict splitting of a raw commit object into what was signed and the signature (git's gpgsig header).
// git's own reader and libgit2's look further than the header; this one does not.
#pragma once

#include "shared/base/error.hpp"

#include <string>
#include <string_view>

namespace tidegate::shared {

struct SignedCommit {
    std::string payload;         // the object without its gpgsig header: what the signature is over
    std::string armored;         // the signature with its continuation blanks removed
    std::string payload_sha256;  // hex; names what was signed independently of the commit id
};

// Denied where the commit has no gpgsig in its header, more than one, any other gpgsig… header, a signature
// that is not SSH's, or NUL bytes.
[[nodiscard]] Result<SignedCommit> split_signed_commit(std::string_view raw);

}  // namespace tidegate::shared
