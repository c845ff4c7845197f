#include <fmt/format.h>

#include <random>

#include "docker/build_stream.hpp"
#include "docker/engine.hpp"
#include "docker/query.hpp"

namespace envbuild::docker {

namespace {

std::string random_id() {
    std::random_device device;
    return fmt::format("envbuild-{:08x}{:08x}", device(), device());
}

}  // namespace

BuildResult Engine::build(const BuildRequest& build, const OnBuildEvent& on_event) {
    if (!build.context) throw Error(ErrorKind::Bug, "a build without a context");
    const bool buildkit =
        build.builder == Builder::BuildKit || (build.builder == Builder::Auto && negotiate().buildkit);
    if (build.builder == Builder::BuildKit && !negotiate().buildkit && !negotiate().server.starts_with("Docker/")) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("the engine at {} ({}) has no BuildKit", endpoint_.to_string(), negotiate().server));
    }
    const std::string build_id = random_id();
    Query query;
    query.add("version", buildkit ? "2" : "1").add("dockerfile", std::string_view(build.dockerfile));
    for (const auto& tag : build.tags) query.add("t", std::string_view(tag));
    query.add("buildargs", build.build_args).add("labels", build.labels);
    query.add("networkmode", std::string_view(build.network_mode)).add("target", std::string_view(build.target));
    query.add("platform", std::string_view(build.platform)).add("nocache", build.no_cache).add("pull", build.pull);
    query.add("rm", true).add("forcerm", true);  // without forcerm a failed build leaves its containers
    if (!build.cache_from.empty()) query.add("cachefrom", std::string_view(Json(build.cache_from).dump()));
    if (buildkit) query.add("buildid", std::string_view(build_id));

    BuildStream stream(on_event);
    HttpRequest post = patient_request("POST", "/build" + query.to_string());
    post.source = build.context;
    post.headers["content-type"] = "application/x-tar";
    if (!build.auths.empty()) post.headers["x-registry-config"] = registry_config_header(build.auths);
    post.sink = [&](std::string_view bytes) { stream.feed(bytes); };
    HttpResponse response;
    try {
        response = send_raw(client_, post);
    } catch (...) {
        // Closing the connection ends a step, but not always soon; the engine is asked as well. The classic builder has
        // no call.
        if (buildkit) forget("POST", "/build/cancel?id=" + build_id);
        throw;
    }
    if (!response.ok()) {
        // A Dockerfile that does not parse is 400, one that is not there 500.
        Error error =
            http_error(fmt::format("building with the Docker engine at {}", endpoint_.to_string()), post, response);
        if (response.status != 400 && response.status != 500) throw error;
        throw Error(ErrorKind::BuildFailed, error.message());
    }
    return {stream.finish(), buildkit ? Builder::BuildKit : Builder::Classic};
}

}  // namespace envbuild::docker
