#include "conda/json_bytes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "base/fs.hpp"

namespace envbuild::conda {

JsonBytes::JsonBytes(std::string bytes) : size_(bytes.size()), held_(std::move(bytes)) {
    held_.append(kPadding, '\0');
}

JsonBytes::JsonBytes(JsonBytes&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)),
      mapped_size_(other.mapped_size_),
      size_(other.size_),
      held_(std::move(other.held_)) {}

JsonBytes::~JsonBytes() {
    if (mapping_ != nullptr) ::munmap(mapping_, mapped_size_);
}

JsonBytes JsonBytes::map(const std::filesystem::path& file) {
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (!fd || ::fstat(fd.get(), &status) != 0) throw_errno("read", file);
    if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::InvalidInput, fmt::format("{} is not a file", file.string()));
    JsonBytes bytes;
    bytes.size_ = static_cast<std::size_t>(status.st_size);
    if (bytes.size_ == 0) return JsonBytes(std::string());
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    bytes.mapped_size_ = (bytes.size_ + kPadding + page - 1) / page * page;
    // Zero pages first, then the file over their front: the padding is readable even where the file ends on a page's
    // edge.
    void* const area = ::mmap(nullptr, bytes.mapped_size_, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) throw_errno("read", file);
    bytes.mapping_ = area;
    if (::mmap(area, bytes.size_, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd.get(), 0) == MAP_FAILED)
        throw_errno("read", file);
    return bytes;
}

}  // namespace envbuild::conda
