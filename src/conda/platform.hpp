// conda's subdirs and how they map to OCI platforms.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace envbuild::conda {

// "linux-64", "linux-aarch64", "linux-ppc64le", "noarch"… An immutable value.
class Platform {
  public:
    Platform() = default;  // linux-64
    // InvalidInput for a name that conda does not know; aliases "linux/amd64" and "linux/arm64" (and OCI's other names)
    // are taken.
    [[nodiscard]] static Expected<Platform> parse(std::string_view text);
    // Every subdir that conda knows, "noarch" too.
    [[nodiscard]] static const std::vector<std::string>& known_subdirs();

    [[nodiscard]] const std::string& to_string() const { return subdir_; }
    [[nodiscard]] std::string oci_architecture() const;  // "amd64", "arm64"; "" for noarch
    [[nodiscard]] std::string oci_os() const;            // "linux", "darwin", "windows"; "" for noarch
    [[nodiscard]] std::string oci_variant() const;       // "v7" for linux-armv7l; "" mostly
    [[nodiscard]] std::string machine() const;           // of a Linux, as `uname -m` says it: "x86_64"; "" for others
    [[nodiscard]] bool is_linux() const { return subdir_.starts_with("linux-"); }
    auto operator<=>(const Platform&) const = default;

  private:
    std::string subdir_ = "linux-64";
};

}  // namespace envbuild::conda
