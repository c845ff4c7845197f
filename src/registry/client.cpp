#include "registry/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "registry/authenticator.hpp"
#include "registry/blob_fetch.hpp"
#include "registry/blob_upload.hpp"
#include "registry/endpoint.hpp"

namespace envbuild::registry {

namespace {

constexpr int kMaxTagPages = 10000;

// Registries answer 404 for a type that is not named here, also for "*/*".
std::string accepted_types() {
    return fmt::format("{}, {}, {}, {}", oci::media_type::kIndex, oci::media_type::kManifest,
                       oci::media_type::kDockerManifest, oci::media_type::kDockerList);
}

std::string media_type_of(const HttpResponse& response) {
    const std::string header = response.header("content-type");
    const auto type = to_lower(trim(std::string_view(header).substr(0, header.find(';'))));
    if (oci::is_manifest_type(type) || oci::is_index_type(type)) return type;
    const auto json = Json::parse(response.body);
    if (!json) return "";
    const auto own = json->string_or("mediaType", "");
    return oci::is_manifest_type(own) || oci::is_index_type(own) ? own : "";
}

[[noreturn]] void throw_wrong_digest(const Endpoint& endpoint, const std::string& identifier, const std::string& got,
                                     const std::string& promised) {
    throw Error(ErrorKind::Corrupt,
                fmt::format("{} answered for the manifest {} with content whose digest is {}, not {}",
                            endpoint.registry(), identifier, got, promised));
}

oci::Descriptor verified(const Endpoint& endpoint, const std::string& identifier, const HttpResponse& response) {
    auto descriptor = oci::describe(media_type_of(response), response.body);
    const auto digest = descriptor.digest.to_string();
    if (identifier.starts_with("sha256:") && digest != identifier)
        throw_wrong_digest(endpoint, identifier, digest, identifier);
    const auto promised = response.header("docker-content-digest");
    if (promised.starts_with("sha256:") && promised != digest)
        throw_wrong_digest(endpoint, identifier, digest, promised);
    return descriptor;
}

std::optional<oci::RawManifest> get_manifest_from(const Endpoint& endpoint, const std::string& identifier) {
    HttpRequest request;
    request.url = endpoint.url("manifests/" + identifier);
    request.headers["accept"] = accepted_types();
    request.body_limit = oci::kManifestLimit;
    HttpResponse response = endpoint.send(request, Access::Pull);
    if (Endpoint::says_absent(response)) return std::nullopt;
    const std::string what = fmt::format("get the manifest {} of", identifier);
    if (!response.ok()) throw endpoint.failure(what, request, response, Access::Pull);
    if (response.header("content-type").find("html") != std::string::npos)
        throw endpoint.failure(what, request, response, Access::Pull);
    auto descriptor = verified(endpoint, identifier, response);
    if (descriptor.media_type.empty()) {
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{}: {} answered with the type '{}', which is no image manifest that envbuild knows",
                                what, endpoint.registry(), response.header("content-type")));
    }
    return oci::RawManifest{std::move(descriptor), std::move(response.body)};
}

std::optional<oci::Descriptor> head_manifest_from(const Endpoint& endpoint, const std::string& identifier) {
    HttpRequest request;
    request.method = "HEAD";
    request.url = endpoint.url("manifests/" + identifier);
    request.headers["accept"] = accepted_types();
    const HttpResponse response = endpoint.send(request, Access::Pull);
    if (Endpoint::says_absent(response)) return std::nullopt;
    if (!response.ok() && !Endpoint::must_ask_with_get(response))
        throw endpoint.failure(fmt::format("ask for the manifest {} of", identifier), request, response, Access::Pull);
    const auto digest = Digest::parse(response.header("docker-content-digest"));
    const auto length = response.header("content-length");
    const bool is_number =
        !length.empty() && length.size() < 10 && length.find_first_not_of("0123456789") == std::string::npos;
    if (!response.ok() || !digest || !is_number || media_type_of(response).empty()) {
        // Not every registry says all of it in the headers; the manifest itself does.
        const auto manifest = get_manifest_from(endpoint, identifier);
        return manifest ? std::optional(manifest->descriptor) : std::nullopt;
    }
    oci::Descriptor descriptor;
    descriptor.media_type = media_type_of(response);
    descriptor.digest = *digest;
    descriptor.size = std::stoull(length);
    return descriptor;
}

// RFC 8288: the target of rel="next".
std::optional<std::string> next_page(const std::string& link) {
    for (const auto part : split(link, ',')) {
        const auto open = part.find('<');
        const auto close = part.find('>');
        if (open == std::string_view::npos || close == std::string_view::npos || close < open) continue;
        const auto parameters = part.substr(close + 1);
        if (parameters.find("rel=\"next\"") != std::string_view::npos ||
            parameters.find("rel=next") != std::string_view::npos) {
            return std::string(part.substr(open + 1, close - open - 1));
        }
    }
    return std::nullopt;
}

}  // namespace

RegistryContext::RegistryContext(HttpClient& http, RegistrySettings settings, DockerConfig config, Reporter& reporter)
    : RegistryContext(http, std::move(settings), [config = std::move(config)] { return config; }, reporter) {}

