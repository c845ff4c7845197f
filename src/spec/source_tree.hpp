// The files of a local source folder: which of them count, and what they are together. What SpecHash and the archive
// that pip is given are both made of, so that the one cannot say another thing than the other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "base/digest.hpp"
#include "base/json.hpp"

namespace envbuild::spec {

struct SourceFile {
    std::string path;               // relative to the folder, with '/'
    std::filesystem::path on_disk;  // where to read it
    std::string target;             // of a symbolic link, any text
    std::uint64_t size = 0;         // of a file, when it was listed
    bool link = false;
    bool executable = false;
};

enum class LeftOut : std::uint8_t {
    IgnoreRules,      // what version control, Python and the folder's .dockerignore or .gitignore leave out
    RepositoryFolder  // `.git` alone: the tree is a checkout
};

// Sorted by path; empty folders, sockets and the like do not count. Throws Error: InvalidInput for a folder that holds
// more than 50,000 files or 2 GiB, Cancelled, Io.
[[nodiscard]] std::vector<SourceFile> source_files(const std::filesystem::path& root,
                                                   LeftOut left_out = LeftOut::IgnoreRules,
                                                   const CancelToken& cancel = {});

// The digest of a folder (docs/hash.md, "pip"): SHA-256 over canonical JSON of path, kind and SHA-256 of the bytes.
class TreeDigest {
  public:
    // `bytes` are the file's; of a link they do not count.
    void add(const SourceFile& file, std::string_view bytes);
    [[nodiscard]] Digest finish() const;

  private:
    Json::Object tree_;  // paths come once each
};

}  // namespace envbuild::spec
