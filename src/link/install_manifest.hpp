// What `envbuild-install` is told to do inside the image's install stage: install.json.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "link/link_target.hpp"

namespace envbuild::link {

// What is to be built to a wheel by the environment's pip: a source archive, or the archive of a tree.
struct SourceToBuild {
    LinkWheel package;         // its file is the source
    std::string subdirectory;  // of the archive, where the project lies; "" for its root
    bool operator==(const SourceToBuild&) const = default;
};

// A file that only building needs.
struct BuildTool {
    std::string file_name;
    Digest sha256;
    bool operator==(const BuildTool&) const = default;
};

// The format (version 2), a JSON object:
//   "version": 2
//   "prefix": "/opt/env"                absolute path in the image
//   "python_version": "3.11.2"          "" without Python
//   "site_packages": ""                 relative to the prefix (CEP 17); "" the usual place
//   "source_date_epoch": 0              seconds; mtime of directories and of whatever is generated
//   "run_post_link": true               run bin/.<name>-post-link.sh
//   "compile_pyc": true                 compile .py of noarch packages and wheels to unchecked-hash .pyc
//   "history_specs": ["python=3.11"]    what the user asked for, for conda-meta/history
//   "packages": [{"file", "sha256", "name", "version", "build", "subdir", "channel", "url", "md5", "size",
//   "requested_spec"}]
//                                       in link order; sha256 as 64 hex digits
//   "pip": {
//     "wheels": [{"file", "sha256", "name", "version", "requested", "direct_url"}]
//                                       name: normalised; requested: true or false; direct_url: optional, the text of
//                                       its direct_url.json
//     "sources": [{… as a wheel, "subdirectory"}]
//                                       are built first, by the environment's pip without network; subdirectory:
//                                       optional
//     "tools": [{"file", "sha256"}]}    what that needs
// Unknown members are refused, so that an older installer never does half of what it was told.
struct InstallManifest {
    static constexpr int kVersion = 2;

    std::string prefix = "/opt/env";
    std::string python_version;
    std::string site_packages;
    std::int64_t source_date_epoch = 0;
    bool run_post_link = true;
    bool compile_pyc = true;
    std::vector<std::string> history_specs;
    std::vector<LinkPackage> packages;
    std::vector<LinkWheel> wheels;
    std::vector<SourceToBuild> sources;
    std::vector<BuildTool> tools;

    [[nodiscard]] Json to_json() const;
    // InvalidInput with the member that is wrong.
    [[nodiscard]] static Expected<InstallManifest> from_json(const Json& json);
    [[nodiscard]] static Expected<InstallManifest> parse(std::string_view text);
    bool operator==(const InstallManifest&) const = default;
};

}  // namespace envbuild::link
