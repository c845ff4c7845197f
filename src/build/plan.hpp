// BuildPlan: a lock with every file at hand and checked, and all that the image will say of itself. Both backends start
// here.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "build/base_image.hpp"
#include "build/stages.hpp"
#include "dockerfile/context.hpp"
#include "link/install_manifest.hpp"
#include "lock/lock.hpp"

namespace envbuild::build {

struct BuildPlan {
    lock::Lock lock;
    lock::LockHash hash;
    ResolvedBase base;
    std::vector<std::filesystem::path> packages;  // of lock.conda, in its order, in the cache
    std::vector<std::filesystem::path> pip;       // of lock.pip, in its order
    link::InstallManifest manifest;
    std::map<std::string, std::string> env;  // the image's, over the base's
    std::map<std::string, std::string> labels;
};

// Downloads what is missing, checks every file against the lock, and captures activation. Throws as Downloader and
// CondaArchive do.
[[nodiscard]] BuildPlan make_plan(const lock::Lock& lock, const ResolvedBase& base, const Workbench& bench,
                                  Stages& stages);

// A lock outlives the templates it was made with: what is built now is built from those of today, under their hash, and
// the reporter says so.
[[nodiscard]] lock::Lock with_present_templates(lock::Lock lock, const Workbench& bench);

// The build context of the docker backend. `bind_mount` as in dockerfile::RenderInput; `from` is what the engine knows
// the base as.
[[nodiscard]] dockerfile::Context render_context(const BuildPlan& plan, const Settings& settings, bool bind_mount,
                                                 const std::string& from);

// The static installer that goes into the context: beside the program, or in ../libexec/envbuild. NotFound otherwise.
[[nodiscard]] std::filesystem::path find_installer();

}  // namespace envbuild::build
