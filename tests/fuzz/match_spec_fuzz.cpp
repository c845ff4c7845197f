// Any text is a user's MatchSpec or is refused; the canonical form of one that is taken means the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "conda/match_spec.hpp"

using namespace envbuild::conda;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto spec = MatchSpec::parse(text);
    if (!spec) return 0;
    static_cast<void>(MatchSpec::parse(text, Dialect::Conda));
    const auto canonical = spec->canonical(spec->channel());
    const auto again = MatchSpec::parse(canonical, Dialect::Conda);
    if (!again || again->canonical(again->channel()) != canonical) std::abort();
    return 0;
}
