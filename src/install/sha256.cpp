// SHA-256 for envbuild-install: OpenSSL's own code without its providers, which would make the static binary four times
// as large.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "base/digest.hpp"

namespace envbuild {

struct Sha256::State {
    SHA256_CTX context{};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    SHA256_Init(&state_->context);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) {
    SHA256_Update(&state_->context, data.data(), data.size());
}
void Sha256::update(std::span<const std::byte> data) {
    SHA256_Update(&state_->context, data.data(), data.size());
}

Digest Sha256::finish() {
    Digest::Bytes bytes{};
    SHA256_Final(bytes.data(), &state_->context);
    return Digest(bytes);
}

}  // namespace envbuild
