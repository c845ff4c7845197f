#include "catalog/reserved_prefixes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"

namespace envbuild::catalog {

namespace {

bool begins_with(std::string_view name, std::string_view prefix) {
    return to_lower(name).starts_with(to_lower(prefix));
}

}  // namespace

ReservedPrefixes::ReservedPrefixes(const std::vector<std::string>& further) : prefixes_{"AzureML", "Microsoft"} {
    std::ranges::copy_if(further, std::back_inserter(prefixes_), [](const auto& prefix) { return !prefix.empty(); });
}

Expected<std::string> ReservedPrefixes::check(std::string_view name) const {
    for (const auto& prefix : prefixes_) {
        if (!begins_with(name, prefix)) continue;
        return std::unexpected(
            Error(
                ErrorKind::InvalidInput,
                fmt::format("'{}': an environment's name can not start with the prefix {}, which is reserved; to alter "
                            "a curated environment first create a copy of it under another name",
                            name, prefix))
                .with_hint(fmt::format("envbuild clone {} NEW-NAME", name)));
    }
    return std::string(name);
}

bool ReservedPrefixes::reserves(std::string_view name) const {
    return std::ranges::any_of(prefixes_, [&](const auto& prefix) { return begins_with(name, prefix); });
}

}  // namespace envbuild::catalog
