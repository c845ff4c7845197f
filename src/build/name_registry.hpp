// NameRegistry: the names that a team keeps in its repository, read and written as OCI artifacts (docs/names.md).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "build/workbench.hpp"
#include "cache/image_repository.hpp"
#include "catalog/claims.hpp"

namespace envbuild::build {

// Not thread-safe; many processes may use one repository. Errors are the repository's; InvalidInput for what the book
// refuses (a name that is not there: the nearest are named).
class NameRegistry {
  public:
    // `repository` and `bench` are borrowed.
    NameRegistry(cache::ImageRepository& repository, const Workbench& bench);

    // Every claim that is there now. Manifests are immutable and cached by digest, so that a second read costs one list
    // of tags.
    [[nodiscard]] catalog::NameBook read();

    struct Written {
        catalog::Claim claim;
        catalog::Outcome outcome;  // after reading again
        catalog::NameBook book;
    };
    // Fills in sequence, created and author, pushes the artifact (with `directory` as its archive layer for Register:
    // pack_definition), reads again, and says what came of it. A Register of content that the name has already writes
    // nothing and answers with that version.
    Written write(catalog::Claim claim, const std::optional<std::filesystem::path>& archive = std::nullopt);

    // The definition's directory, unpacked in the cache (read-only to the caller).
    [[nodiscard]] std::filesystem::path open(const catalog::VersionEntry& version);

  private:
    cache::ImageRepository& repository_;
    const Workbench& bench_;
};

// A definition's directory as one deterministic tar (sorted, owner 0, times 0, modes 0644/0755), with name, version,
// description, tags and assetId taken out of azureml_environment.json: two that mean the same content have the same
// digest.
[[nodiscard]] Digest pack_definition(const std::filesystem::path& directory, const std::filesystem::path& archive);

}  // namespace envbuild::build
