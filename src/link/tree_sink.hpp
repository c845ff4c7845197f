// Where the entries of an environment go: a directory, or a tar stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "conda/archive_entry.hpp"

namespace envbuild::link {

// Receives entries whose paths are relative to the prefix ("lib/libz.so.1"), valid, and each given at most once over a
// whole plan. A directory comes before what lies in it, a hard link's target before the link.
class TreeSink {
  public:
    virtual ~TreeSink() = default;
    // May come more than once for a path: every package brings the folders it needs.
    virtual void directory(const std::string& path, std::uint32_t mode, std::int64_t mtime) = 0;
    // `content` gives exactly `size` bytes.
    virtual void file(const std::string& path, std::uint32_t mode, std::int64_t mtime, std::uint64_t size,
                      conda::ContentReader& content) = 0;
    virtual void symlink(const std::string& path, const std::string& target, std::int64_t mtime) = 0;
    virtual void hardlink(const std::string& path, const std::string& target) = 0;  // target: a path in the prefix
};

}  // namespace envbuild::link
