#include "conda/archive_tar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/error.hpp"

namespace envbuild::conda {

namespace {

constexpr std::size_t kBuffer = std::size_t{128} << 10;
constexpr std::uint64_t kMaxExtension = std::uint64_t{1} << 20;
constexpr std::int64_t kMaxMtime = 0777'7777'7777;  // what fits a tar header's octal field

[[noreturn]] void corrupt(std::string message) {
    throw Error(ErrorKind::Corrupt, std::move(message));
}

// The field's text up to its first NUL, after which only NULs may come: different readers would see different names
// otherwise.
std::string text_field(std::string_view field, std::string_view what) {
    const auto nul = std::min(field.find('\0'), field.size());
    if (field.find_first_not_of('\0', nul) != std::string_view::npos) {
        corrupt(fmt::format("a tar header's {} holds a NUL", what));
    }
    return std::string(field.substr(0, nul));
}

// Octal digits with blanks before and NULs or blanks after; or, with the first bit set, a big-endian number in base 256
// (GNU).
std::int64_t number_field(std::string_view field, std::string_view what) {
    const auto first = static_cast<unsigned char>(field[0]);
    if ((first & 0x80) != 0) {
        const bool negative = first == 0xff;
        if (!negative && first != 0x80) corrupt(fmt::format("a tar header's {} is out of range", what));
        std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
        for (std::size_t i = 1; i < field.size(); ++i) {
            if ((value >> 55) != (negative ? 0x1ffU : 0U))
                corrupt(fmt::format("a tar header's {} is out of range", what));
            value = value << 8 | static_cast<unsigned char>(field[i]);
        }
        return static_cast<std::int64_t>(value);
    }
    std::size_t at = 0;
    while (at < field.size() && field[at] == ' ') ++at;
    std::int64_t value = 0;
    for (; at < field.size() && field[at] >= '0' && field[at] <= '7'; ++at) value = value * 8 + (field[at] - '0');
    for (; at < field.size(); ++at) {
        if (field[at] != '\0' && field[at] != ' ') corrupt(fmt::format("a tar header's {} is not a number", what));
    }
    return value;
}

std::uint64_t size_field(std::string_view field) {
    const std::int64_t size = number_field(field, "size");
    if (size < 0) corrupt("a tar header's size is negative");
    return static_cast<std::uint64_t>(size);
}

void check_sum(std::string_view block) {
    constexpr std::size_t kAt = 148, kSize = 8;
    // Blanks before it are for old writers' other fields: here one could only be a damaged zero.
    if (block[kAt] == ' ') corrupt("a tar header has a wrong checksum");
    const std::int64_t said = number_field(block.substr(kAt, kSize), "checksum");
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
        sum += i >= kAt && i < kAt + kSize ? ' ' : static_cast<unsigned char>(block[i]);
    }
    if (sum != said) corrupt("a tar header has a wrong checksum");
}

bool all_zero(std::string_view bytes) {
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

template <class Number>
Number decimal(std::string_view text, std::string_view key) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        corrupt(fmt::format("a pax record's {} is not a number", key));
    return value;
}

// Whole seconds, rounded down, of "1700000000.25".
std::int64_t pax_time(std::string_view text) {
    const auto dot = text.find('.');
    const bool fraction = dot != std::string_view::npos;
    if (fraction && text.find_first_not_of("0123456789", dot + 1) != std::string_view::npos) {
        corrupt("a pax record's mtime is not a number");
    }
    return decimal<std::int64_t>(text.substr(0, dot), "mtime") - (fraction && text.starts_with('-') ? 1 : 0);
}

}  // namespace

// What extension headers say about the entry that follows them.
struct TarReader::Extensions {
    std::optional<std::string> path, link, gnu_path, gnu_link;
    std::optional<std::uint64_t> size;
    std::optional<std::int64_t> mtime;
    bool pax = false, attributes = false;

    [[nodiscard]] bool any() const { return pax || gnu_path || gnu_link; }

    // "25 path=some/name\n", one after the other.
    void parse_pax(std::string_view text, bool global) {
        while (!text.empty()) {
            const auto blank = text.find(' ');
            if (blank == std::string_view::npos || blank > 8) corrupt("a pax record has no length");
            const auto length = decimal<std::size_t>(text.substr(0, blank), "length");
            const bool fits = length > blank + 1 && length <= text.size();
            if (!fits || text[length - 1] != '\n') corrupt("a pax record has a wrong length");
            const std::string_view record = text.substr(blank + 1, length - blank - 2);
            const auto equals = record.find('=');
            if (equals == std::string_view::npos || equals == 0) corrupt("a pax record has no key");
            take(record.substr(0, equals), record.substr(equals + 1), global);
            text.remove_prefix(length);
        }
    }

  private:
    void take(std::string_view key, std::string_view value, bool global) {
        const bool decides = key == "path" || key == "linkpath" || key == "size";
        if (decides && global) corrupt(fmt::format("a global pax header sets {} for all entries", key));
        if (key.starts_with("GNU.sparse.")) corrupt("is a sparse file");
        if (key == "path") path = value;
        if (key == "linkpath") link = value;
        if (key == "size") size = decimal<std::uint64_t>(value, key);
        if (key == "mtime" && !global) mtime = pax_time(value);
        if (key.starts_with("SCHILY.xattr.") || key.starts_with("LIBARCHIVE.xattr.") ||
            key.starts_with("SCHILY.acl.")) {
            attributes = true;
        }
    }
};

