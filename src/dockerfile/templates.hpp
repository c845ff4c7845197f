// The Dockerfile templates: mustache files in one folder (templates/ of the sources), data like the catalogue.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace envbuild::dockerfile {

// Names and contents of a folder's *.mustache files. An immutable value.
class Templates {
  public:
    // NotFound where the folder is not there, InvalidInput where it has no Dockerfile.mustache or one that is not
    // UTF-8.
    [[nodiscard]] static Templates load(const std::filesystem::path& folder);
    explicit Templates(std::map<std::string, std::string> files);  // name with suffix -> content; same checks as load()

    [[nodiscard]] const std::string& dockerfile() const { return files_.at("Dockerfile.mustache"); }
    [[nodiscard]] const std::map<std::string, std::string>& files() const { return files_; }
    // SHA-256 over the canonical JSON of names and contents: part of the LockHash.
    [[nodiscard]] Digest digest() const;

  private:
    std::map<std::string, std::string> files_;
};

}  // namespace envbuild::dockerfile
