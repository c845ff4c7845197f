#include "base/digest.hpp"

#include <cstring>

namespace envbuild {

namespace {

int nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_lower_hex(std::string_view text) {
    return text.find_first_of("ABCDEF") == std::string_view::npos;
}

}  // namespace

Expected<Digest> Digest::from_hex(std::string_view hex) {
    Bytes bytes{};
    if (hex.size() != bytes.size() * 2) {
        return fail(ErrorKind::InvalidInput,
                    "a sha256 has 64 hex digits, this has " + std::to_string(hex.size()) + " characters");
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = nibble(hex[2 * i]);
        const int low = nibble(hex[2 * i + 1]);
        if (high < 0 || low < 0) return fail(ErrorKind::InvalidInput, "a sha256 holds hex digits only");
        bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return Digest(bytes);
}

Expected<Digest> Digest::parse(std::string_view text) {
    constexpr std::string_view kPrefix = "sha256:";
    if (!text.starts_with(kPrefix)) return fail(ErrorKind::InvalidInput, "a digest begins with sha256:");
    text.remove_prefix(kPrefix.size());
    if (!is_lower_hex(text)) return fail(ErrorKind::InvalidInput, "a digest is written in lower case");
    return from_hex(text);
}

std::string Digest::hex() const {
    return to_hex(bytes_);
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

}  // namespace envbuild

std::size_t std::hash<envbuild::Digest>::operator()(const envbuild::Digest& digest) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, digest.bytes().data(), sizeof value);
    return value;
}
