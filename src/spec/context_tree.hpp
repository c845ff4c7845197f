// A Docker build context: the files of a folder that its .dockerignore does not exclude, and the digest of all of them.
//
// What is excluded follows Docker's pattern matcher: the last pattern that matches a path, or a folder above it, wins;
// "!" takes back; "*" and "?" stay within a path segment, "**" does not; "[a-z]" and "\\" as in Go's filepath.Match;
// patterns begin at the root. "<Dockerfile>.dockerignore" is preferred to ".dockerignore", as BuildKit does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "base/digest.hpp"

namespace envbuild::spec {

struct ContextEntry {
    enum class Kind : std::uint8_t {
        File,
        Link,    // a symlink, never followed
        Folder,  // one that has nothing in it; the others follow from the paths
    };
    Kind kind = Kind::File;
    std::string path;              // relative to the context, with '/'
    std::filesystem::path source;  // the file on the disk
    std::uint32_t mode = 0644;     // 0755 where its owner may execute it (of a Folder always), 0777 of a Link
    std::string target;            // of a Link, as it stands
    std::uint64_t size = 0;        // of a File
};

struct ContextTree {
    std::vector<ContextEntry> entries;  // sorted by path, bytewise
    // Of paths, kinds, modes (executable or not), bytes and link targets. Times and owners do not count.
    Digest digest;
};

// `dockerfile` is relative to `directory`. It and the .dockerignore that counts are always among the entries. Sockets,
// pipes and devices are left out. A link
// stays within `directory` by what it says: no absolute target, ".." only in front and not above `directory`. Throws
// Error: NotFound (no such directory or Dockerfile), InvalidInput (a broken pattern, at file:line; a Dockerfile or a
// link that leads outside of the directory; more than 50,000 files or 2 GiB; a name that is no UTF-8), Cancelled, Io.
[[nodiscard]] ContextTree read_context(const std::filesystem::path& directory,
                                       const std::string& dockerfile = "Dockerfile", const CancelToken& cancel = {});

}  // namespace envbuild::spec
