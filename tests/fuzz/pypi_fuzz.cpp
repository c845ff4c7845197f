// What indexes, wheels and users write for pip: any bytes are read or refused, and the canonical spelling of what is
// read means the same. The first byte chooses which of them the rest is.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pypi/core_metadata.hpp"
#include "pypi/file_name.hpp"
#include "pypi/index_page.hpp"
#include "pypi/marker.hpp"
#include "pypi/pep440.hpp"
#include "pypi/requirement_line.hpp"
#include "pypi/specifier.hpp"

using namespace envbuild;
using namespace envbuild::pypi;

namespace {

// Parses, writes and parses again; both must say the same.
template <class Value>
void round_trip(std::string_view text) {
    const auto value = Value::parse(text);
    if (!value) return;
    const auto again = Value::parse(value->to_string());
    if (!again || again->to_string() != value->to_string()) std::abort();
}

void requirement(std::string_view text) {
    const auto line = parse_requirement(text);
    // A path is no PEP 508: pip's lines alone have it.
    if (!line || line->kind == RequirementLine::Kind::Local) return;
    const auto again = parse_requirement(line->canonical());
    if (!again || again->canonical() != line->canonical()) std::abort();
}

void marker(std::string_view text) {
    round_trip<Marker>(text);
    static const auto environment = MarkerEnvironment::cpython_on_linux("3.11.2", "x86_64");
    if (const auto parsed = Marker::parse(text)) static_cast<void>(parsed->evaluate(*environment, "test"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    static const auto page = value_or_throw(Url::parse("https://pypi.org/simple/x/"));
    switch (data[0]) {
        case 'v':
            round_trip<Pep440Version>(text);
            break;
        case 's':
            round_trip<SpecifierSet>(text);
            break;
        case 'm':
            marker(text);
            break;
        case 'r':
            requirement(text);
            break;
        case 'j':
            static_cast<void>(parse_json_page(text, page));
            break;
        case 'h':
            static_cast<void>(parse_html_page(text, page));
            break;
        case 'c':
            static_cast<void>(CoreMetadata::parse(text, "METADATA"));
            break;
        case 'f':
            static_cast<void>(WheelName::parse(text));
            static_cast<void>(SdistName::parse(text, "x"));
            break;
        default:
            break;
    }
    return 0;
}
