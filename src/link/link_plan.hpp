// From packages to the files of an environment: decided in whole before anything is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "conda/archive_info.hpp"
#include "link/link_target.hpp"
#include "link/tree_sink.hpp"

namespace envbuild::link {

// A package with its archive. The archive's sha256 is the caller's to check.
struct PackageSource {
    LinkPackage package;
    conda::CondaArchive archive;
};

// One file that a package brings, as conda-meta records it.
struct LinkedPath {
    std::string path;                      // in the prefix
    std::string path_type;                 // "hardlink", "softlink", "directory", "unix_python_entry_point", "pyc_file"
    std::string sha256, sha256_in_prefix;  // hex, "" unknown
    std::uint64_t size = 0;
    bool has_size = false;
    std::string prefix_placeholder, file_mode;  // "" where nothing was replaced
    bool no_link = false;
};

// What linking one package made.
struct LinkedPackage {
    std::vector<LinkedPath> paths;  // in paths.json's order, then generated files
    std::vector<std::string> warnings;
};

// The plan of an environment. Which package a path belongs to follows from the packages and their order alone: of two
// that bring the same path the later one in link order wins, as with conda, and warnings() tells. Immutable and
// thread-safe after make().
class LinkPlan {
  public:
    // Reads every package's info/ (in parallel on `threads`). Corrupt when a package is not what its record says or its
    // metadata is wrong; InvalidInput when two packages cannot be in one prefix (one's file is the other's directory),
    // or a noarch Python package is there without Python, or the target is wrong.
    [[nodiscard]] static LinkPlan make(LinkTarget target, std::vector<PackageSource> packages, std::size_t threads = 0);

    [[nodiscard]] const LinkTarget& target() const { return target_; }
    [[nodiscard]] std::size_t size() const { return packages_.size(); }
    [[nodiscard]] const LinkPackage& package(std::size_t index) const;
    [[nodiscard]] const conda::PackageInfo& info(std::size_t index) const;
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
    // The .py files in the prefix that noarch Python package `index` brings and owns.
    [[nodiscard]] std::vector<std::string> python_sources(std::size_t index) const;

    // The package whose file or link the path will be; nothing for what is none (also for folders).
    [[nodiscard]] std::optional<std::size_t> owner(const std::string& path) const;
    [[nodiscard]] bool is_folder(const std::string& path) const { return folders_.contains(path); }
    // Names of the files and links right in a folder, sorted.
    [[nodiscard]] std::vector<std::string> names_in(std::string_view folder) const;
    // Names of the folders right in a folder, sorted.
    [[nodiscard]] std::vector<std::string> folders_in(std::string_view folder) const;
    // What the path will hold, where that is a regular file whose bytes are known before it is linked.
    [[nodiscard]] std::optional<Digest> known_content(const std::string& path) const;

    // Streams the package's files into `sink`: replaced prefixes, mapped paths, entry points, links, and the folders
    // they need. What another package wins is left out. Checks content against paths.json: Error(Corrupt) that names
    // package and file. Different packages may be emitted at the same time when the sink allows it.
    [[nodiscard]] LinkedPackage emit(std::size_t index, TreeSink& sink) const;

    // conda-meta/<dist>.json as conda and micromamba read it back. Fields that a package knows of itself (depends,
    // license…) are its archive's own, so that the same lock gives the same bytes.
    [[nodiscard]] std::string conda_meta(std::size_t index, const LinkedPackage& linked) const;
    // conda-meta/history: one revision, dated by the epoch; `specs` are what the user asked for.
    [[nodiscard]] std::string history(const std::vector<std::string>& specs) const;
    // Gives the sink conda-meta/ with a record for each package, in order, and the history.
    void emit_metadata(const std::vector<LinkedPackage>& linked, const std::vector<std::string>& specs,
                       TreeSink& sink) const;

  private:
    enum class Origin : std::uint8_t { Archive, Generated };
    struct Planned {
        PackageSource source;
        conda::PackageInfo info;
        bool noarch_python = false;
        std::unordered_map<std::string, std::size_t> records;  // archive path -> index in info.paths.paths
    };
    struct Owner {
        std::size_t package = 0;
        Origin origin = Origin::Archive;
        const conda::PathRecord* record = nullptr;  // in packages_; none for what is generated
    };
    class Emitter;
    class Clashes;

    LinkPlan() = default;
    [[nodiscard]] std::string mapped(const Planned& planned, const std::string& path) const;
    [[nodiscard]] bool owns(std::size_t index, const std::string& path, Origin origin) const;
    void read_packages(std::vector<PackageSource> sources, std::size_t threads);
    void claim_paths(std::size_t index, Clashes& clashes);
    void check_folders();

    LinkTarget target_;
    std::vector<Planned> packages_;
    std::unordered_map<std::string, Owner> owners_;  // path in the prefix, no directories -> who brings it
    std::unordered_set<std::string> directories_;    // of paths.json
    std::unordered_set<std::string> folders_;        // of the whole environment
    std::vector<std::string> warnings_;
};

}  // namespace envbuild::link
