#include "layer/tar_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.hpp"

namespace envbuild::layer {

namespace {

constexpr std::uint64_t kExtendedLimit = 1U << 20;

std::string_view field(std::string_view block, std::size_t offset, std::size_t width) {
    const auto bytes = block.substr(offset, width);
    return bytes.substr(0, bytes.find('\0'));
}

// Octal text, or GNU's base-256 for what does not fit (first byte 0x80; 0xff for negative numbers).
std::optional<std::int64_t> number(std::string_view block, std::size_t offset, std::size_t width) {
    const auto bytes = block.substr(offset, width);
    const auto first = static_cast<unsigned char>(bytes[0]);
    if ((first & 0x80U) != 0) {
        std::uint64_t value = first == 0xff ? UINT64_MAX : first & 0x7fU;
        for (const char c : bytes.substr(1)) {
            const bool sign_only = first == 0xff ? value >> 55U == 0x1ff : value >> 55U == 0;
            if (!sign_only) return std::nullopt;
            value = value << 8U | static_cast<unsigned char>(c);
        }
        return static_cast<std::int64_t>(value);
    }
    std::int64_t value = 0;
    bool digits = false;
    for (const char c : bytes) {
        if (c == ' ' && !digits) continue;
        if (c == ' ' || c == '\0') break;
        if (c < '0' || c > '7') return std::nullopt;
        digits = true;
        value = value * 8 + (c - '0');
    }
    return value;
}

bool checksum_matches(std::string_view block) {
    const auto stated = number(block, 148, 8);
    if (!stated) return false;
    std::int64_t plain = 0;
    std::int64_t with_sign = 0;  // what some old tars summed
    for (std::size_t i = 0; i < block.size(); ++i) {
        const char c = i >= 148 && i < 156 ? ' ' : block[i];
        plain += static_cast<unsigned char>(c);
        with_sign += static_cast<signed char>(c);
    }
    return *stated == plain || *stated == with_sign;
}

std::string ustar_path(std::string_view block) {
    std::string path(field(block, 0, 100));
    // Only POSIX's "ustar\0" has a prefix; GNU's "ustar  " keeps times there.
    if (block.substr(257, 6) == std::string_view("ustar\0", 6)) {
        const auto prefix = field(block, 345, 155);
        if (!prefix.empty()) path = fmt::format("{}/{}", prefix, path);
    }
    return path;
}

template <class Int>
std::optional<Int> decimal(std::string_view text) {
    Int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end == text.data()) return std::nullopt;
    // A time may have a fraction; nothing else may follow.
    if (end != text.data() + text.size() && *end != '.') return std::nullopt;
    return value;
}

}  // namespace

std::string normal_tar_path(std::string_view path) {
    std::string normal;
    normal.reserve(path.size());
    while (!path.empty()) {
        const auto slash = std::min(path.find('/'), path.size());
        const auto part = path.substr(0, slash);
        path.remove_prefix(std::min(slash + 1, path.size()));
        if (part.empty() || part == ".") continue;
        if (!normal.empty()) normal += '/';
        normal += part;
    }
    return normal;
}

void TarParser::corrupt(std::string_view why) const {
    throw Error(ErrorKind::Corrupt, fmt::format("not a proper tar archive: {} at offset {}", why, offset_));
}

void TarParser::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        std::size_t used = bytes.size();
        switch (state_) {
            case State::End:
                break;
            case State::Header:
            case State::Sparse: {
                used = std::min(bytes.size(), kTarBlock - block_.size());
                if (used == kTarBlock) {
                    header(bytes.substr(0, used));
                } else {
                    block_ += bytes.substr(0, used);
                    if (block_.size() == kTarBlock) {
                        const std::string block = std::move(block_);
                        block_.clear();
                        header(block);
                    }
                }
                break;
            }
            case State::Data:
            case State::Extended:
                used = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_));
                if (state_ == State::Data) {
                    visitor_->data(bytes.substr(0, used));
                } else {
                    extended_ += bytes.substr(0, used);
                }
                left_ -= used;
                if (left_ == 0) data_done();
                break;
            case State::Padding:
                used = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), padding_));
                padding_ -= used;
                if (padding_ == 0) state_ = State::Header;
                break;
        }
        offset_ += used;
        bytes.remove_prefix(used);
    }
}

void TarParser::finish() {
    if (state_ == State::End) return;
    if (state_ != State::Header || !block_.empty() || overridden_) corrupt("the archive is cut short");
}

void TarParser::header(std::string_view block) {
    if (state_ == State::Sparse) {
        // GNU sparse maps may go on in further blocks, each of which says whether another one follows.
        if (block[504] == '\0') begin_data(left_, State::Data);
        return;
    }
    if (std::ranges::all_of(block, [](char c) { return c == '\0'; })) return zero_block();
    if (after_zero_block_) corrupt("an entry after the end");
    if (!checksum_matches(block)) corrupt("a header whose checksum does not match");

    const char type = block[156];
    if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
        const auto size = number(block, 124, 12);
        if (!size || *size < 0 || static_cast<std::uint64_t>(*size) > kExtendedLimit)
            corrupt("an extended header of a bad size");
        extended_type_ = type;
        extended_.clear();
        if (type != 'g') overridden_ = true;
        begin_data(static_cast<std::uint64_t>(*size), State::Extended);
        return;
    }
    begin_entry(block);
}

