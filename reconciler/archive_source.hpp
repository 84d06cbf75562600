// A release from one file: `release: {archive: …}`.
#pragma once

#include "reconciler/release_source.hpp"

namespace tidegate::reconciler {

// `host` and `spec`, which names an archive, are borrowed. Touches no network.
[[nodiscard]] Result<std::unique_ptr<ReleaseSource>> open_archive_source(const Host& host,
                                                                         const AppSpec& spec);

}  // namespace tidegate::reconciler
