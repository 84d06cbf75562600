#include "manifests/approval.hpp"

#include "shared/hash/sha256.hpp"

namespace tidegate::manifests {

namespace {
std::string name_of(std::string_view environment, std::string_view app) {
    return std::string(environment) + "/" + std::string(app);
}
}  // namespace

std::string manifest_path(std::string_view environment, std::string_view app) {
    return name_of(environment, app) + ".yaml";
}

std::string manifest_digest(std::string_view content) {
    return shared::sha256_hex(content);
}

std::string approval_message(std::string_view environment, std::string_view app, std::string_view digest) {
    return "tidegate-approval v1\n" + name_of(environment, app) + "\n" + std::string(digest) + "\n";
}

std::string approval_folder(std::string_view environment, std::string_view app) {
    return "approvals/" + name_of(environment, app);
}

std::string approval_path(std::string_view environment, std::string_view app, std::string_view digest,
                          const shared::SshPublicKey& key) {
    return approval_folder(environment, app) + "/" + std::string(digest) + "." + key.fingerprint_hex() +
           ".sig";
}

}  // namespace tidegate::manifests
