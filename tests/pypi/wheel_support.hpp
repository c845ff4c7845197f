// Zip archives and wheels for tests, member by member, so that each can be made wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace envbuild::testing {

struct ZipMember {
    std::string name = {}, bytes = {};
    bool deflated = true;
    std::uint16_t flags = 0;
    std::string local_name = {};            // of the local header, where it shall be another
    std::optional<std::uint32_t> crc = {};  // where it shall be wrong
    std::optional<std::uint32_t> size = {};
};

struct ZipOptions {
    std::string comment = {};
    bool zip64 = false;  // the end record alone
};

[[nodiscard]] std::string make_zip(const std::vector<ZipMember>& members, const ZipOptions& options = {});

// The METADATA of a project with these further lines ("Requires-Dist: x\n").
[[nodiscard]] std::string make_metadata(std::string_view name, std::string_view version, std::string_view more = "");

// A wheel with one module of `payload` bytes that do not compress, and its metadata.
[[nodiscard]] std::string make_wheel(std::string_view name, std::string_view version,
                                     std::string_view more_metadata = "", std::size_t payload = 10);

}  // namespace envbuild::testing
