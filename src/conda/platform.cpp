#include "conda/platform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.hpp"

namespace envbuild::conda {

namespace {

struct Known {
    std::string_view subdir, os, architecture, variant;
};

// conda.base.constants.KNOWN_SUBDIRS beside the names of the OCI image-spec (GOOS, GOARCH, variant).
constexpr std::array kKnown = {
    Known{"noarch", "", "", ""},
    Known{"linux-64", "linux", "amd64", ""},
    Known{"linux-32", "linux", "386", ""},
    Known{"linux-aarch64", "linux", "arm64", ""},
    Known{"linux-armv6l", "linux", "arm", "v6"},
    Known{"linux-armv7l", "linux", "arm", "v7"},
    Known{"linux-ppc64le", "linux", "ppc64le", ""},
    Known{"linux-ppc64", "linux", "ppc64", ""},
    Known{"linux-riscv32", "linux", "riscv32", ""},
    Known{"linux-riscv64", "linux", "riscv64", ""},
    Known{"linux-s390x", "linux", "s390x", ""},
    Known{"osx-64", "darwin", "amd64", ""},
    Known{"osx-arm64", "darwin", "arm64", ""},
    Known{"win-32", "windows", "386", ""},
    Known{"win-64", "windows", "amd64", ""},
    Known{"win-arm64", "windows", "arm64", ""},
    Known{"emscripten-wasm32", "js", "wasm", ""},
    Known{"emscripten-32", "js", "wasm", ""},
    Known{"wasi-wasm32", "wasip1", "wasm", ""},
    Known{"freebsd-64", "freebsd", "amd64", ""},
    Known{"zos-z", "zos", "s390x", ""},
};

const Known& known(std::string_view subdir) {
    return *std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) { return k.subdir == subdir; });
}

}  // namespace

const std::vector<std::string>& Platform::known_subdirs() {
    static const std::vector<std::string> all = [] {
        std::vector<std::string> names;
        for (const Known& k : kKnown) names.emplace_back(k.subdir);
        return names;
    }();
    return all;
}

Expected<Platform> Platform::parse(std::string_view text) {
    const std::string wanted = to_lower(trim(text));
    Platform platform;
    for (const Known& k : kKnown) {
        const std::string oci = fmt::format("{}/{}", k.os, k.architecture);
        const bool is_oci =
            !k.os.empty() && (wanted == (k.variant.empty() ? oci : fmt::format("{}/{}", oci, k.variant)));
        if (wanted == k.subdir || is_oci) {
            platform.subdir_ = k.subdir;
            return platform;
        }
    }
    if (wanted == "linux/arm64/v8" || wanted == "linux-arm64") {
        platform.subdir_ = "linux-aarch64";
        return platform;
    }
    if (wanted == "linux-x86_64" || wanted == "linux-amd64") return platform;
    auto error = Error(ErrorKind::InvalidInput, fmt::format("unknown platform '{}'", trim(text)));
    const std::string near = nearest(wanted, known_subdirs());
    return std::unexpected(std::move(error).with_hint(near.empty()
                                                          ? "conda's names are meant, such as linux-64 or linux-aarch64"
                                                          : fmt::format("did you mean {}?", near)));
}

std::string Platform::oci_architecture() const {
    return std::string(known(subdir_).architecture);
}

std::string Platform::oci_os() const {
    return std::string(known(subdir_).os);
}

std::string Platform::oci_variant() const {
    return std::string(known(subdir_).variant);
}

std::string Platform::machine() const {
    if (!is_linux()) return "";
    if (subdir_ == "linux-64") return "x86_64";
    if (subdir_ == "linux-32") return "i686";
    return subdir_.substr(std::string_view("linux-").size());
}

}  // namespace envbuild::conda
