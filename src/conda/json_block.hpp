// What lies where in a JSON text, 64 bytes at once: how a text is passed over faster than it is parsed. Internal to
// conda/.
#pragma once

#include <cstddef>
#include <cstdint>

namespace envbuild::conda {

inline constexpr std::size_t kJsonBlock = 64;

// A bit a byte, the first byte's lowest.
struct JsonBytesMask {
    std::uint64_t quotes = 0, backslashes = 0, brackets = 0, controls = 0, beyond_ascii = 0;
    friend bool operator==(const JsonBytesMask&, const JsonBytesMask&) = default;
};

// Of the kJsonBlock bytes at `bytes`, with vectors where the machine has them; and byte for byte, which is the same.
[[nodiscard]] JsonBytesMask mask_json_bytes(const char* bytes);
[[nodiscard]] JsonBytesMask mask_json_bytes_plainly(const char* bytes);
// The bytes that are space, tab, carriage return or line feed.
[[nodiscard]] std::uint64_t mask_json_blanks(const char* bytes);

// Blocks of one text, in their order.
class JsonBlocks {
  public:
    struct Block {
        std::uint64_t quotes = 0;     // those that open or close a string
        std::uint64_t in_string = 0;  // from a string's opening quote to before its closing one
        std::uint64_t brackets = 0;   // {}[] outside of strings
    };
    [[nodiscard]] Block next(const char* bytes);
    // Why what came cannot be JSON: no UTF-8, or a control character in a string; null as long as it can be.
    [[nodiscard]] const char* broken() const { return broken_; }

  private:
    void check_utf8(const char* bytes);

    std::uint64_t in_string_ = 0;  // all ones or none
    bool escape_ = false;          // the next byte is escaped
    // How many bytes the character still wants, and what its next one may be.
    unsigned wanted_ = 0;
    unsigned char lowest_ = 0x80, highest_ = 0xbf;
    const char* broken_ = nullptr;
};

}  // namespace envbuild::conda
