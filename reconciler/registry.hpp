// One repository of a registry: how it lets us in, and what it has.
#pragma once

#include "reconciler/source.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tidegate::reconciler {

struct Layer {
    std::string sha256;  // 64 hexadecimal digits
    std::uint64_t size = 0;
    std::string type;  // media type
};

class Registry {
  public:
    // `ref` is registry/name. https, but for a registry on this machine where the access allows http. Denied where
    // the protocol is not allowed.
    [[nodiscard]] static Result<Registry> open(const std::string& ref, const SourceAccess& access);
    // The address by which credentials for a ref are found.
    [[nodiscard]] static Result<shared::Url> address_of(const std::string& ref,
                                                        const std::vector<std::string>& protocols);

    // The layers of the image manifest with this digest (64 digits), whose bytes were checked against it. Lets itself
    // in on the way: a token from the registry's own realm, with our credentials only where that belongs to the
    // registry. Unsupported for an index of several platforms, or a layer that is no tar.
    [[nodiscard]] Result<std::vector<Layer>> layers(const std::string& sha256, int cancel_fd);
    [[nodiscard]] Result<shared::Url> blob_url(const std::string& sha256) const;
    // The Authorization header's value, empty where none is needed.
    [[nodiscard]] const std::string& authorization() const { return authorization_; }

  private:
    Registry(shared::Url base, std::string name, SourceAccess access)
        : base_(std::move(base)), name_(std::move(name)), access_(std::move(access)) {}
    [[nodiscard]] Result<void> let_in(const std::string& challenge, int cancel_fd);
    [[nodiscard]] Result<std::string> manifest(const std::string& sha256, int cancel_fd);

    shared::Url base_;  // https://registry:port
    std::string name_;
    SourceAccess access_;
    std::string authorization_;
};

// The parameters of a `WWW-Authenticate: Bearer realm="…",service="…",scope="…"`; empty map for another scheme.
[[nodiscard]] std::map<std::string, std::string> bearer_challenge(const std::string& header);
// Whether credentials for `registry` may be shown to `realm`: the same host, or one of the same domain.
[[nodiscard]] bool belongs_to(const std::string& realm_host, const std::string& registry_host);

}  // namespace tidegate::reconciler
