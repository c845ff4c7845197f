// BuildKit's progress messages: moby.buildkit.v1.StatusResponse (api/services/control/control.proto), decoded by hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace envbuild::docker {

struct TraceVertex {
    std::string digest, name, error;
    std::vector<std::string> inputs;
    bool cached = false;
    std::optional<double> started, completed;  // seconds since 1970
};

struct TraceStatus {
    std::string id, vertex, name;
    std::int64_t current = 0, total = 0;
    bool completed = false;
};

struct TraceLog {
    std::string vertex, bytes;
    std::int64_t stream = 1;  // 1 stdout, 2 stderr
};

struct TraceWarning {
    std::string vertex, text;
};

struct Trace {
    std::vector<TraceVertex> vertices;
    std::vector<TraceStatus> statuses;
    std::vector<TraceLog> logs;
    std::vector<TraceWarning> warnings;
};

// Corrupt when the bytes are not protobuf; fields that are not known are passed over.
[[nodiscard]] Expected<Trace> decode_trace(std::string_view bytes);

}  // namespace envbuild::docker
