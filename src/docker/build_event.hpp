// What an engine tells while it builds, in one form for the classic builder and for BuildKit.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace envbuild::docker {

struct BuildEvent {
    enum class Kind : std::uint8_t {
        StepBegan,
        StepCached,  // its result was at hand; nothing ran
        StepDone,
        StepFailed,  // `text` says why
        Log,         // `text` is one line of the step's own output, without colours and newline
        Progress,    // `text` moves (a layer that is pulled): `current` of `total` bytes
        Warning,     // `text` is the engine's remark
    };

    Kind kind = Kind::Log;
    std::string step;  // tells steps apart: BuildKit's vertex digest, the classic builder's step number; may be empty
    std::string name;  // "[2/3] RUN make", as the engine words it
    std::string text;
    bool is_stderr = false;    // Log
    bool is_internal = false;  // BuildKit's own steps: loading the Dockerfile, the context
    double seconds = 0;        // StepDone, StepFailed; 0 where the engine does not tell
    std::uint64_t current = 0, total = 0;
};

// Called on the thread that builds. May throw: the build is then cancelled and the exception comes out.
using OnBuildEvent = std::function<void(const BuildEvent&)>;

}  // namespace envbuild::docker
