// Lock: a resolution in which every byte of the image is decided. LockHash is its key (design, section 2).
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "conda/package_record.hpp"
#include "conda/platform.hpp"

namespace envbuild::lock {

class LockHash {
  public:
    LockHash() = default;
    explicit LockHash(Digest digest) : digest_(digest) {}
    [[nodiscard]] static Expected<LockHash> parse(std::string_view hex);
    [[nodiscard]] std::string hex() const { return digest_.hex(); }
    auto operator<=>(const LockHash&) const = default;

  private:
    Digest digest_;
};

// A file that pip installs.
struct PipPackage {
    std::string name;  // normalised (PEP 503)
    std::string version;
    // Canonical, without credentials: what direct_url.json and the lock record. Of a repository
    // "git+https://HOST/REPO.git@<commit>"; of a local source a path, relative to Lock::source_directory ("./pkg",
    // "../pkg", ".") or absolute.
    std::string url;
    Digest sha256;             // of the file at `url`; of a tree, of the archive that envbuild makes of it
    std::string file_name;     // "torch-1.13.1-cp311-cp311-linux_x86_64.whl"
    std::string subdirectory;  // of the archive, where the project lies; "" for its root
    bool requested = false;    // named by the user, not pulled in
    bool direct = false;       // from a URL or VCS of the user's: gets a direct_url.json
    std::vector<std::string> requires_dist;  // PEP 508, as its metadata says
    bool build_only = false;                 // needed to build an sdist in this lock, not in the image
    [[nodiscard]] bool is_wheel() const { return file_name.ends_with(".whl"); }
    [[nodiscard]] bool is_repository() const { return url.starts_with("git+"); }
    [[nodiscard]] bool is_local() const { return url.starts_with('.') || url.starts_with('/'); }
    // How a lock's list is sorted: by name; what only builds others may be there in several versions.
    [[nodiscard]] std::tuple<std::string, bool, std::string> order() const { return {name, build_only, file_name}; }
    // What its file is called in an image's build: the last part of `url`, or of a tree "name-version.tar".
    [[nodiscard]] std::string expected_file_name() const;
};

// The base image as it was resolved.
struct BaseImage {
    std::string name;   // canonical reference without digest: "docker.io/nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04"
    Digest digest;      // of the manifest (or the platform's entry of an index)
    std::string glibc;  // "2.35", read from its layers
    std::string cuda;   // "11.8" or ""
    std::string cudnn;  // "8.9" or ""
};

struct Lock {
    static constexpr int kTreeFormat = 2;  // bumped when the same packages would become other files

    conda::Platform platform;
    std::string prefix = "/opt/env";
    std::vector<std::string> channels;        // canonical URLs, by priority
    std::vector<conda::PackageRecord> conda;  // in link order (dependencies first), each with sha256
    std::vector<std::string> requested;       // conda specs as asked, canonical, for history
    std::vector<PipPackage> pip;              // sorted by PipPackage::order
    std::vector<std::string> pip_requested;   // requirement lines, canonical
    BaseImage base;
    bool gpu = false;
    bool user_managed = false;                     // the image is the base with `variables`; nothing is installed
    std::map<std::string, std::string> variables;  // from the file
    std::map<std::string, std::string>
        virtual_packages;        // "__cuda" -> "11.8", "__glibc" -> "2.35", "__archspec" -> "1=x86_64"
    std::string python_version;  // "3.11.2", "" without Python
    // mtime of folders and generated files; the default is 2020-01-01: zip tools fail before 1980, and 0 looks like a
    // fault.
    std::int64_t source_date_epoch = 1'577'836'800;
    std::string template_digest;  // of the Dockerfile templates' contents
    std::vector<std::string> extra_steps;
    // The intent it was made for: SpecHash in hex, and the canonical JSON that this is taken over. Not in LockHash.
    std::string spec_hash, intent;
    // Where relative paths of local pip sources begin: the folder of the environment file, or of the lock file. Not in
    // LockHash, which their content is in, and not in the file.
    std::filesystem::path source_directory = ".";

    // Spells relative paths of local sources from another folder.
    void move_sources(const std::filesystem::path& directory);

    // Canonical JSON of everything that decides a byte of the image.
    [[nodiscard]] Json canonical() const;
    [[nodiscard]] LockHash hash() const;
};

}  // namespace envbuild::lock
