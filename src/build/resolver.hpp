// From an intent to a Lock: choose and look into the base image, fetch repodata, solve, let pip choose, pin everything.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "build/base_image.hpp"
#include "build/earlier_lock.hpp"
#include "build/intent.hpp"
#include "build/stages.hpp"
#include "lock/lock.hpp"
#include "solve/candidates.hpp"

namespace envbuild::build {

struct Resolution {
    lock::Lock lock;
    ResolvedBase base;
};

// Whether repodata that is cached and still fresh will do, or the channels are asked for what changed.
enum class Freshness : std::uint8_t { Cached, Asked };

using ChannelSources = std::vector<solve::ChannelSource>;

// The channels of each intent for its platform, read side by side. Throws as resolve().
[[nodiscard]] std::vector<ChannelSources> read_channels(std::span<const Intent> intents, const Workbench& bench,
                                                        Freshness freshness);

struct ResolveOptions {
    Freshness freshness = Freshness::Cached;
    // Packages are what they were wherever the intent and the updated ones allow it; the updated ones choose first
    // (build/earlier_lock.hpp). The base image is looked at anew.
    std::optional<EarlierLock> earlier = std::nullopt;
    // The intent's of read_channels(); where they are not there, they are read.
    std::optional<ChannelSources> channels = std::nullopt;
};

// Throws Error: Unsatisfiable with an explanation, NotFound for a channel or base that is not there, Transient,
// Unauthorized, Corrupt. `stages` gets the times of "base", "repodata", "solve" and "pip".
//
// An own Dockerfile's image is kept in `repository`, and looked for there first.
[[nodiscard]] Resolution resolve(const Intent& intent, const std::shared_ptr<cache::ImageRepository>& repository,
                                 const Workbench& bench, Stages& stages, ResolveOptions options = {});

// The base image that a lock names, by digest.
[[nodiscard]] ResolvedBase base_of(const lock::Lock& lock, const std::shared_ptr<cache::ImageRepository>& repository,
                                   const Workbench& bench);

// SOURCE_DATE_EPOCH where it is set, else Lock's own default. InvalidInput for what is no number of seconds.
[[nodiscard]] std::int64_t source_date_epoch(const ProcessEnv& env);

}  // namespace envbuild::build
