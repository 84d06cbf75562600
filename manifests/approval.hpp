// Approvals: who agreed to a manifest as it is. One file for each approval on the manifests branch,
//   approvals/<environment>/<app>/<SHA-256 of the manifest file>.<SHA-256 fingerprint of the key>.sig
// an armoured SSHSIG in namespace tidegate-approval over approval_message(). Both are bound to environment, app
// and content: an approval is worth nothing for another manifest, and nothing any more when a byte of it changes.
// Taking an approval back is removing its file.
#pragma once

#include "shared/sign/sshsig.hpp"

#include <string>
#include <string_view>

namespace tidegate::manifests {

// "production/web.yaml"
[[nodiscard]] std::string manifest_path(std::string_view environment, std::string_view app);
// SHA-256 of the file's bytes, 64 hex digits.
[[nodiscard]] std::string manifest_digest(std::string_view content);
// The signed bytes: "tidegate-approval v1\nproduction/web\n<digest>\n".
[[nodiscard]] std::string approval_message(std::string_view environment, std::string_view app,
                                           std::string_view digest);
// "approvals/production/web"
[[nodiscard]] std::string approval_folder(std::string_view environment, std::string_view app);
[[nodiscard]] std::string approval_path(std::string_view environment, std::string_view app,
                                        std::string_view digest, const shared::SshPublicKey& key);

}  // namespace tidegate::manifests
