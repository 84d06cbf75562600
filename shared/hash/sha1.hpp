// SHA-1 (FIPS 180-4), by OpenSSL: for git's object ids only, never as proof of anything.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tidegate::shared {

class Sha1 {
  public:
    Sha1();
    ~Sha1();
    Sha1(Sha1&&) noexcept;
    Sha1& operator=(Sha1&&) noexcept;
    void update(std::string_view bytes);
    [[nodiscard]] std::string finish_hex();  // once

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace tidegate::shared
