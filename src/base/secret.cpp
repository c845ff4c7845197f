#include "base/secret.hpp"

#include <openssl/crypto.h>

namespace envbuild {

Secret::~Secret() {
    OPENSSL_cleanse(value_.data(), value_.size());
}

}  // namespace envbuild
