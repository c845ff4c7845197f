#include "base/text_encoding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "base/strings.hpp"

namespace envbuild {

namespace {

enum class Encoding : std::uint8_t { Utf8, Utf16Le, Utf16Be, Utf32Le, Utf32Be };

Encoding detect(std::string_view& bytes) {
    using namespace std::literals;
    const auto take = [&bytes](std::string_view mark) {
        if (!bytes.starts_with(mark)) return false;
        bytes.remove_prefix(mark.size());
        return true;
    };
    if (take("\xFF\xFE\0\0"sv)) return Encoding::Utf32Le;
    if (take("\0\0\xFE\xFF"sv)) return Encoding::Utf32Be;
    if (take("\xFF\xFE"sv)) return Encoding::Utf16Le;
    if (take("\xFE\xFF"sv)) return Encoding::Utf16Be;
    if (take("\xEF\xBB\xBF"sv)) return Encoding::Utf8;
    // Without a mark, a file of mostly ASCII in UTF-16 shows a NUL beside nearly every character at its beginning.
    if (bytes.size() >= 4 && bytes.size() % 2 == 0) {
        std::size_t even = 0;
        std::size_t odd = 0;
        const std::size_t probe = std::min<std::size_t>(bytes.size(), 64);
        for (std::size_t i = 0; i < probe; ++i) {
            if (bytes[i] == '\0') ++(i % 2 == 0 ? even : odd);
        }
        if (odd * 4 >= probe && even == 0) return Encoding::Utf16Le;
        if (even * 4 >= probe && odd == 0) return Encoding::Utf16Be;
    }
    return Encoding::Utf8;
}

void append_utf8(std::string& out, std::uint32_t point) {
    if (point < 0x80) {
        out += static_cast<char>(point);
    } else if (point < 0x800) {
        out += static_cast<char>(0xC0U | (point >> 6));
        out += static_cast<char>(0x80U | (point & 0x3FU));
    } else if (point < 0x10000) {
        out += static_cast<char>(0xE0U | (point >> 12));
        out += static_cast<char>(0x80U | ((point >> 6) & 0x3FU));
        out += static_cast<char>(0x80U | (point & 0x3FU));
    } else {
        out += static_cast<char>(0xF0U | (point >> 18));
        out += static_cast<char>(0x80U | ((point >> 12) & 0x3FU));
        out += static_cast<char>(0x80U | ((point >> 6) & 0x3FU));
        out += static_cast<char>(0x80U | (point & 0x3FU));
    }
}

std::uint32_t unit_at(std::string_view bytes, std::size_t at, std::size_t width, bool little) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < width; ++i) {
        const auto byte = static_cast<unsigned char>(bytes[at + (little ? width - 1 - i : i)]);
        value = (value << 8) | byte;
    }
    return value;
}

bool wide_to_utf8(std::string_view bytes, std::size_t width, bool little, std::string& out) {
    if (bytes.size() % width != 0) return false;
    out.reserve(bytes.size());
    for (std::size_t at = 0; at < bytes.size(); at += width) {
        std::uint32_t point = unit_at(bytes, at, width, little);
        if (width == 2 && point >= 0xD800 && point < 0xDC00) {
            at += width;
            if (at >= bytes.size()) return false;
            const std::uint32_t low = unit_at(bytes, at, width, little);
            if (low < 0xDC00 || low > 0xDFFF) return false;
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        } else if (point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
            return false;
        }
        append_utf8(out, point);
    }
    return true;
}

std::string unify_line_ends(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r') {
            out += '\n';
            if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::unexpected<Error> not_text(const std::string& file, int line, const std::string& reason, std::string hint) {
    return std::unexpected(
        Error(ErrorKind::InvalidInput, fmt::format("{}:{}: {}", file, line, reason)).with_hint(std::move(hint)));
}

}  // namespace

Expected<std::string> decode_text(std::string_view bytes, const std::string& file) {
    std::string decoded;
    const Encoding encoding = detect(bytes);
    if (encoding == Encoding::Utf8) {
        decoded = bytes;
    } else {
        const bool wide = encoding == Encoding::Utf32Le || encoding == Encoding::Utf32Be;
        const bool little = encoding == Encoding::Utf16Le || encoding == Encoding::Utf32Le;
        if (!wide_to_utf8(bytes, wide ? 4 : 2, little, decoded)) {
            return not_text(file, 1, fmt::format("the file begins as UTF-{} and is not valid in it", wide ? 32 : 16),
                            "save it as UTF-8");
        }
    }
    std::string text = unify_line_ends(decoded);
    int number = 0;
    for (const auto line : split(text, '\n')) {
        ++number;
        if (!is_valid_utf8(line)) {
            return not_text(file, number, "the line holds bytes that are not UTF-8 (Latin-1 perhaps)",
                            "save the file as UTF-8");
        }
        const auto bad = std::ranges::find_if(
            line, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\f') || c == 0x7F; });
        if (bad == line.end()) continue;
        if (*bad == '\0') {
            return not_text(file, number, "the line holds a NUL byte; this is no text file, or a damaged one",
                            "save the file as UTF-8 text");
        }
        return not_text(file, number,
                        fmt::format("the line holds the control character 0x{:02X}", static_cast<unsigned char>(*bad)),
                        "remove it; it cannot be seen in most editors");
    }
    return text;
}

}  // namespace envbuild
