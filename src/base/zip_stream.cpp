#include "base/zip_stream.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "base/shown.hpp"

namespace envbuild {

namespace {

constexpr std::uint16_t kStored = 0, kDeflated = 8;
constexpr std::uint64_t kInput = std::uint64_t{128} << 10;

}  // namespace

struct ZipStream::Inflater {
    Inflater() {
        // No header (RFC 1951).
        if (::inflateInit2(&state, -MAX_WBITS) != Z_OK) throw Error(ErrorKind::Io, "zlib cannot be started");
    }
    ~Inflater() { ::inflateEnd(&state); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    z_stream state{};
    bool ended = false;
};

ZipStream::ZipStream(RandomBytes& bytes, const ZipDirectory& directory, const ZipDirectory::Member& member)
    : bytes_(bytes), directory_(directory), member_(member), stored_left_(member.stored), left_(member.size) {
    if (member.method != kStored && member.method != kDeflated) {
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{}: the zip archive holds '{}' packed by method {}; deflate is known",
                                directory.what(), shown(member.name), member.method));
    }
    const std::string head = bytes.read(member.offset, directory.header_reach(member));
    at_ = member.offset + directory.check_local(head, member);
    if (member.method == kDeflated) {
        inflater_ = std::make_unique<Inflater>();
    } else if (member.stored != member.size) {
        damaged();
    }
}

ZipStream::~ZipStream() = default;

void ZipStream::damaged() const {
    throw Error(ErrorKind::Corrupt,
                fmt::format("{}: the zip archive holds '{}' damaged", directory_.what(), shown(member_.name)));
}

void ZipStream::fill() {
    const auto count = std::min(stored_left_, kInput);
    input_ = bytes_.read(at_, count);
    input_at_ = 0;
    at_ += count;
    stored_left_ -= count;
}

std::size_t ZipStream::read(char* buffer, std::size_t size) {
    if (size == 0) return 0;
    if (inflater_) return inflate(buffer, size);
    if (left_ == 0) return 0;
    if (input_at_ == input_.size()) fill();
    const std::size_t count = std::min(size, input_.size() - input_at_);
    std::memcpy(buffer, input_.data() + input_at_, count);
    input_at_ += count;
    left_ -= count;
    return count;
}

std::size_t ZipStream::inflate(char* buffer, std::size_t size) {
    z_stream& state = inflater_->state;
    while (!inflater_->ended) {
        if (input_at_ == input_.size() && stored_left_ > 0) fill();
        state.next_in = reinterpret_cast<Bytef*>(input_.data() + input_at_);
        state.avail_in = static_cast<uInt>(input_.size() - input_at_);
        // At its end one byte more than there may be: what gives too much is seen.
        char extra = 0;
        const std::size_t room =
            static_cast<std::size_t>(std::min<std::uint64_t>({size, left_, std::uint64_t{1} << 30}));
        state.next_out = reinterpret_cast<Bytef*>(room > 0 ? buffer : &extra);
        state.avail_out = static_cast<uInt>(room > 0 ? room : 1);
        const int result = ::inflate(&state, Z_NO_FLUSH);
        const std::size_t made = (room > 0 ? room : 1) - state.avail_out;
        input_at_ = input_.size() - state.avail_in;
        if (made > left_) damaged();
        left_ -= made;
        if (result == Z_STREAM_END) {
            inflater_->ended = true;
            if (left_ > 0 || stored_left_ > 0 || state.avail_in > 0) damaged();
        } else {
            const bool starved = made == 0 && stored_left_ == 0 && state.avail_in == 0;
            if (starved || (result != Z_OK && result != Z_BUF_ERROR)) damaged();
        }
        if (made > 0) return made;
    }
    return 0;
}

}  // namespace envbuild
