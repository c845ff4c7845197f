// Output of containers without a terminal, as the engine multiplexes it.
#pragma once

#include <string>
#include <string_view>

#include "docker/container.hpp"

namespace envbuild::docker {

// Docker Engine API, "ContainerAttach": frames of an 8-byte header (stream, three zeros, big-endian length) and bytes.
// Takes the stream in pieces of any size and hands bytes on as they come. Not thread-safe.
class LogFrames {
  public:
    explicit LogFrames(const OnOutput& on_output) : on_output_(on_output) {}

    // Throws Error(Corrupt) for a header of another form, and what on_output throws.
    void feed(std::string_view bytes);
    // Throws Error(Transient) where the stream ended within a frame.
    void finish() const;

  private:
    const OnOutput& on_output_;
    std::string header_;
    OutputStream stream_ = OutputStream::Stdout;
    std::uint32_t left_ = 0;
};

}  // namespace envbuild::docker
