#include "base/file_digest.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/fs.hpp"

namespace envbuild {

Digest sha256_file(const std::filesystem::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw_errno("read", path);
    Sha256 hash;
    std::array<char, 1 << 16> block{};
    while (true) {
        const ssize_t got = ::read(fd.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_errno("read", path);
        if (got == 0) return hash.finish();
        hash.update(std::string_view(block.data(), static_cast<std::size_t>(got)));
    }
}

}  // namespace envbuild
