// What a user's word for an environment means: a file, a directory, a conda prefix, a curated environment, or a name
// that the team registered.
//
// In this order: "-" and what is there on the disk; NAME, NAME:VERSION or NAME@LABEL otherwise. Names that begin with a
// reserved prefix are looked for in the curated_repository, then among those that come with envbuild; where there is no
// curated_repository, then in `registry`. All others: among those that come with envbuild, then in `registry`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "build/workbench.hpp"
#include "catalog/claims.hpp"
#include "spec/definition.hpp"

namespace envbuild::build {

// "AzureML-PyTorch-1.6-GPU:37", "train@stable", "train". A value.
struct NameRef {
    std::string name, version, label;  // at most one of version and label

    // InvalidInput for what can be no name.
    [[nodiscard]] static Expected<NameRef> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
};

struct FoundEnvironment {
    enum class Kind : std::uint8_t { File, Directory, Prefix, Curated, Registered };

    Kind kind = Kind::File;
    std::string label;                                // "AzureML-PyTorch-1.6-GPU:37", "env.yml"
    std::filesystem::path path;                       // the file; else the directory that relative paths start from
    std::optional<spec::Definition> definition;       // none of a plain file
    std::vector<std::string> labels;                  // of the version that was found
    std::optional<catalog::VersionEntry> registered;  // of a repository: Registered, and Curated that was published
    std::string status, note;                         // Curated: "deprecated", and why
    std::shared_ptr<TempDir> folder;                  // that `path` lies in, where it was made for this run
    std::vector<Diagnostic> warnings;                 // of a definition on the disk
};

// Whether a definition's warnings are told at once, or left to who asked.
enum class Warnings : std::uint8_t { Told, Kept };

// Throws Error: NotFound naming the nearest names, InvalidInput, what the repository throws for a name that is not
// curated. Warns of deprecated and archived ones.
[[nodiscard]] FoundEnvironment find_environment(const std::string& word, const Workbench& bench,
                                                Warnings warnings = Warnings::Told);

// Whether the word is looked for on the disk.
[[nodiscard]] bool is_path_word(const std::string& word);

// Whether it ends as files do (".yml", ".txt"): no name can, as it would never be looked for.
[[nodiscard]] bool has_file_ending(std::string_view word);

// The names that there are, for "did you mean": curated ones, and the repository's where it can be asked.
[[nodiscard]] std::vector<std::string> known_names(const Workbench& bench);

}  // namespace envbuild::build
