#include "oci/blob.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/fs.hpp"

namespace envbuild::oci {

namespace {

class BytesReader : public BlobReader {
  public:
    explicit BytesReader(std::shared_ptr<const std::string> bytes) : bytes_(std::move(bytes)) {}
    std::size_t read(char* buffer, std::size_t size) override {
        const std::size_t count = bytes_->copy(buffer, size, position_);
        position_ += count;
        return count;
    }

  private:
    std::shared_ptr<const std::string> bytes_;
    std::size_t position_ = 0;
};

class BytesSource : public BlobSource {
  public:
    explicit BytesSource(std::string bytes) : bytes_(std::make_shared<const std::string>(std::move(bytes))) {}
    std::unique_ptr<BlobReader> open() const override { return std::make_unique<BytesReader>(bytes_); }

  private:
    std::shared_ptr<const std::string> bytes_;
};

class FileReader : public BlobReader {
  public:
    explicit FileReader(std::filesystem::path path)
        : path_(std::move(path)), fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (!fd_) fail_read(errno);
    }
    std::size_t read(char* buffer, std::size_t size) override {
        while (true) {
            const ssize_t got = ::read(fd_.get(), buffer, size);
            if (got >= 0) return static_cast<std::size_t>(got);
            if (errno != EINTR) fail_read(errno);
        }
    }

  private:
    [[noreturn]] void fail_read(int code) const {
        throw Error(code == ENOENT ? ErrorKind::NotFound : ErrorKind::Io,
                    fmt::format("{}: cannot read: {}", path_.string(), std::generic_category().message(code)));
    }

    std::filesystem::path path_;
    UniqueFd fd_;
};

class FileSource : public BlobSource {
  public:
    explicit FileSource(std::filesystem::path path) : path_(std::move(path)) {}
    std::unique_ptr<BlobReader> open() const override { return std::make_unique<FileReader>(path_); }

  private:
    std::filesystem::path path_;
};

}  // namespace

std::shared_ptr<const BlobSource> bytes_source(std::string bytes) {
    return std::make_shared<BytesSource>(std::move(bytes));
}
std::shared_ptr<const BlobSource> file_source(std::filesystem::path path) {
    return std::make_shared<FileSource>(std::move(path));
}

VerifyingReader::VerifyingReader(std::unique_ptr<BlobReader> inner, const Descriptor& expected, std::string what)
    : inner_(std::move(inner)), digest_(expected.digest), expected_size_(expected.size), what_(std::move(what)) {}

std::size_t VerifyingReader::read(char* buffer, std::size_t size) {
    const std::size_t got = inner_->read(buffer, size);
    if (got > 0) {
        hash_.update(std::string_view(buffer, got));
        seen_ += got;
        if (seen_ > expected_size_) {
            throw Error(ErrorKind::Corrupt,
                        fmt::format("{}: longer than the {} bytes it should have", what_, expected_size_));
        }
        return got;
    }
    if (checked_) return 0;
    if (seen_ != expected_size_) {
        throw Error(ErrorKind::Corrupt, fmt::format("{}: ended after {} of {} bytes", what_, seen_, expected_size_));
    }
    if (const Digest digest = hash_.finish(); digest != digest_) {
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{}: its content is {}, not {}", what_, digest.to_string(), digest_.to_string()));
    }
    checked_ = true;
    return 0;
}

std::string read_all(BlobReader& reader, std::uint64_t limit) {
    std::string bytes;
    std::array<char, 1 << 15> buffer;
    while (const std::size_t got = reader.read(buffer.data(), buffer.size())) {
        if (bytes.size() + got > limit)
            throw Error(ErrorKind::Corrupt, fmt::format("content is larger than {} bytes", limit));
        bytes.append(buffer.data(), got);
    }
    return bytes;
}

}  // namespace envbuild::oci
