#include "base/zip_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/shown.hpp"
#include "base/strings.hpp"

namespace envbuild {

namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50, kCentralHeader = 0x02014b50;
constexpr std::uint32_t kZip64EndRecord = 0x06064b50, kZip64Locator = 0x07064b50;
constexpr std::uint64_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kLocatorSize = 20, kZip64EndSize = 56;
constexpr std::uint16_t kEncrypted = 1, kStored = 0, kDeflated = 8;
constexpr std::uint64_t kMaxDirectory = 64 << 20;  // a wheel of 100,000 files has 12 MB

[[noreturn]] void corrupt(std::string_view what, std::string_view why) {
    throw Error(ErrorKind::Corrupt, fmt::format("{}: the zip archive {}", what, why));
}

// Little-endian numbers; those past the end are nothing a caller can trust, so they throw.
class Fields {
  public:
    Fields(std::string_view bytes, std::string_view what) : bytes_(bytes), what_(what) {}
    [[nodiscard]] std::uint64_t number(std::size_t at, std::size_t width) const {
        if (at > bytes_.size() || width > bytes_.size() - at) corrupt(what_, "has a record that breaks off");
        std::uint64_t value = 0;
        for (std::size_t i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes_[at + i]);
        return value;
    }
    [[nodiscard]] std::uint16_t u16(std::size_t at) const { return static_cast<std::uint16_t>(number(at, 2)); }
    [[nodiscard]] std::uint32_t u32(std::size_t at) const { return static_cast<std::uint32_t>(number(at, 4)); }
    [[nodiscard]] std::uint64_t u64(std::size_t at) const { return number(at, 8); }
    [[nodiscard]] std::string_view text(std::size_t at, std::size_t size) const {
        if (at > bytes_.size() || size > bytes_.size() - at) corrupt(what_, "has a record that breaks off");
        return bytes_.substr(at, size);
    }

  private:
    std::string_view bytes_, what_;
};

struct End {
    std::uint64_t members = 0, size = 0, offset = 0;
};

// The end record at `at`; nothing where those bytes only look like one.
std::optional<End> end_at(RandomBytes& bytes, std::string_view tail, std::uint64_t tail_offset, std::size_t at,
                          std::string_view what) {
    const Fields fields(tail, what);
    if (tail.size() - at < kEndSize || tail.size() - at != kEndSize + fields.u16(at + 20)) return std::nullopt;
    if (fields.u16(at + 4) != 0 || fields.u16(at + 6) != 0 || fields.u16(at + 8) != fields.u16(at + 10))
        return std::nullopt;
    End end{fields.u16(at + 10), fields.u32(at + 12), fields.u32(at + 16)};
    std::uint64_t directory_end = tail_offset + at;
    if (end.members == 0xffff || end.size == 0xffffffff || end.offset == 0xffffffff) {
        if (directory_end < kLocatorSize + kZip64EndSize) return std::nullopt;
        const std::uint64_t record_at = directory_end - kLocatorSize - kZip64EndSize;
        const std::string bytes64 = bytes.read(record_at, kZip64EndSize + kLocatorSize);
        const Fields record(bytes64, what);
        if (record.u32(kZip64EndSize) != kZip64Locator || record.u64(kZip64EndSize + 8) != record_at ||
            record.u32(0) != kZip64EndRecord) {
            return std::nullopt;
        }
        end = {record.u64(32), record.u64(40), record.u64(48)};
        directory_end = record_at;
    }
    if (end.offset > directory_end || directory_end - end.offset != end.size) return std::nullopt;
    return end;
}

End find_end(RandomBytes& bytes, std::string_view what) {
    constexpr std::uint64_t kReach = 65535 + kEndSize;
    if (bytes.size() < kEndSize) corrupt(what, "is too short to be one");
    const std::uint64_t from = bytes.size() > kReach ? bytes.size() - kReach : 0;
    const std::string tail = bytes.read(from, bytes.size() - from);
    int looked_at = 0;
    for (std::size_t at = tail.rfind("PK\x05\x06"); at != std::string::npos && ++looked_at <= 16;
         at = at == 0 ? std::string::npos : tail.rfind("PK\x05\x06", at - 1)) {
        if (auto end = end_at(bytes, tail, from, at, what)) return *end;
    }
    corrupt(what, "has no valid end record: it is no zip file, or was cut off");
}

// Sizes and the offset that did not fit into 32 bits, each only where its field is all ones.
void take_zip64(ZipDirectory::Member& member, const Fields& fields, std::size_t at, std::size_t size,
                std::string_view what) {
    constexpr std::uint64_t kAllOnes = 0xffffffff;
    std::vector<std::uint64_t*> wanted;
    for (auto* field : {&member.size, &member.stored, &member.offset}) {
        if (*field == kAllOnes) wanted.push_back(field);
    }
    if (wanted.empty()) return;
    for (const std::size_t end = at + size; at + 4 <= end;) {
        const std::size_t length = fields.u16(at + 2);
        if (fields.u16(at) == 1 && length >= wanted.size() * 8 && at + 4 + length <= end) {
            for (std::size_t i = 0; i < wanted.size(); ++i) *wanted[i] = fields.u64(at + 4 + i * 8);
            return;
        }
        at += 4 + length;
    }
    corrupt(what, fmt::format("lacks the zip64 sizes of '{}'", shown(member.name)));
}

class FileBytes final : public RandomBytes {
  public:
    explicit FileBytes(const fs::path& path)
        : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
        struct stat status{};
        if (!fd_ || ::fstat(fd_.get(), &status) != 0) throw_errno("read", path);
        if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::InvalidInput, fmt::format("{} is no file", path.string()));
        size_ = static_cast<std::uint64_t>(status.st_size);
    }
    [[nodiscard]] std::uint64_t size() const override { return size_; }
    [[nodiscard]] std::string read(std::uint64_t offset, std::uint64_t size) override {
        std::string out(size, '\0');
        if (read_at(fd_, offset, out, path_) != size)
            throw Error(ErrorKind::Corrupt, fmt::format("{} became shorter", path_.string()));
        return out;
    }

  private:
    fs::path path_;
    UniqueFd fd_;
    std::uint64_t size_ = 0;
};

