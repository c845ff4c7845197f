// Apart from digest.cpp because envbuild-install takes OpenSSL's small SHA-256 instead of all of libcrypto's providers.
#include <openssl/evp.h>

#include "base/digest.hpp"

namespace envbuild {

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    State() {
        if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) {
            throw Error(ErrorKind::Bug, "OpenSSL has no SHA-256");
        }
    }
    ~State() { EVP_MD_CTX_free(context); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) {
    EVP_DigestUpdate(state_->context, data.data(), data.size());
}
void Sha256::update(std::span<const std::byte> data) {
    EVP_DigestUpdate(state_->context, data.data(), data.size());
}

Digest Sha256::finish() {
    Digest::Bytes bytes{};
    EVP_DigestFinal_ex(state_->context, bytes.data(), nullptr);
    return Digest(bytes);
}

Digest sha256(std::string_view data) {
    Sha256 hash;
    hash.update(data);
    return hash.finish();
}

std::string md5_hex(std::string_view data) {
    std::array<std::uint8_t, 16> bytes{};
    EVP_Digest(data.data(), data.size(), bytes.data(), nullptr, EVP_md5(), nullptr);
    return to_hex(bytes);
}

}  // namespace envbuild
