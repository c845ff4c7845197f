// Repositories and local paths among pip's lines: as files that can be pinned by SHA-256, for pip to choose from and
// for the build to install.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "build/source_archive.hpp"
#include "layer/context_stream.hpp"
#include "lock/lock.hpp"
#include "spec/environment_spec.hpp"

namespace envbuild::build {

// One line's source. `url` and `subdirectory` are what the lock will say.
struct PipSource {
    std::string asked;  // the line's canonical spelling, for messages
    std::string url;
    std::string subdirectory;
    std::string file_name;  // of the file that pip is given
    CachedSource cached;
};

// The pip part of an intent, as pip in a container is told it.
class PipSources {
  public:
    // Fetches and packs what the lines name. `directory` is where relative paths begin. Warns of `-e`, which an image
    // cannot honour. Throws Error: InvalidInput for other systems than git and for a folder that changed since it was
    // hashed, and as fetch_git() and pack_folder() do.
    PipSources(const spec::EnvironmentSpec& spec, const std::filesystem::path& directory, const Workbench& bench);

    // The text of a requirements file, in which sources are named by their places under `folder` ("/envbuild-pip").
    [[nodiscard]] std::string requirements(std::string_view folder) const;
    // The files at those places.
    [[nodiscard]] std::vector<layer::ContextFile> files(std::string_view folder) const;
    // What pip's report says of a file in `folder` becomes what the lock says of its source; others are left alone.
    // Corrupt where the report gives another hash than the file had.
    void name(lock::PipPackage& package, std::string_view folder) const;

  private:
    struct Line {
        pypi::RequirementLine requirement;
        std::size_t source = 0;  // index into sources_, of Vcs and Local
    };
    [[nodiscard]] std::string requirement(const Line& line, std::string_view folder) const;
    [[nodiscard]] std::string place(std::size_t source, std::string_view folder) const;

    std::vector<Line> lines_;
    std::vector<PipSource> sources_;
};

// Makes sure that the file of a package whose source is local or a repository is in the cache: fetched again at its
// commit, or packed again from below `directory`. Corrupt where that gives another file than the lock says.
void restore_source(const lock::PipPackage& package, const std::filesystem::path& directory, const Workbench& bench);

// The text of the package's direct_url.json (PEP 610), in the image; "" for what came from an index, and for local
// sources, whose paths mean nothing there.
[[nodiscard]] std::string direct_url(const lock::PipPackage& package);

}  // namespace envbuild::build
