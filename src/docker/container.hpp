// Containers of a Docker engine: made, run and surely removed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_client.hpp"

namespace envbuild::docker {

class Engine;

struct ContainerSpec {
    std::string image;  // reference or "sha256:…"
    std::vector<std::string> command;
    std::optional<std::vector<std::string>> entrypoint;  // none: the image's; empty: none at all
    std::vector<std::string> env;                        // "NAME=value"
    std::string working_dir, user;
    std::string network_mode = "none";  // "none", "host", "bridge" or a network's name
    std::vector<std::string> binds;     // "/host:/container[:ro]"
    std::string platform;               // "linux/amd64"; "": the image's
};

enum class OutputStream : std::uint8_t { Stdout = 1, Stderr = 2 };
using OnOutput = std::function<void(OutputStream, std::string_view bytes)>;

// A container that is killed and removed with its anonymous volumes at the end, also after a cancellation. Borrowed
// from an Engine that outlives it. Methods throw like Engine's. Not thread-safe.
class Container {
  public:
    Container(Container&& other) noexcept;
    Container& operator=(Container&&) = delete;
    ~Container();

    [[nodiscard]] const std::string& id() const { return id_; }

    void start();
    // Output from the first byte until the container ends. `on_output` may throw.
    void follow_output(const OnOutput& on_output);
    // Waits for its end: the exit code.
    [[nodiscard]] int wait();
    // The file or folder at `path` as a tar stream. NotFound.
    void get_archive(std::string_view path, const std::function<void(std::string_view)>& sink);
    // Unpacks a tar at `directory`, which exists.
    void put_archive(std::string_view directory, std::shared_ptr<BodySource> tar);
    // Now rather than at the end; a second call does nothing.
    void remove();

  private:
    friend class Engine;
    Container(Engine& engine, std::string id) : engine_(&engine), id_(std::move(id)) {}

    void read_logs(std::string_view query, const OnOutput& on_output);

    Engine* engine_;
    std::string id_;
};

struct RunResult {
    int exit_code = 0;
    std::string out, err;  // the last 64 KiB of each
};

}  // namespace envbuild::docker