RegistryContext::RegistryContext(HttpClient& http, RegistrySettings settings, std::function<DockerConfig()> logins,
                                 Reporter& reporter)
    : http_(http),
      settings_(std::move(settings)),
      reporter_(reporter),
      authenticator_(std::make_unique<Authenticator>(http, std::move(logins), settings_.token_cache)) {}

RegistryContext::~RegistryContext() = default;

void RegistryContext::warn_of_mirror(const std::string& domain, const Error& error) const {
    {
        const std::scoped_lock guard(mutex_);
        if (!failed_mirrors_.insert(domain).second) return;
    }
    reporter_.warn(fmt::format("the mirror {} is passed over: {}", domain, error.message()));
}

RegistryClient::RegistryClient(RegistryContext& context, oci::Repository repository)
    : context_(context),
      repository_(std::move(repository)),
      endpoint_(std::make_shared<Endpoint>(context.http(), context.authenticator(), repository_, context.settings())) {}

RegistryClient::~RegistryClient() = default;
RegistryClient::RegistryClient(RegistryClient&&) noexcept = default;

std::optional<oci::RawManifest> RegistryClient::get_manifest(const std::string& identifier) const {
    return get_manifest_from(origin(), identifier);
}

std::optional<oci::Descriptor> RegistryClient::head_manifest(const std::string& identifier) const {
    return head_manifest_from(origin(), identifier);
}

oci::Descriptor RegistryClient::put_manifest(std::string_view bytes, std::string_view media_type,
                                             const std::string& identifier) {
    auto descriptor = oci::describe(media_type, bytes);
    HttpRequest request;
    request.method = "PUT";
    request.url = origin().url("manifests/" + identifier);
    request.headers["content-type"] = media_type;
    request.body = bytes;
    request.follow_redirects = false;
    const HttpResponse response = origin().send(request, Access::Push);
    if (!response.ok())
        throw origin().failure(fmt::format("put the manifest {} into", identifier), request, response, Access::Push);
    const auto got = response.header("docker-content-digest");
    if (got.starts_with("sha256:") && got != descriptor.digest.to_string()) {
        throw_wrong_digest(origin(), identifier, got, descriptor.digest.to_string());
    }
    return descriptor;
}

bool RegistryClient::has_blob(const oci::Descriptor& descriptor) const {
    return registry::has_blob(origin(), descriptor);
}

void RegistryClient::fetch_blob(const oci::Descriptor& descriptor,
                                const std::function<void(std::string_view)>& sink) const {
    registry::fetch_blob(origin(), descriptor, sink);
}

std::unique_ptr<oci::BlobReader> RegistryClient::open_blob(const oci::Descriptor& descriptor) const {
    return registry::open_blob(endpoint_, descriptor);
}

void RegistryClient::upload_blob(const oci::Descriptor& descriptor, const oci::BlobSource& content,
                                 Progress* progress) {
    registry::upload_blob(origin(), descriptor, content, progress);
}

bool RegistryClient::mount_blob(const oci::Descriptor& descriptor, const std::string& from_path) {
    return registry::mount_blob(origin(), descriptor, from_path);
}

void RegistryClient::probe_upload() const {
    registry::probe_upload(origin());
}

std::vector<std::string> RegistryClient::list_tags() const {
    std::set<std::string> tags;
    HttpRequest request;
    request.url = origin().url("tags/list?n=1000");
    for (int page = 0; page < kMaxTagPages; ++page) {
        const HttpResponse response = origin().send(request, Access::Pull);
        if (page == 0 && Endpoint::says_absent(response)) return {};
        const auto json = response.ok() ? Json::parse(response.body) : fail(ErrorKind::Corrupt, "");
        if (!json || !json->is_object()) throw origin().failure("list the tags of", request, response, Access::Pull);
        if (const Json& list = (*json)["tags"]; list.is_array()) {
            for (const Json& tag : list.as_array()) {
                if (tag.is_string()) tags.insert(tag.as_string());
            }
        }
        const auto next = next_page(response.header("link"));
        if (!next) break;
        // Half a list must not pass for the whole: names would be missing and version numbers given twice. Only path
        // and query count of the link: registries behind a proxy that ends TLS name themselves by http.
        const auto url = request.url.resolve(*next);
        if (!url || url->host() != request.url.host()) {
            throw Error(ErrorKind::Transient,
                        fmt::format("{} continues its list of tags elsewhere", repository_.to_string()));
        }
        const auto rest = request.url.resolve(url->path() + (url->query().empty() ? "" : "?" + url->query()));
        if (!rest || *rest == request.url)
            throw Error(ErrorKind::Transient,
                        fmt::format("{} does not go on with its list of tags", repository_.to_string()));
        request.url = *rest;
    }
    return {tags.begin(), tags.end()};
}

bool RegistryClient::delete_manifest(const Digest& digest) {
    HttpRequest request;
    request.method = "DELETE";
    request.url = origin().url("manifests/" + digest.to_string());
    const HttpResponse response = origin().send(request, Access::Push);
    if (Endpoint::says_absent(response)) return false;
    if (!response.ok()) throw origin().failure("delete a manifest of", request, response, Access::Push);
    return true;
}

}  // namespace envbuild::registry