// MS-DOS's time and date, which have two seconds for the smallest step and no time zone.
std::int64_t seconds_of(std::uint16_t time, std::uint16_t date) {
    using namespace std::chrono;
    const year_month_day day{year(1980 + (date >> 9)), month(date >> 5 & 15U), std::chrono::day(date & 31U)};
    const std::int64_t hour = time >> 11, minute = time >> 5 & 63, second = (time & 31) * std::int64_t{2};
    if (!day.ok() || hour > 23 || minute > 59 || second > 59) return 0;
    return duration_cast<seconds>(sys_days(day).time_since_epoch()).count() + hour * 3600 + minute * 60 + second;
}

// Deflate without header (RFC 1951); nothing where the bytes are none or give another size.
std::optional<std::string> inflate_all(std::string_view packed, std::uint64_t size) {
    z_stream stream{};
    if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw Error(ErrorKind::Io, "zlib cannot be started");
    const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, ::inflateEnd);
    std::string out(size + 1, '\0');  // one more: what gives too much is seen
    // zlib's own type is not const.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    if (::inflate(&stream, Z_FINISH) != Z_STREAM_END || stream.total_out != size || stream.avail_in != 0)
        return std::nullopt;
    out.resize(size);
    return out;
}

}  // namespace

std::unique_ptr<RandomBytes> open_file(const fs::path& path) {
    return std::make_unique<FileBytes>(path);
}

