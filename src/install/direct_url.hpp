// Where the files of an environment came from, as pip records it (PEP 610).
#pragma once

#include <filesystem>
#include <vector>

#include "link/install_manifest.hpp"

namespace envbuild::install {

// pip saw all that was asked for by URL or path as files of the build's own scratch folder. Puts what the manifest says
// into each direct_url.json in `site_packages`, or takes the file away where it says nothing, and corrects RECORD.
// Throws Io and Corrupt.
void correct_direct_urls(const std::filesystem::path& site_packages, const std::vector<link::PipFile>& files);

}  // namespace envbuild::install
