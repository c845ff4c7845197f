// RECORD: which files a project consists of (PEP 427; "Recording installed projects").
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace envbuild::link {

// A line of RECORD: path, hash and size, as CSV (Python's csv module, default dialect). In a wheel, paths begin at the
// archive's root; of what is installed, they are relative to the folder that holds the .dist-info folder.
struct RecordRow {
    std::string path;
    std::optional<Digest> sha256;  // written "sha256=" and URL-safe base64 without padding
    std::optional<std::uint64_t> size;
    bool operator==(const RecordRow&) const = default;
};

// Corrupt for what is no such table, for a hash that is not sha256, and for a path that comes twice with different
// words; and for more than `most` rows.
[[nodiscard]] Expected<std::vector<RecordRow>> parse_record(std::string_view text,
                                                            std::size_t most = std::numeric_limits<std::size_t>::max());
// Sorted by path, as pip writes it.
[[nodiscard]] std::string record_text(std::vector<RecordRow> rows);

}  // namespace envbuild::link
