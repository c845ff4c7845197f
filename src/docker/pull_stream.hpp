// What an engine answers to POST /images/create and /images/load.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/reporter.hpp"
#include "docker/json_lines.hpp"

namespace envbuild::docker {

// Reports the bytes of all layers as one piece of work. Not thread-safe.
class PullStream {
  public:
    // `progress` may be null and outlives this.
    explicit PullStream(Progress* progress)
        : progress_(progress), lines_([this](const Json& json) { document(json); }) {}

    void feed(std::string_view bytes) { lines_.feed(bytes); }
    // The stream is over. Throws Error where the engine said so: NotFound, Unauthorized or Transient by its words;
    // `what` is "pulling …".
    void finish(std::string_view what);

  private:
    struct Layer {
        std::uint64_t current = 0, total = 0;
    };
    void document(const Json& json);

    Progress* progress_;
    JsonLines lines_;
    std::map<std::string, Layer> layers_;
    std::uint64_t total_ = 0;
    std::string error_;
};

// The kind of failure that an engine's words speak of.
[[nodiscard]] ErrorKind kind_of_engine_message(std::string_view message);

}  // namespace envbuild::docker
