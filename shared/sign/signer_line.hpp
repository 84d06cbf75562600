// One line of an allowed_signers file. Private to this folder.
#pragma once

#include "shared/sign/allowed_signers.hpp"

namespace tidegate::shared {

// `text` is neither blank nor a comment. Errors carry line and column, not yet the file.
[[nodiscard]] Result<AllowedSigner> parse_signer_line(std::string_view text, int line);
// OpenSSH's match_pattern_list: "*" and "?", a match of a "!" pattern refuses.
[[nodiscard]] bool matches_patterns(const std::vector<std::string>& patterns, std::string_view word);

}  // namespace tidegate::shared
