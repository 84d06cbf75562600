// SHA-256 (FIPS 180-4), by OpenSSL.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tidegate::shared {

// 32 raw bytes.
[[nodiscard]] std::string sha256(std::string_view bytes);
// 64 hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);
// 64 raw bytes of SHA-512.
[[nodiscard]] std::string sha512(std::string_view bytes);

// For content that comes in pieces.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(std::string_view bytes);
    // Adds a length-prefixed field, so that ("ab","c") and ("a","bc") differ.
    void field(std::string_view bytes);
    [[nodiscard]] std::string finish_hex();  // once

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace tidegate::shared
