#include "docker/text_lines.hpp"

#include <utility>

namespace envbuild::docker {

namespace {
constexpr std::size_t kLineLimit = 64 << 10;
}

std::string strip_terminal(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
            i += 2;  // ECMA-48, 5.4: parameters and intermediates up to a final byte
            while (i < text.size() && (text[i] < '@' || text[i] > '~')) ++i;
        } else if (c == '\x1b' && i + 1 < text.size() && text[i + 1] == ']') {
            while (i < text.size() && text[i] != '\a' && !(text[i] == '\\' && text[i - 1] == '\x1b')) ++i;
        } else if (c == '\t' || static_cast<unsigned char>(c) >= 0x20) {
            if (c != '\x7f') out += c;
        }
    }
    return out;
}

void TextLines::feed(std::string_view bytes, const std::function<void(const std::string&)>& on_line) {
    rest_ += bytes;
    std::size_t begin = 0;
    while (true) {
        const auto end = rest_.find('\n', begin);
        if (end == std::string::npos) break;
        take(std::string_view(rest_).substr(begin, end - begin), on_line);
        begin = end + 1;
    }
    rest_.erase(0, begin);
    if (rest_.size() > kLineLimit) finish(on_line);
}

void TextLines::finish(const std::function<void(const std::string&)>& on_line) {
    if (!rest_.empty()) take(std::exchange(rest_, {}), on_line);
}

void TextLines::take(std::string_view line, const std::function<void(const std::string&)>& on_line) const {
    while (line.ends_with('\r')) line.remove_suffix(1);
    if (const auto redrawn = line.rfind('\r'); redrawn != std::string_view::npos) line.remove_prefix(redrawn + 1);
    on_line(strip_terminal(line));
}

}  // namespace envbuild::docker
