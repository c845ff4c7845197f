// Content hashes. Digest is the OCI image-spec's `algorithm:hex` for sha256, the only algorithm that envbuild trusts.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace envbuild {

// 32 bytes that name content. An immutable value; the default one is all zeros and names nothing.
class Digest {
  public:
    using Bytes = std::array<std::uint8_t, 32>;

    Digest() = default;
    explicit Digest(const Bytes& bytes) : bytes_(bytes) {}

    // "sha256:<64 lower-case hex digits>" (OCI image-spec, descriptor.md) -> Digest, or InvalidInput.
    [[nodiscard]] static Expected<Digest> parse(std::string_view text);
    // The 64 hex digits alone, in either case, as repodata and lock files write them.
    [[nodiscard]] static Expected<Digest> from_hex(std::string_view hex);

    [[nodiscard]] std::string to_string() const { return "sha256:" + hex(); }
    [[nodiscard]] std::string hex() const;
    [[nodiscard]] const Bytes& bytes() const { return bytes_; }
    [[nodiscard]] bool empty() const { return bytes_ == Bytes{}; }

    auto operator<=>(const Digest&) const = default;

  private:
    Bytes bytes_{};
};

// Incremental SHA-256. Not thread-safe; finish() may be called once.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(std::string_view data);
    void update(std::span<const std::byte> data);
    [[nodiscard]] Digest finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

[[nodiscard]] Digest sha256(std::string_view data);
// 32 lower-case hex digits; only to fill fields of other tools' formats, never to decide that content is right.
[[nodiscard]] std::string md5_hex(std::string_view data);

[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);

}  // namespace envbuild

template <>
struct std::hash<envbuild::Digest> {
    std::size_t operator()(const envbuild::Digest& digest) const noexcept;
};
