#include "base/shown.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "base/url.hpp"

namespace envbuild {

std::string shown(std::string_view text) {
    constexpr std::size_t kLongest = 200;
    std::string out = redact(text.substr(0, 4 * kLongest));
    const bool utf8 = is_valid_utf8(out);
    const bool cut = out.size() > kLongest || text.size() > 4 * kLongest;
    if (cut) {
        std::size_t end = std::min(kLongest, out.size());
        while (utf8 && end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0U) == 0x80U) --end;
        out.resize(end);
    }
    for (char& c : out) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) c = '?';
    }
    return cut ? out + "…" : out;
}

}  // namespace envbuild
