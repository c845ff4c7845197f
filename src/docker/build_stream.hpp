// What an engine answers to POST /build, made into events and one outcome.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "docker/build_event.hpp"
#include "docker/buildkit_trace.hpp"
#include "docker/json_lines.hpp"
#include "docker/text_lines.hpp"

namespace envbuild::docker {

// Takes the stream of either builder in pieces of any size: the classic one's {"stream"}, {"status"}, {"aux"} and
// {"error"} lines, and BuildKit's "moby.buildkit.trace" and "moby.image.id". Not thread-safe.
class BuildStream {
  public:
    explicit BuildStream(OnBuildEvent on_event);

    // Throws what on_event throws; Corrupt.
    void feed(std::string_view bytes) { lines_.feed(bytes); }
    // The stream is over: the image, or Error: BuildFailed (Io when the engine's disk is full) that names the failing
    // step and ends with its last lines; Transient where the stream broke off.
    [[nodiscard]] Digest finish();

  private:
    struct Step {
        std::string name;
        bool internal = false, began = false, ended = false;
        TextLines out, err;
        std::deque<std::string> last_lines;
    };

    void document(const Json& json);
    void classic_text(std::string_view text);
    void classic_line(const std::string& line);
    void end_classic_step();
    void pull_status(const Json& json);
    void trace(const Trace& trace);
    void vertex(const TraceVertex& vertex);
    void log(Step& step, const std::string& id, const std::string& line, bool is_stderr);
    void emit(const BuildEvent& event) const;
    [[nodiscard]] Error failure();

    OnBuildEvent on_event_;
    JsonLines lines_;
    std::map<std::string, Step> steps_;
    std::string current_;  // the classic builder's step
    TextLines text_;       // the classic builder's output, of all steps
    bool text_is_stderr_ = false;
    std::string failed_step_;  // BuildKit's, once one has failed
    std::string error_;
    std::optional<std::int64_t> error_code_;
    std::optional<Digest> image_;
};

}  // namespace envbuild::docker
