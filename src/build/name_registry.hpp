// NameRegistry: the names that a team keeps in its repository, read and written as OCI artifacts (docs/names.md).
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "build/definition_archive.hpp"
#include "build/workbench.hpp"
#include "cache/image_repository.hpp"
#include "catalog/claim_artifact.hpp"
#include "catalog/claims.hpp"

namespace envbuild::build {

// Not thread-safe; many processes may use one repository. Errors are the repository's; InvalidInput for what the book
// refuses (a name that is not there: the nearest one is named).
class NameRegistry {
  public:
    // `repository` and `bench` are borrowed.
    NameRegistry(cache::ImageRepository& repository, const Workbench& bench);

    // Every claim that is there now. Manifests are immutable and cached by digest, so that a second read costs one list
    // of tags. What is under a claim's tag and is none, or is damaged, is left out with a warning that names the tag.
    [[nodiscard]] catalog::NameBook read();

    struct Written {
        catalog::Claim claim;
        catalog::Outcome outcome;  // after reading again
        catalog::NameBook book;
        bool wrote = true;         // false: all was so already
        bool new_version = false;  // Register: it is this claim that made the version
    };
    // Fills in sequence, created and author, pushes the artifact, reads again, and says what came of it. What would
    // change nothing (content that the name has already, a label where it is) is not written and answered as if it
    // were.
    // A Register has its archive, pack_definition's, or `content` that some version in this repository has (a clone).
    // InvalidInput: what the book refuses; an explicit version that has other content, or whose content is another
    // version already; one that somebody else took at the same moment, where the claim is written and the message says
    // which version it got; a registry that takes no artifacts.
    Written write(catalog::Claim claim, const std::optional<std::filesystem::path>& archive = std::nullopt);

    // The definition's directory, unpacked in the cache (read-only to the caller).
    [[nodiscard]] std::filesystem::path open(const catalog::VersionEntry& version);

  private:
    struct Archive {
        oci::Descriptor descriptor;
        std::optional<std::filesystem::path> file;  // none: it is in the repository
    };

    [[nodiscard]] const catalog::ClaimArtifact& artifact(const Digest& id);
    [[nodiscard]] std::optional<catalog::ClaimArtifact> fetch(const std::string& tag, const Digest& digest) const;
    [[nodiscard]] std::optional<Archive> archive_of(const catalog::Claim& claim,
                                                    const std::optional<std::filesystem::path>& file,
                                                    const catalog::NameBook& book);
    [[nodiscard]] Error refusal(const catalog::Claim& claim, const std::string& reason,
                                const catalog::NameBook& book) const;
    void expect(catalog::Claim& claim, const catalog::NameBook& book) const;
    void check_version_is_had(const Written& written) const;
    [[nodiscard]] std::filesystem::path turn_file() const;
    void push(const catalog::ClaimArtifact& artifact);
    [[nodiscard]] catalog::NameBook read_back(const catalog::ClaimArtifact& artifact);

    cache::ImageRepository& repository_;
    const Workbench& bench_;
    std::map<Digest, catalog::ClaimArtifact> known_;
};

}  // namespace envbuild::build
