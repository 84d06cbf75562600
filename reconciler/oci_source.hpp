// A release from an artifact in a registry, by its digest: `release: {oci: …}`.
//   https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
//   https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md, layer.md
//   https://distribution.github.io/distribution/spec/auth/token/
#pragma once

#include "reconciler/release_source.hpp"

namespace tidegate::reconciler {

// `host` and `spec`, which names an artifact, are borrowed. Touches no network.
[[nodiscard]] Result<std::unique_ptr<ReleaseSource>> open_oci_source(const Host& host, const AppSpec& spec);

}  // namespace tidegate::reconciler
