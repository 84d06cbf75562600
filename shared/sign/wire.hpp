// SSH's wire encoding (RFC 4251, section 5), read strictly. Views into the caller's bytes; nothing is copied
// and no length is believed before the bytes are seen to be there.
#pragma once

#include "shared/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace tidegate::shared {

class WireReader {
  public:
    // `what` names the encoding in errors ("SSH signature").
    WireReader(std::string_view bytes, std::string_view what) : rest_(bytes), what_(what) {}

    [[nodiscard]] Result<std::uint32_t> u32() {
        const auto four = TRY(bytes(4));
        std::uint32_t value = 0;
        for (const char c : four) value = value << 8 | static_cast<unsigned char>(c);
        return value;
    }
    [[nodiscard]] Result<std::string_view> bytes(size_t count) {
        if (count > rest_.size()) return bad("is cut short or has a length beyond its end");
        const auto taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    [[nodiscard]] Result<std::string_view> string() { return bytes(TRY(u32())); }
    // A positive integer in its one shortest spelling, without the leading zero byte that marks the sign.
    [[nodiscard]] Result<std::string_view> positive() {
        auto number = TRY(string());
        if (number.empty()) return bad("has a number that is zero");
        const auto high = [](char c) { return (static_cast<unsigned char>(c) & 0x80U) != 0; };
        if (high(number[0])) return bad("has a negative number");
        if (number[0] == '\0') {
            number.remove_prefix(1);
            if (number.empty()) return bad("has a number that is zero");
            if (!high(number[0])) return bad("has a number with needless zeros");
        }
        return number;
    }
    [[nodiscard]] Result<void> end() const {
        if (!rest_.empty()) return bad("has bytes after its end");
        return {};
    }
    [[nodiscard]] tl::unexpected<Error> bad(std::string_view why) const {
        return fail(ErrorKind::Invalid, std::string(what_) + " " + std::string(why));
    }

  private:
    std::string_view rest_;
    std::string_view what_;
};

inline void put_u32(std::string& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xffU);
}
inline void put_string(std::string& out, std::string_view bytes) {
    put_u32(out, static_cast<std::uint32_t>(bytes.size()));
    out += bytes;
}

}  // namespace tidegate::shared
