// Compatibility tags (PEP 425; platforms of PEP 513, 571, 599 and 600; abi3 of PEP 384): which wheels a target can use,
// and which of them fits best.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"

namespace envbuild::pypi {

struct Tag {
    std::string interpreter, abi, platform;
    [[nodiscard]] std::string to_string() const { return interpreter + "-" + abi + "-" + platform; }
    auto operator<=>(const Tag&) const = default;
};

// CPython on a Linux with glibc.
struct TagTarget {
    int python_major = 3, python_minor = 0;
    bool free_threaded = false;  // a build without the GIL, "cp313t", which takes no abi3
    std::string machine;         // "x86_64", "aarch64", "ppc64le"…
    int glibc_major = 2, glibc_minor = 0;

    // From "3.11.4" and "2.36", as a lock and a base image say it. InvalidInput for other texts.
    [[nodiscard]] static Expected<TagTarget> of(std::string_view python, std::string_view machine,
                                                std::string_view glibc);
};

// The platforms that the target takes, best first: "manylinux_2_36_x86_64" down to the oldest glibc that the standards
// know (2.5 on x86, 2.17 elsewhere), the legacy aliases behind theirs, "linux_x86_64" last.
[[nodiscard]] std::vector<std::string> platform_tags(const TagTarget& target);

// Immutable, thread-safe: the tags that a target takes, in the order of packaging's sys_tags().
class TagSet {
  public:
    explicit TagSet(const TagTarget& target);

    [[nodiscard]] const std::vector<Tag>& tags() const { return tags_; }  // best first
    // 0 is the best; nothing for a tag that the target does not take.
    [[nodiscard]] std::optional<std::size_t> rank(std::string_view interpreter, std::string_view abi,
                                                  std::string_view platform) const;

  private:
    std::vector<Tag> tags_;
    std::unordered_map<std::string, std::size_t> ranks_;
};

}  // namespace envbuild::pypi
