// Secrets: where they come from, and that they are in nothing we write.
#pragma once

#include "shared/base/error.hpp"

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::reconciler {

// Where a secret is: a systemd credential by name ($CREDENTIALS_DIRECTORY/<name>), or a file by absolute path.
struct SecretSource {
    std::string credential;
    std::string file;
};

// The secret's text without a trailing newline. Invalid: the credential's name is not a plain name, or the text
// is empty, has a NUL or is over 64 KiB. NotFound with a hint that names systemd's LoadCredential=. Permission
// where a file belongs to somebody else than root or us, or others may read it.
[[nodiscard]] Result<std::string> load_secret(const SecretSource& source);

// Replaces secrets in a stream of text that comes in pieces. Also found: base64 and percent-encoded, and each
// line of a secret of several lines. Values under 4 bytes are left: they would mask everything.
class Masker {
  public:
    Masker() = default;
    explicit Masker(const std::vector<std::string>& secrets);

    // What of the text so far can be shown; the rest, which may be the beginning of a secret, waits.
    [[nodiscard]] std::string feed(std::string_view text);
    // The rest, at the end.
    [[nodiscard]] std::string finish();
    // A whole text at once.
    [[nodiscard]] std::string mask(std::string_view text) const;

  private:
    std::vector<std::string> needles_;  // longest first
    std::bitset<256> begins_;           // the bytes a needle begins with
    std::string held_;
};

}  // namespace tidegate::reconciler
