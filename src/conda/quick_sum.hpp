// A checksum that tells damaged bytes from whole ones. Internal to conda/.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace envbuild::conda {

// Of bytes that follow those with the sum `before`. Damage of up to eight bytes in a row always changes it, other
// damage but for one case in 2^64 or so. No help against those who mean it.
[[nodiscard]] inline std::uint64_t quick_sum(std::string_view bytes, std::uint64_t before = 0) {
    std::uint64_t sum = before;
    const auto mix = [&](std::uint64_t word) {
        sum = (sum ^ word) * 0x9e3779b97f4a7c15;  // odd: each step can be undone, so that no difference gets lost
        sum ^= sum >> 32;
    };
    mix(bytes.size());
    for (; !bytes.empty(); bytes.remove_prefix(std::min(sizeof(std::uint64_t), bytes.size()))) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), std::min(sizeof word, bytes.size()));
        mix(word);
    }
    return sum;
}

}  // namespace envbuild::conda
