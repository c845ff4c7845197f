// The `.conda` container: the strict subset of zip that conda's own tools write. Used by archive.cpp alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "conda/archive_source.hpp"

namespace envbuild::conda {

struct CondaContainer {
    struct Member {
        std::uint64_t offset = 0, size = 0;  // of its data in the file
    };
    Member payload, info;
    std::vector<std::string> warnings;

    // Reads the end record (also zip64), the central directory and every local header, and metadata.json.
    // Error(Corrupt) with the reason where anything is not as CondaArchive's contract has it: members have to fill the
    // file without gap or overlap.
    [[nodiscard]] static CondaContainer read(const ArchiveSource& source);
};

}  // namespace envbuild::conda
