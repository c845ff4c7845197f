#include "conda/archive_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "conda/archive_entry.hpp"

namespace envbuild::conda {

namespace {

class FileSource : public ArchiveSource {
  public:
    explicit FileSource(const std::filesystem::path& path)
        : path_(path.string()), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        struct stat status{};
        if (!fd_ || ::fstat(fd_.get(), &status) != 0) {
            const int code = errno;
            throw Error(code == ENOENT ? ErrorKind::NotFound : ErrorKind::Io,
                        fmt::format("{}: cannot open: {}", path_, std::generic_category().message(code)));
        }
        if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::Io, fmt::format("{} is not a regular file", path_));
        size_ = static_cast<std::uint64_t>(status.st_size);
    }

    [[nodiscard]] std::uint64_t size() const override { return size_; }

    std::size_t read_at(std::uint64_t offset, std::span<char> into) const override {
        return envbuild::read_at(fd_, offset, into, path_);
    }

  private:
    std::string path_;
    UniqueFd fd_;
    std::uint64_t size_ = 0;
};

class BytesSource : public ArchiveSource {
  public:
    explicit BytesSource(std::string bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }

    std::size_t read_at(std::uint64_t offset, std::span<char> into) const override {
        if (offset >= bytes_.size()) return 0;
        const std::size_t count = std::min<std::uint64_t>(into.size(), bytes_.size() - offset);
        std::memcpy(into.data(), bytes_.data() + offset, count);
        return count;
    }

  private:
    std::string bytes_;
};

}  // namespace

std::shared_ptr<const ArchiveSource> ArchiveSource::from_file(const std::filesystem::path& path) {
    return std::make_shared<FileSource>(path);
}

std::shared_ptr<const ArchiveSource> ArchiveSource::from_bytes(std::string bytes) {
    return std::make_shared<BytesSource>(std::move(bytes));
}

std::string ContentReader::read_all(std::uint64_t limit) {
    std::string all;
    std::string chunk(std::size_t{128} << 10, '\0');
    while (const std::size_t got = read(chunk)) {
        all.append(chunk, 0, got);
        if (all.size() > limit) throw Error(ErrorKind::Corrupt, fmt::format("is larger than {} bytes", limit));
    }
    return all;
}

std::size_t StringReader::read(std::span<char> into) {
    const std::size_t count = std::min(into.size(), text_.size() - position_);
    std::copy_n(text_.data() + position_, count, into.data());
    position_ += count;
    return count;
}

}  // namespace envbuild::conda