void TarParser::zero_block() {
    if (overridden_) corrupt("an extended header without its entry");
    if (after_zero_block_) state_ = State::End;
    after_zero_block_ = true;
}

void TarParser::begin_entry(std::string_view block) {
    const char type = block[156];
    const auto mode = number(block, 100, 8);
    const auto uid = number(block, 108, 8);
    const auto gid = number(block, 116, 8);
    const auto size = number(block, 124, 12);
    const auto mtime = number(block, 136, 12);
    if (!mode || !uid || !gid || !size || !mtime || *size < 0) corrupt("a header with a bad number");

    const std::string path = next_.path ? *next_.path : ustar_path(block);
    TarEntry entry;
    entry.path = normal_tar_path(path);
    entry.mode = static_cast<std::uint32_t>(*mode) & 07777U;
    entry.uid = next_.uid.value_or(static_cast<std::uint64_t>(*uid));
    entry.gid = next_.gid.value_or(static_cast<std::uint64_t>(*gid));
    entry.mtime = next_.mtime.value_or(*mtime);
    std::uint64_t data = next_.size.value_or(static_cast<std::uint64_t>(*size));

    switch (type) {
        case '\0':
        case '0':
        case '7':
        case 'S':
            // Before ustar a folder was a file whose name ends in a slash.
            entry.type = path.ends_with('/') ? TarEntry::Type::Directory : TarEntry::Type::File;
            break;
        case '1':
            entry.type = TarEntry::Type::Hardlink;
            break;
        case '2':
            entry.type = TarEntry::Type::Symlink;
            break;
        case '5':
            entry.type = TarEntry::Type::Directory;
            break;
        default:
            entry.type = TarEntry::Type::Other;
            break;
    }
    // Links, folders and devices have no data, whatever their size field says (so do GNU tar and Go read them).
    if (type >= '1' && type <= '6') data = 0;
    if (entry.type == TarEntry::Type::Hardlink || entry.type == TarEntry::Type::Symlink) {
        entry.link_target = next_.link ? *next_.link : std::string(field(block, 157, 100));
    }
    if (entry.type == TarEntry::Type::File) entry.size = data;
    next_ = {};
    overridden_ = false;

    visitor_->entry(entry);
    if (type == 'S' && block[482] != '\0') {
        left_ = data;
        state_ = State::Sparse;
        return;
    }
    begin_data(data, State::Data);
}

void TarParser::begin_data(std::uint64_t size, State state) {
    state_ = state;
    left_ = size;
    padding_ = tar_padding(size);
    if (left_ == 0) data_done();
}

void TarParser::data_done() {
    const bool extended = state_ == State::Extended;
    state_ = padding_ != 0 ? State::Padding : State::Header;
    if (!extended) return visitor_->end();
    switch (extended_type_) {
        case 'L':
            next_.path = std::string(field(extended_, 0, extended_.size()));
            break;
        case 'K':
            next_.link = std::string(field(extended_, 0, extended_.size()));
            break;
        case 'x':
            pax_records();
            break;
        default:
            break;  // global headers hold comments (git's) in what we read
    }
}

void TarParser::pax_records() {
    std::string_view rest = extended_;
    while (!rest.empty()) {
        std::size_t length = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
        const auto digits = static_cast<std::size_t>(end - rest.data());
        if (error != std::errc() || length > rest.size() || length < digits + 3 || rest[digits] != ' ' ||
            rest[length - 1] != '\n') {
            corrupt("a bad pax record");
        }
        const auto record = rest.substr(digits + 1, length - digits - 2);
        rest.remove_prefix(length);
        const auto equals = record.find('=');
        if (equals == std::string_view::npos) corrupt("a bad pax record");
        const auto key = record.substr(0, equals);
        const auto value = record.substr(equals + 1);
        // An empty value takes the key back (POSIX pax, "Extended header keyword precedence").
        if (key == "path") next_.path = value.empty() ? std::nullopt : std::optional<std::string>(value);
        if (key == "linkpath") next_.link = value.empty() ? std::nullopt : std::optional<std::string>(value);
        for (const auto& [name, number] : {std::pair{"size", &next_.size}, {"uid", &next_.uid}, {"gid", &next_.gid}}) {
            if (key == name && !(*number = decimal<std::uint64_t>(value))) corrupt("a bad number in a pax record");
        }
        if (key == "mtime" && !(next_.mtime = decimal<std::int64_t>(value))) corrupt("a bad time in a pax record");
        if ((key == "path" || key == "linkpath") && value.find('\0') != std::string_view::npos)
            corrupt("a NUL in a pax record");
    }
}

}  // namespace envbuild::layer
