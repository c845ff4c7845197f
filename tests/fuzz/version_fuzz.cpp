// Any text is a version or is refused; one that is taken orders itself as it should.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "conda/version.hpp"
#include "conda/version_spec.hpp"

using namespace envbuild::conda;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    // Two versions and a constraint, line by line.
    const auto first = text.find('\n');
    const auto second = first == std::string_view::npos ? first : text.find('\n', first + 1);
    const auto a = Version::parse(text.substr(0, first));
    if (!a) return 0;
    if ((*a <=> *a) != 0) std::abort();
    if (const auto again = Version::parse(a->to_string()); !again || (*again <=> *a) != 0) std::abort();
    if (first == std::string_view::npos) return 0;
    const auto b =
        Version::parse(text.substr(first + 1, second == std::string_view::npos ? second : second - first - 1));
    if (b && ((*a < *b) != (*b > *a) || (*a == *b) != (*b == *a))) std::abort();
    if (second == std::string_view::npos) return 0;
    if (const auto spec = VersionSpec::parse(text.substr(second + 1))) static_cast<void>(spec->matches(*a));
    return 0;
}
