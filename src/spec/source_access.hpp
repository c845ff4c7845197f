// How a reader reaches what an environment file names on disk: included requirement files and local source trees.
#pragma once

#include <filesystem>
#include <string>

#include "base/digest.hpp"

namespace envbuild::spec {

// Thread-safe as far as the disk is. Both throw Error: NotFound, InvalidInput, Io.
class SourceAccess {
  public:
    virtual ~SourceAccess() = default;
    // The text of a requirements file.
    [[nodiscard]] virtual std::string read_text(const std::filesystem::path& path) const = 0;
    // What a wheel, an archive or a source folder is: the digest of paths, modes (executable or not) and bytes of its
    // files. Of a folder, `.git`, `__pycache__`, build leftovers and what its .dockerignore or .gitignore names do not
    // count.
    [[nodiscard]] virtual Digest digest_source(const std::filesystem::path& path) const = 0;
};

// The disk, without what a symlink in `root` leads to outside of it (spec/inside_link.hpp): InvalidInput.
class SourcesWithin final : public SourceAccess {
  public:
    explicit SourcesWithin(std::filesystem::path root) : root_(std::move(root)) {}
    [[nodiscard]] std::string read_text(const std::filesystem::path& path) const override;
    [[nodiscard]] Digest digest_source(const std::filesystem::path& path) const override;

  private:
    std::filesystem::path root_;
};

// The real disk.
[[nodiscard]] const SourceAccess& disk_sources();

}  // namespace envbuild::spec
