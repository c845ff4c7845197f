#include "conda/json_block.hpp"

#include <bit>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace envbuild::conda {

namespace {

// Each bit is the xor of itself and all below: between an opening quote and its closing one it is set.
std::uint64_t prefix_xor(std::uint64_t bits) {
    for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
}

// The bytes behind backslashes that are not escaped themselves.
std::uint64_t escaped_by(std::uint64_t backslashes, bool& carry) {
    std::uint64_t escaped = carry ? 1 : 0;
    carry = false;
    for (std::uint64_t left = backslashes & ~escaped; left != 0;) {
        const int at = std::countr_zero(left);
        if (at == 63) {
            carry = true;
            break;
        }
        escaped |= std::uint64_t{2} << at;
        left &= ~(std::uint64_t{3} << at);
    }
    return escaped;
}

#ifdef __SSE2__

struct Vectors {
    explicit Vectors(const char* bytes) {
        for (int i = 0; i < 4; ++i) parts[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes) + i);
    }
    // A bit a byte of what `test` gives for each sixteen bytes.
    template <class Test>
    std::uint64_t mask(Test test) const {
        std::uint64_t bits = 0;
        for (int i = 3; i >= 0; --i)
            bits = bits << 16 | static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(test(parts[i]))));
        return bits;
    }
    __m128i parts[4];
};

#endif

}  // namespace

JsonBytesMask mask_json_bytes_plainly(const char* bytes) {
    JsonBytesMask mask;
    for (std::size_t i = 0; i < kJsonBlock; ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        const std::uint64_t bit = std::uint64_t{1} << i;
        if (byte == '"') mask.quotes |= bit;
        if (byte == '\\') mask.backslashes |= bit;
        if (byte == '{' || byte == '}' || byte == '[' || byte == ']') mask.brackets |= bit;
        if (byte < 0x20) mask.controls |= bit;
        if (byte >= 0x80) mask.beyond_ascii |= bit;
    }
    return mask;
}

#ifdef __SSE2__

JsonBytesMask mask_json_bytes(const char* bytes) {
    const Vectors text(bytes);
    const auto is = [&](char wanted) {
        const auto all = _mm_set1_epi8(wanted);
        return text.mask([&](__m128i part) { return _mm_cmpeq_epi8(part, all); });
    };
    JsonBytesMask mask;
    mask.quotes = is('"');
    mask.backslashes = is('\\');
    // '[' and '{' differ in one bit, and so do ']' and '}'.
    const auto bit = _mm_set1_epi8(0x20), open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');
    mask.brackets = text.mask([&](__m128i part) {
        const auto folded = _mm_or_si128(part, bit);
        return _mm_or_si128(_mm_cmpeq_epi8(folded, open), _mm_cmpeq_epi8(folded, close));
    });
    const auto last = _mm_set1_epi8(0x1f);
    mask.controls = text.mask([&](__m128i part) { return _mm_cmpeq_epi8(_mm_max_epu8(part, last), last); });
    mask.beyond_ascii = text.mask([](__m128i part) { return part; });
    return mask;
}

std::uint64_t mask_json_blanks(const char* bytes) {
    const auto space = _mm_set1_epi8(' '), tab = _mm_set1_epi8('\t');
    const auto line = _mm_set1_epi8('\n'), carriage = _mm_set1_epi8('\r');
    return Vectors(bytes).mask([&](__m128i part) {
        return _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(part, space), _mm_cmpeq_epi8(part, tab)),
                            _mm_or_si128(_mm_cmpeq_epi8(part, line), _mm_cmpeq_epi8(part, carriage)));
    });
}

#else

JsonBytesMask mask_json_bytes(const char* bytes) {
    return mask_json_bytes_plainly(bytes);
}

std::uint64_t mask_json_blanks(const char* bytes) {
    std::uint64_t blanks = 0;
    for (std::size_t i = 0; i < kJsonBlock; ++i) {
        if (bytes[i] == ' ' || bytes[i] == '\t' || bytes[i] == '\n' || bytes[i] == '\r')
            blanks |= std::uint64_t{1} << i;
    }
    return blanks;
}

#endif

JsonBlocks::Block JsonBlocks::next(const char* bytes) {
    auto mask = mask_json_bytes(bytes);
    if (mask.backslashes != 0 || escape_) mask.quotes &= ~escaped_by(mask.backslashes, escape_);
    Block block;
    block.quotes = mask.quotes;
    block.in_string = prefix_xor(mask.quotes) ^ in_string_;
    block.brackets = mask.brackets & ~block.in_string;
    in_string_ = (block.in_string >> 63) != 0 ? ~std::uint64_t{0} : 0;
    if ((mask.controls & block.in_string) != 0) broken_ = "a control character in a string";
    if (mask.beyond_ascii != 0 || wanted_ != 0) check_utf8(bytes);
    return block;
}

// RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
void JsonBlocks::check_utf8(const char* bytes) {
    for (std::size_t i = 0; i < kJsonBlock; ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        if (wanted_ > 0) {
            if (byte < lowest_ || byte > highest_) broken_ = "bytes that are no UTF-8";
            --wanted_;
            lowest_ = 0x80;
            highest_ = 0xbf;
        } else if (byte >= 0x80) {
            if (byte < 0xc2 || byte > 0xf4) {
                broken_ = "bytes that are no UTF-8";
                continue;
            }
            wanted_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
            if (byte == 0xe0) lowest_ = 0xa0;
            if (byte == 0xed) highest_ = 0x9f;
            if (byte == 0xf0) lowest_ = 0x90;
            if (byte == 0xf4) highest_ = 0x8f;
        }
    }
}

}  // namespace envbuild::conda
