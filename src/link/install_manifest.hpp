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

// The environment variable that requirements name the folder of pip's files by; pip expands it.
inline constexpr const char* kPipFilesVariable = "ENVBUILD_PIP_FILES";

struct PipFile {
    std::string file_name;
    Digest sha256;
    // What its direct_url.json says (PEP 610), as JSON text: pip itself saw a file that lay in the build. "": none.
    std::string direct_url;
    bool operator==(const PipFile&) const = default;
};

// The format (version 1), a JSON object:
//   "version": 1
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
//   "pip": {"files": [{"file", "sha256", "direct_url"}], "requirements": "…"}
//                                       direct_url: optional, the text of its direct_url.json;
//                                       requirements: text of a requirements file with --hash on every line; "" for
//                                       none
// Unknown members are refused, so that an older installer never does half of what it was told.
struct InstallManifest {
    static constexpr int kVersion = 1;

    std::string prefix = "/opt/env";
    std::string python_version;
    std::string site_packages;
    std::int64_t source_date_epoch = 0;
    bool run_post_link = true;
    bool compile_pyc = true;
    std::vector<std::string> history_specs;
    std::vector<LinkPackage> packages;
    std::vector<PipFile> pip_files;
    std::string pip_requirements;

    [[nodiscard]] Json to_json() const;
    // InvalidInput with the member that is wrong.
    [[nodiscard]] static Expected<InstallManifest> from_json(const Json& json);
    [[nodiscard]] static Expected<InstallManifest> parse(std::string_view text);
    bool operator==(const InstallManifest&) const = default;
};

}  // namespace envbuild::link
