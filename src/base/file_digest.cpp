#include "base/file_digest.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/fs.hpp"

namespace envbuild {

namespace {

template <typename Take>
void read_blocks(const std::filesystem::path& path, const Take& take) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw_errno("read", path);
    std::array<char, 1 << 16> block{};
    while (true) {
        const ssize_t got = ::read(fd.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_errno("read", path);
        if (got == 0) return;
        take(std::string_view(block.data(), static_cast<std::size_t>(got)));
    }
}

}  // namespace

Digest sha256_file(const std::filesystem::path& path) {
    Sha256 hash;
    read_blocks(path, [&](std::string_view bytes) { hash.update(bytes); });
    return hash.finish();
}

std::string md5_file(const std::filesystem::path& path) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr);
    read_blocks(path, [&](std::string_view bytes) { EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()); });
    std::array<std::uint8_t, 16> sum{};
    EVP_DigestFinal_ex(context.get(), sum.data(), nullptr);
    return to_hex(sum);
}

}  // namespace envbuild
