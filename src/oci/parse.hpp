// Typed access to the members of OCI documents, with errors that name the member. For the sources of this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oci/descriptor.hpp"

namespace envbuild::oci::detail {

// Error(Corrupt) "<what>: '<key>' …" where a member that is there has another type; the fallback where it is absent or
// null.
[[nodiscard]] std::string optional_string(const Json& json, std::string_view key, std::string_view what);
[[nodiscard]] std::map<std::string, std::string> optional_string_map(const Json& json, std::string_view key,
                                                                     std::string_view what);
[[nodiscard]] std::vector<std::string> optional_strings(const Json& json, std::string_view key, std::string_view what);
[[nodiscard]] std::vector<Descriptor> descriptors(const Json& json, std::string_view key, std::string_view what);

// A JSON object of at most `limit` bytes; Error(Corrupt) otherwise.
[[nodiscard]] Json parse_document(std::string_view bytes, std::uint64_t limit, std::string_view what);

[[nodiscard]] Json to_json(const std::map<std::string, std::string>& map);

// Runs a reader that throws Error(Corrupt), as an Expected.
template <class Read>
auto expected(Read&& read) -> Expected<decltype(read())> {
    try {
        return read();
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Corrupt) throw;
        return std::unexpected(error);
    }
}

}  // namespace envbuild::oci::detail
