// What a package is linked for, and which package it is.
#pragma once

#include <cstdint>
#include <string>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace envbuild::link {

struct LinkTarget {
    std::string prefix = "/opt/env";  // absolute, in the image
    std::string python_version;       // "3.11" or longer; "" without Python
    std::string site_packages;        // relative to the prefix; "": lib/python<major.minor>/site-packages
    std::int64_t epoch = 0;           // SOURCE_DATE_EPOCH, seconds: the mtime of directories and of generated files
    bool record_pyc = false;          // conda-meta lists the .pyc that will be compiled for noarch Python packages

    // "3.11", or "" without Python.
    [[nodiscard]] std::string python_short() const;
    [[nodiscard]] std::string site_packages_dir() const;
    // Where Python looks for its own C headers: "include/python3.11".
    [[nodiscard]] std::string headers_dir() const;
    // InvalidInput when the prefix or a version could not be what they say they are.
    [[nodiscard]] Expected<void> check() const;
};

// A package as the lock has it: what its archive must be, and what conda-meta records beyond the archive's own words.
struct LinkPackage {
    std::string file_name;  // "numpy-1.26.0-py311h64a7726_0.conda"
    std::string name, version, build;
    std::string subdir;
    std::string channel;  // canonical URL, without subdir
    std::string url;      // canonical, without credentials
    Digest sha256;
    std::string md5;             // "" unknown
    std::uint64_t size = 0;      // 0 unknown
    std::string requested_spec;  // as the user asked for it; "" for a dependency

    [[nodiscard]] std::string dist_name() const { return name + "-" + version + "-" + build; }
    bool operator==(const LinkPackage&) const = default;
};

// A wheel as the lock has it.
struct LinkWheel {
    std::string file_name;  // "torch-1.13.1-cp311-cp311-linux_x86_64.whl"
    Digest sha256;
    std::string name, version;  // name normalised (PEP 503)
    bool requested = false;     // named by the user: gets a REQUESTED
    std::string direct_url;     // the text of its direct_url.json (PEP 610); "" for none

    bool operator==(const LinkWheel&) const = default;
};

}  // namespace envbuild::link
