// A client of the Docker Engine API (docs.docker.com/engine/api), versions 1.41 to 1.47, over unix sockets and TCP.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/digest.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/reporter.hpp"
#include "docker/build_event.hpp"
#include "docker/container.hpp"
#include "docker/endpoint.hpp"
#include "docker/registry_auth.hpp"
#include "net/http_client.hpp"

namespace envbuild::docker {

enum class Builder : std::uint8_t { Auto, Classic, BuildKit };

struct BuildRequest {
    std::shared_ptr<BodySource> context;  // a tar, plain or gzip, that holds the Dockerfile; read once
    std::string dockerfile = "Dockerfile";
    std::vector<std::string> tags;  // "repository:tag"
    std::map<std::string, std::string> labels, build_args;
    std::string network_mode = "none";  // of RUN steps: "none" or "host"
    std::vector<RegistryAuth> auths;    // for FROM; BuildKit takes none, so pull what is private first
    std::vector<std::string> cache_from;
    std::string target, platform;
    bool no_cache = false;
    bool pull = false;  // look for a newer base; leave it off where FROM names a digest
    Builder builder = Builder::Auto;
};

struct BuildResult {
    Digest image_id;                     // the config's digest (with the containerd image store: the manifest's)
    Builder builder = Builder::Classic;  // which one it was
};

// What the engine said of itself when it was first asked.
struct EngineInfo {
    std::string server;       // "Docker/27.1.1 (linux)", "Libpod/4.3.1 (linux)"
    std::string api_version;  // the one that is spoken: "1.47"
    std::string os_type;
    bool buildkit = false;
};

struct ImageInfo {
    std::string id;
    std::vector<std::string> repo_tags, repo_digests;
    std::vector<Digest> diff_ids;  // the uncompressed layers, base first
    std::string architecture, os;
    std::uint64_t size = 0;
    Json config;  // Env, Cmd, Entrypoint, Labels, …: the OCI image-spec's names
};

// Thread-safe. Throws Error naming the endpoint, with what to do: Transient where the engine is not there or goes away,
// Unauthorized where the socket is not for this user; Cancelled; by the engine's answer NotFound, Unauthorized,
// InvalidInput, BuildFailed.
class Engine {
  public:
    Engine(Endpoint endpoint, const HttpSettings& settings, CancelToken cancel);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
    // Asks the engine once. InvalidInput when it speaks no version that envbuild knows.
    const EngineInfo& negotiate();
    [[nodiscard]] Json version();  // GET /version
    [[nodiscard]] Json info();     // GET /info

    // Builds; tells what happens as it happens. BuildFailed names the failing step and holds its last lines. A
    // cancellation or an exception of `on_event` ends the build in the engine too.
    [[nodiscard]] BuildResult build(const BuildRequest& request, const OnBuildEvent& on_event);

    // `reference` is "repository@sha256:…" or "repository:tag".
    void pull(const std::string& reference, const RegistryAuth* auth, Reporter& reporter,
              const std::string& platform = {});
    [[nodiscard]] std::optional<ImageInfo> find_image(const std::string& name);
    [[nodiscard]] ImageInfo inspect_image(const std::string& name);  // NotFound
    void tag_image(const std::string& name, const std::string& repository, const std::string& tag);
    void remove_image(const std::string& name, bool force = false);
    // The image as a tar (docker image spec v1.2, OCI layout inside since engine 25), as it comes.
    void export_image(const std::string& name, const std::function<void(std::string_view)>& sink);
    // Takes images from such a tar.
    void load_images(std::shared_ptr<BodySource> tar);

    [[nodiscard]] Container create_container(const ContainerSpec& spec);
    // Removes the containers that processes of this host left in the engine when they were killed.
    void remove_orphans();
    // Create, start, follow, wait and remove.
    [[nodiscard]] RunResult run(const ContainerSpec& spec, const OnOutput& on_output = {});

  private:
    friend class Container;
    // Towards the endpoint, with the version in front of the path; fails when the engine is silent for two minutes.
    HttpRequest request(std::string_view method, std::string_view path);
    // For what may take the engine any time: a build, a pull, a container's end.
    HttpRequest patient_request(std::string_view method, std::string_view path);
    HttpResponse send(const HttpRequest& request, std::string_view what);  // Error unless 2xx or 304
    HttpResponse send_raw(HttpClient& client, const HttpRequest& request);
    // Tidies up, also after a cancellation; the answer's status, or 0 where there was none.
    int forget(std::string_view method, std::string_view path) noexcept;
    void remove_unborn(const std::string& name) noexcept;

    Endpoint endpoint_;
    CancelToken cancel_;
    HttpClient client_;
    HttpClient cleaner_;  // never cancelled
    std::mutex mutex_;
    std::optional<EngineInfo> info_;
};

}  // namespace envbuild::docker
