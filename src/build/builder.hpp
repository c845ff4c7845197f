// The main job: intent → look up → (miss) resolve, lock, plan, build, publish → an answer with a digest.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "build/intent.hpp"
#include "build/resolver.hpp"
#include "build/stages.hpp"
#include "cache/lookup.hpp"

namespace envbuild::build {

struct BuildOptions {
    bool refresh = false;           // resolve again, and let the answer move
    bool rebuild = false;           // build again, even where the image is there
    bool no_push = false;           // keep the image in the embedded store and the engine
    std::vector<std::string> tags;  // further tags in the repository, and in the engine where it is built
};

struct BuildAnswer {
    std::string spec_hash, lock_hash;  // hex; spec_hash is "" for `build --lock`
    std::string image;                 // "repository@sha256:…"
    std::string digest;                // "sha256:…"
    bool hit = false;
    std::string backend;     // that built the image: "docker"; "none" for a base that is taken as it is
    std::string base_image;  // canonical name@digest; "" where the answer does not say
    std::optional<std::size_t> packages;
    bool gpu = false;
    RunHints run;
    std::string run_image;  // what `docker run` is given
    std::string
        load_command;  // that brings it into the engine from the layout, where it may not be there; "" otherwise
    Json seconds;

    // The object that --json prints.
    [[nodiscard]] Json to_json() const;
};

// Throws Error. A repository that cannot be asked ends it before any work (design, section 3), unless no_push.
[[nodiscard]] BuildAnswer build_environment(const Intent& intent, const BuildOptions& options, const Workbench& bench);
// Exactly this lock: looked up by LockHash, no pointer read or written.
[[nodiscard]] BuildAnswer build_lock(const lock::Lock& lock, const BuildOptions& options, const Workbench& bench);

// "docker run --rm -it --gpus all --shm-size 8g IMAGE python": what the last line of standard error says; without
// `python` where the image has none, and behind the command that loads it where the engine does not have it.
[[nodiscard]] std::string run_command(const BuildAnswer& answer, const Settings& settings);

}  // namespace envbuild::build
