// The name of a release's folder below ROOT/releases.
#pragma once

#include "shared/base/names.hpp"

#include <compare>
#include <string>
#include <string_view>

namespace tidegate::reconciler {

// Ours are `<first 12 of the commit>-<first 8 of the SHA-256 of the manifest's canonical build section>`:
// deterministic, so that a rollback finds the release that is there already. A root taken over from Capistrano
// or Deployer holds other names ("20240131120000", "42"); they can be listed, switched to and removed.
class ReleaseId {
  public:
    // The id of the release that `commit` built as `build_section` says (any canonical text of it, "" for
    // none) gets.
    [[nodiscard]] static ReleaseId of(const shared::Oid& commit, std::string_view build_section);
    // Any plain folder name: letters, digits, ".", "_", "-" and "+", beginning with a letter or digit, at most
    // 128 bytes; Invalid otherwise.
    [[nodiscard]] static Result<ReleaseId> parse(std::string_view text);

    [[nodiscard]] const std::string& str() const { return name_; }
    // Whether the name follows our own grammar.
    [[nodiscard]] bool ours() const;
    auto operator<=>(const ReleaseId&) const = default;

  private:
    explicit ReleaseId(std::string name) : name_(std::move(name)) {}
    std::string name_;
};

}  // namespace tidegate::reconciler
