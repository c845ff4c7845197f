// Writes tar archives byte by byte, hostile ones too, and compresses them: for tests of what reads archives.
#pragma once

// Tests name the members they set and leave the others to their defaults.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#include <bzlib.h>
#include <zstd.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace envbuild::testing {

using TarBlock = std::string;  // of 512 bytes

struct TarItem {
    std::string name;
    char type = '0';
    std::string content;
    std::string link;
    unsigned mode = 0644;
    std::int64_t mtime = 1700000000;
    std::int64_t claimed_size = -1;              // in the header, where it is not the content's
    std::function<void(TarBlock&)> tamper;       // changes the header; its checksum is made after
    std::function<void(TarBlock&)> tamper_late;  // changes the header after its checksum was made
};

class TarWriter {
  public:
    TarWriter& add(const TarItem& item) {
        TarBlock header(512, '\0');
        const auto put = [&](std::size_t at, std::string_view text) { header.replace(at, text.size(), text); };
        put(0, std::string_view(item.name).substr(0, 100));
        put(100, octal(item.mode, 7));
        put(108, octal(0, 7));
        put(116, octal(0, 7));
        put(124, octal(static_cast<std::uint64_t>(
                           item.claimed_size >= 0 ? item.claimed_size : static_cast<std::int64_t>(item.content.size())),
                       11));
        put(136, octal(static_cast<std::uint64_t>(item.mtime), 11));
        header[156] = item.type;
        put(157, std::string_view(item.link).substr(0, 100));
        put(257, std::string_view("ustar\00000", 8));
        if (item.tamper) item.tamper(header);
        put(148, "        ");
        unsigned sum = 0;
        for (const char c : header) sum += static_cast<unsigned char>(c);
        put(148, octal(sum, 6) + std::string("\0 ", 2));
        if (item.tamper_late) item.tamper_late(header);
        bytes_ += header;
        bytes_ += item.content;
        bytes_.append((512 - item.content.size() % 512) % 512, '\0');
        return *this;
    }
    TarWriter& file(std::string name, std::string content = "x\n", unsigned mode = 0644) {
        return add({.name = std::move(name), .content = std::move(content), .mode = mode});
    }
    TarWriter& directory(std::string name) { return add({.name = std::move(name), .type = '5', .mode = 0755}); }
    TarWriter& symlink(std::string name, std::string target) {
        return add({.name = std::move(name), .type = '2', .link = std::move(target), .mode = 0777});
    }
    TarWriter& hardlink(std::string name, std::string target) {
        return add({.name = std::move(name), .type = '1', .link = std::move(target)});
    }
    // A pax header for the next entry.
    TarWriter& pax(const std::vector<std::pair<std::string, std::string>>& records, char type = 'x') {
        std::string content;
        for (const auto& [key, value] : records) {
            const std::string body = " " + key + "=" + value + "\n";
            std::size_t length = body.size() + 1;
            while (std::to_string(length).size() + body.size() != length) ++length;
            content += std::to_string(length) + body;
        }
        return add({.name = "PaxHeader", .type = type, .content = content});
    }
    // A GNU long name ('L') or link name ('K') for the next entry.
    TarWriter& gnu_long(char type, std::string name) {
        return add({.name = "././@LongLink", .type = type, .content = std::move(name) + std::string(1, '\0')});
    }
    TarWriter& raw(std::string_view bytes) {
        bytes_ += bytes;
        return *this;
    }
    [[nodiscard]] std::string finish() const { return bytes_ + std::string(1024, '\0'); }
    [[nodiscard]] const std::string& unfinished() const { return bytes_; }

  private:
    static std::string octal(std::uint64_t value, std::size_t digits) {
        std::string text(digits, '0');
        for (std::size_t i = digits; i-- > 0 && value > 0; value >>= 3) text[i] = static_cast<char>('0' + (value & 7));
        return text;
    }
    std::string bytes_;
};

inline std::string bzip2(std::string_view data) {
    std::string out(data.size() + data.size() / 100 + 1024, '\0');
    auto size = static_cast<unsigned>(out.size());
    if (BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char*>(data.data()), static_cast<unsigned>(data.size()),
                                 9, 0, 0) != BZ_OK) {
        throw std::runtime_error("bzip2");
    }
    out.resize(size);
    return out;
}

inline std::string zstd(std::string_view data) {
    std::string out(ZSTD_compressBound(data.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), data.data(), data.size(), 3));
    return out;
}

}  // namespace envbuild::testing