TarReader::TarReader(ByteStream& stream) : stream_(stream), buffer_(std::make_unique<char[]>(kBuffer)) {}

std::size_t TarReader::read_some(std::span<char> into) {
    if (begin_ == end_) {
        // Large reads go straight to their destination.
        if (into.size() >= kBuffer) return stream_.read(into);
        begin_ = 0;
        end_ = stream_.read({buffer_.get(), kBuffer});
    }
    const std::size_t count = std::min(into.size(), end_ - begin_);
    std::memcpy(into.data(), buffer_.get() + begin_, count);
    begin_ += count;
    return count;
}

bool TarReader::read_block(Block& block, bool end_allowed) {
    std::size_t done = 0;
    while (done < block.size()) {
        const std::size_t got = read_some(std::span(block).subspan(done));
        if (got == 0) {
            if (done == 0 && end_allowed) return false;
            corrupt("the archive ends early");
        }
        done += got;
    }
    return true;
}

std::size_t TarReader::read(std::span<char> into) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), content_left_));
    if (wanted == 0) return 0;
    const std::size_t got = read_some(into.first(wanted));
    if (got == 0) corrupt("the archive ends early");
    content_left_ -= got;
    return got;
}

void TarReader::skip(std::uint64_t count) {
    while (count > 0) {
        if (begin_ == end_) {
            begin_ = 0;
            end_ = stream_.read({buffer_.get(), kBuffer});
            if (end_ == 0) corrupt("the archive ends early");
        }
        const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(count, end_ - begin_));
        begin_ += step;
        count -= step;
    }
}

std::string TarReader::read_extension(std::uint64_t size) {
    if (size > kMaxExtension) corrupt("a tar extension header is larger than 1 MiB");
    content_left_ = size;
    std::string text(size, '\0');
    for (std::size_t done = 0; done < size;) done += read(std::span(text).subspan(done));
    skip((512 - size % 512) % 512);
    return text;
}

void TarReader::read_end() {
    Block block{};
    if (!read_block(block, true)) corrupt("the archive ends early: its second block of zeros is missing");
    do {
        if (!all_zero({block.data(), block.size()})) trailing_garbage_ = true;
        const std::size_t rest = end_ - begin_;
        if (!all_zero({buffer_.get() + begin_, rest})) trailing_garbage_ = true;
        begin_ = 0;
        end_ = stream_.read({buffer_.get(), kBuffer});
        block.fill('\0');
    } while (end_ > 0);
}

std::optional<RawEntry> TarReader::next() {
    skip(content_left_ + padding_);
    content_left_ = padding_ = 0;
    Extensions extensions;
    while (true) {
        Block block{};
        if (!read_block(block, true)) corrupt("the archive ends early: its end marker is missing");
        const std::string_view header(block.data(), block.size());
        if (all_zero(header)) {
            if (extensions.any()) corrupt("the archive ends after an extension header");
            read_end();
            return std::nullopt;
        }
        check_sum(header);
        const std::string_view magic = header.substr(257, 8);
        const bool gnu = magic == std::string_view("ustar  \0", 8);
        if (!gnu && magic != std::string_view("ustar\00000", 8)) corrupt("a tar header is neither POSIX nor GNU");

        const char type = header[156] == '\0' ? '0' : header[156];
        const std::uint64_t size = size_field(header.substr(124, 12));
        if (type == 'x' || type == 'g') {
            if (type == 'x' && extensions.pax) corrupt("two pax headers belong to one entry");
            extensions.pax = extensions.pax || type == 'x';
            extensions.parse_pax(read_extension(size), type == 'g');
            continue;
        }
        if (type == 'L' || type == 'K') {
            auto& name = type == 'L' ? extensions.gnu_path : extensions.gnu_link;
            if (name) corrupt("two GNU long names belong to one entry");
            name = read_extension(size);
            if (name->ends_with('\0')) name->pop_back();
            continue;
        }

        RawEntry entry;
        entry.path = text_field(header.substr(0, 100), "name");
        if (!gnu) {
            const std::string prefix = text_field(header.substr(345, 155), "name prefix");
            if (!prefix.empty()) entry.path = prefix + "/" + entry.path;
        }
        entry.link = text_field(header.substr(157, 100), "link name");
        if (extensions.gnu_path) entry.path = std::move(*extensions.gnu_path);
        if (extensions.gnu_link) entry.link = std::move(*extensions.gnu_link);
        if (extensions.path) entry.path = std::move(*extensions.path);
        if (extensions.link) entry.link = std::move(*extensions.link);
        last_path_ = entry.path;
        entry.type = type;
        entry.mode = static_cast<std::uint32_t>(number_field(header.substr(100, 8), "mode") & 07777);
        entry.mtime = extensions.mtime.value_or(number_field(header.substr(136, 12), "mtime"));
        entry.mtime = std::clamp(entry.mtime, std::int64_t{0}, kMaxMtime);
        entry.size = extensions.size.value_or(size);
        entry.attributes = extensions.attributes;
        (void)number_field(header.substr(108, 8), "owner");
        (void)number_field(header.substr(116, 8), "group");
        content_left_ = entry.size;
        padding_ = (512 - entry.size % 512) % 512;
        return entry;
    }
}

}  // namespace envbuild::conda