ZipDirectory ZipDirectory::read(RandomBytes& bytes, std::string what) {
    ZipDirectory out;
    out.what_ = std::move(what);
    const End end = find_end(bytes, out.what_);
    if (end.size > kMaxDirectory) corrupt(out.what_, "has a directory that is too large");
    if (end.members > end.size / kCentralSize) corrupt(out.what_, "has fewer members than it says");
    out.begin_ = end.offset;
    const std::string directory = bytes.read(end.offset, end.size);
    const Fields fields(directory, out.what_);
    std::set<std::string_view> names;
    out.members_.reserve(end.members);
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < end.members; ++i) {
        if (fields.u32(at) != kCentralHeader) corrupt(out.what_, "has a damaged directory");
        Member member;
        member.flags = fields.u16(at + 8);
        member.method = fields.u16(at + 10);
        member.mtime = seconds_of(fields.u16(at + 12), fields.u16(at + 14));
        member.crc = fields.u32(at + 16);
        member.stored = fields.u32(at + 20);
        member.size = fields.u32(at + 24);
        const std::size_t name = fields.u16(at + 28), extra = fields.u16(at + 30), comment = fields.u16(at + 32);
        if (fields.u16(at + 34) != 0) corrupt(out.what_, "is split over several files");
        member.attributes = fields.u32(at + 38);
        member.offset = fields.u32(at + 42);
        member.name = fields.text(at + kCentralSize, name);
        (void)fields.text(at + kCentralSize + name, extra + comment);
        if (!is_valid_utf8(member.name))
            corrupt(out.what_, fmt::format("holds a name that is not UTF-8: '{}'", shown(member.name)));
        take_zip64(member, fields, at + kCentralSize + name, extra, out.what_);
        if ((member.flags & kEncrypted) != 0)
            corrupt(out.what_, fmt::format("holds '{}' encrypted", shown(member.name)));
        if (member.offset > end.offset || member.stored > end.offset - member.offset)
            corrupt(out.what_, fmt::format("places '{}' past its own end", shown(member.name)));
        at += kCentralSize + name + extra + comment;
        out.members_.push_back(std::move(member));
    }
    if (at != directory.size()) corrupt(out.what_, "has a directory of another length than it says");
    for (const Member& member : out.members_) {
        if (!names.insert(member.name).second) corrupt(out.what_, fmt::format("holds '{}' twice", shown(member.name)));
    }
    return out;
}

const ZipDirectory::Member* ZipDirectory::find(std::string_view name) const {
    const auto found = std::ranges::find(members_, name, &Member::name);
    return found == members_.end() ? nullptr : &*found;
}

std::uint64_t ZipDirectory::header_reach(const Member& member) const {
    return std::min(begin_ - member.offset, kLocalSize + member.name.size());
}

std::uint64_t ZipDirectory::check_local(std::string_view head, const Member& member) const {
    const std::string name = shown(member.name);
    if (begin_ - member.offset < kLocalSize) corrupt(what_, fmt::format("has no local header for '{}'", name));
    const Fields local(head, what_);
    if (local.u32(0) != kLocalHeader || local.u16(8) != member.method || local.u16(26) != member.name.size() ||
        local.text(kLocalSize, member.name.size()) != member.name) {
        corrupt(what_, fmt::format("has a local header for '{}' that contradicts the directory", name));
    }
    const std::uint64_t data = kLocalSize + local.u16(26) + local.u16(28);
    if (data > begin_ - member.offset || member.stored > begin_ - member.offset - data)
        corrupt(what_, fmt::format("places '{}' past its own end", name));
    return data;
}

std::string ZipDirectory::unpack(RandomBytes& bytes, const Member& member, std::uint64_t limit) const {
    const std::string name = shown(member.name);
    if (member.size > limit || member.stored > limit + 1024)
        corrupt(what_,
                fmt::format("holds '{}' with {}, more than {}", name, human_bytes(member.size), human_bytes(limit)));
    if (member.method != kStored && member.method != kDeflated)
        corrupt(what_, fmt::format("holds '{}' packed by method {}; deflate is known", name, member.method));
    // Name and extra field of the local header mostly fit: one read gets all.
    const std::uint64_t ahead = std::min(begin_ - member.offset, kLocalSize + member.name.size() + 256 + member.stored);
    std::string read = bytes.read(member.offset, ahead);
    const std::uint64_t data = check_local(read, member);
    if (data + member.stored > read.size()) read += bytes.read(member.offset + ahead, data + member.stored - ahead);
    const auto packed = std::string_view(read).substr(data, member.stored);
    std::optional<std::string> out;
    if (member.method == kDeflated) {
        out = inflate_all(packed, member.size);
    } else if (member.size == member.stored) {
        out = packed;
    }
    const auto crc = [&] {
        return ::crc32(0, reinterpret_cast<const Bytef*>(out->data()), static_cast<uInt>(out->size()));
    };
    if (!out || crc() != member.crc) corrupt(what_, fmt::format("holds '{}' damaged", name));
    return std::move(*out);
}

}  // namespace envbuild
