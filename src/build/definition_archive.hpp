// A definition's directory as one archive, and back: what a registration keeps (docs/names.md).
#pragma once

#include <filesystem>

#include "base/byte_stream.hpp"
#include "base/digest.hpp"
#include "oci/blob.hpp"

namespace envbuild::build {

// A definition's directory as one deterministic tar (sorted, owner 0, times 0, modes 0644/0755), with name, version,
// description, tags and assetId taken out of azureml_environment.json: two that mean the same content have the same
// digest. A registry's password in it is left out. Written to `archive`, whole or not at all.
// InvalidInput: no azureml_environment.json, a symlink that leads out of the directory, a file that is no file.
[[nodiscard]] Digest pack_definition(const std::filesystem::path& directory, const std::filesystem::path& archive);

// The same bytes into a sink.
void pack_definition(const std::filesystem::path& directory, const ByteSink& sink);

// Unpacks into `directory`, an empty folder that nobody else writes to: regular files, folders, and symlinks that stay
// inside. Corrupt for anything else, and where the reader finds the content to be another; what has been written then
// is the caller's to remove.
void unpack_definition(oci::BlobReader& archive, const std::filesystem::path& directory);

}  // namespace envbuild::build
