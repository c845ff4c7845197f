#include "spec/python_demand.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"
#include "conda/version_spec.hpp"

namespace envbuild::spec {

namespace {

// What stands behind --python is glued onto the word "python", so that it must be versions and nothing else:
// "3.11", "=3.11", ">=3.10,<3.12".
bool is_version_demand(std::string_view text) {
    if (text.empty() || text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz.*=<>!~,|+_") != std::string::npos)
        return false;
    for (const auto alternative : split(text, '|')) {
        for (const auto clause : split(alternative, ',')) {
            const auto first = clause.find_first_not_of("=<>!~");
            if (first == std::string_view::npos || clause[first] < '0' || clause[first] > '9') return false;
        }
    }
    return conda::VersionSpec::parse(text).has_value();
}

}  // namespace

Expected<std::string> python_spec(std::string_view asked) {
    if (!is_version_demand(asked)) {
        return std::unexpected(Error(ErrorKind::InvalidInput, fmt::format("'{}' is no version of Python", asked))
                                   .with_hint("write --python 3.11, or a range such as --python '>=3.10,<3.12'"));
    }
    const bool bare = asked.find_first_not_of("0123456789.") == std::string_view::npos;
    // "3.11.*" and "3.10|3.11" would else be read as part of the name.
    const char* between = bare ? "=" : asked[0] >= '0' && asked[0] <= '9' ? " " : "";
    return fmt::format("python{}{}", between, asked);
}

}  // namespace envbuild::spec
