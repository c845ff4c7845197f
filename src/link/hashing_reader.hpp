// Hashes a file's content on its way.
#pragma once

#include <string_view>

#include "base/digest.hpp"
#include "conda/archive_entry.hpp"

namespace envbuild::link {

// `inner` outlives it. finish() may be called once.
class HashingReader final : public conda::ContentReader {
  public:
    explicit HashingReader(conda::ContentReader& inner) : inner_(inner) {}
    [[nodiscard]] std::size_t read(std::span<char> into) override {
        const std::size_t got = inner_.read(into);
        hash_.update(std::string_view(into.data(), got));
        return got;
    }
    [[nodiscard]] Digest finish() { return hash_.finish(); }

  private:
    conda::ContentReader& inner_;
    Sha256 hash_;
};

}  // namespace envbuild::link
