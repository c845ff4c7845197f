#include <fmt/format.h>

#include "docker/engine.hpp"
#include "docker/pull_stream.hpp"
#include "docker/query.hpp"

namespace envbuild::docker {

namespace {

// "host:5000/a/b@sha256:…" or "a/b:tag" -> what fromImage and tag want.
std::pair<std::string, std::string> split_reference(const std::string& reference) {
    if (const auto at = reference.find('@'); at != std::string::npos) {
        std::string repository = reference.substr(0, at);
        const auto colon = repository.rfind(':');
        // "name:tag@digest": the digest says it all.
        if (colon != std::string::npos && repository.find('/', colon) == std::string::npos) repository.resize(colon);
        return {repository, reference.substr(at + 1)};
    }
    const auto colon = reference.rfind(':');
    if (colon == std::string::npos || reference.find('/', colon) != std::string::npos) return {reference, "latest"};
    return {reference.substr(0, colon), reference.substr(colon + 1)};
}

std::vector<std::string> strings(const Json& json) {
    std::vector<std::string> out;
    if (!json.is_array()) return out;
    for (const auto& one : json.as_array()) {
        if (one.is_string()) out.push_back(one.as_string());
    }
    return out;
}

ImageInfo read_image(const std::string& body) {
    const Json json = value_or_throw(Json::parse(body));
    ImageInfo image;
    image.id = json.string_or("Id", "");
    image.repo_tags = strings(json["RepoTags"]);
    image.repo_digests = strings(json["RepoDigests"]);
    for (const auto& layer : strings(json["RootFS"]["Layers"]))
        image.diff_ids.push_back(value_or_throw(Digest::parse(layer)));
    image.architecture = json.string_or("Architecture", "");
    image.os = json.string_or("Os", "");
    image.size = static_cast<std::uint64_t>(json.int_or("Size", 0));
    image.config = json["Config"];
    return image;
}

}  // namespace

void Engine::pull(const std::string& reference, const RegistryAuth* auth, Reporter& reporter,
                  const std::string& platform) {
    const auto [repository, tag] = split_reference(reference);
    Query query;
    query.add("fromImage", std::string_view(repository)).add("tag", std::string_view(tag));
    query.add("platform", std::string_view(platform));
    const auto progress = reporter.start(fmt::format("Pulling {}", reference), Reporter::Unit::Bytes, 0);
    const std::string what = fmt::format("pulling {} into the Docker engine", reference);
    PullStream stream(progress.get());
    HttpRequest post = patient_request("POST", "/images/create" + query.to_string());
    post.headers["x-registry-auth"] = registry_auth_header(auth);
    post.sink = [&](std::string_view bytes) { stream.feed(bytes); };
    const HttpResponse response = send_raw(client_, post);
    if (!response.ok()) {
        // Before its stream begins the engine answers 500 to most of what a registry says.
        Error error = http_error(what, post, response);
        if (response.status != 500) throw error;
        throw Error(kind_of_engine_message(error.message()), error.message());
    }
    stream.finish(what);
}

std::optional<ImageInfo> Engine::find_image(const std::string& name) {
    const HttpRequest get = request("GET", fmt::format("/images/{}/json", in_path(name)));
    const HttpResponse response = send_raw(client_, get);
    if (response.status == 404) return std::nullopt;
    if (!response.ok()) throw http_error(fmt::format("inspecting the image {}", name), get, response);
    return read_image(response.body);
}

ImageInfo Engine::inspect_image(const std::string& name) {
    if (auto image = find_image(name)) return std::move(*image);
    throw Error(ErrorKind::NotFound,
                fmt::format("the Docker engine at {} has no image {}", endpoint_.to_string(), name));
}

void Engine::tag_image(const std::string& name, const std::string& repository, const std::string& tag) {
    Query query;
    query.add("repo", std::string_view(repository)).add("tag", std::string_view(tag));
    (void)send(request("POST", fmt::format("/images/{}/tag{}", in_path(name), query.to_string())),
               fmt::format("tagging the image {} as {}:{}", name, repository, tag));
}

void Engine::remove_image(const std::string& name, bool force) {
    Query query;
    query.add("force", force);
    (void)send(request("DELETE", fmt::format("/images/{}{}", in_path(name), query.to_string())),
               fmt::format("removing the image {}", name));
}

void Engine::export_image(const std::string& name, const std::function<void(std::string_view)>& sink) {
    HttpRequest get = patient_request("GET", fmt::format("/images/{}/get", in_path(name)));
    get.sink = sink;
    (void)send(get, fmt::format("exporting the image {}", name));
}

void Engine::load_images(std::shared_ptr<BodySource> tar) {
    PullStream stream(nullptr);
    HttpRequest post = patient_request("POST", "/images/load?quiet=1");
    post.source = std::move(tar);
    post.headers["content-type"] = "application/x-tar";
    post.sink = [&](std::string_view bytes) { stream.feed(bytes); };
    (void)send(post, "loading an image into the Docker engine");
    stream.finish("loading an image into the Docker engine");
}

}  // namespace envbuild::docker
