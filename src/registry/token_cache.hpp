// TokenCache: what a registry asked for and the bearer tokens it took, kept between runs so that a look-up is one round
// trip.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/secret.hpp"

namespace envbuild::registry {

// How a registry is answered: with this token, or (empty) with Basic.
struct Grant {
    Secret token;
    std::chrono::system_clock::time_point expires;
};

// Thread-safe. On disk a file for each key under a folder of mode 0700, each of mode 0600 (docs/formats.md); a password
// is never written. A folder that cannot be written only costs round trips.
class TokenCache {
  public:
    // Empty: in memory only.
    explicit TokenCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

    // Nothing where there is none or it ends within the next seconds.
    [[nodiscard]] std::optional<Grant> find(const std::string& key);
    void store(const std::string& key, const Grant& grant);
    void forget(const std::string& key);

  private:
    [[nodiscard]] std::filesystem::path path_of(const std::string& key) const;
    [[nodiscard]] std::optional<Grant> read(const std::string& key) const;

    std::filesystem::path folder_;
    std::mutex mutex_;
    std::map<std::string, Grant> grants_;
};

}  // namespace envbuild::registry
