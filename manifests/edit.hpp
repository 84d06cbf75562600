// Changing the release in a manifest's text, and nothing else: comments, order, quotes and layout stay.
#pragma once

#include "manifests/manifest.hpp"

#include <string>
#include <string_view>

namespace tidegate::manifests {

// The text of `file` with its release replaced by `source`, which must be of the kind that is there (git,
// archive, oci): Unsupported otherwise. The result is parsed again, and everything but the release is proved
// equal. A git source without a tag takes the old tag out.
[[nodiscard]] Result<std::string> with_release(const std::string& file, const std::string& text,
                                               const Source& source);

}  // namespace tidegate::manifests
