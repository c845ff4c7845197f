#include "registry/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/strings.hpp"

namespace envbuild::registry {

namespace {

bool is_html(const HttpResponse& response) {
    return response.header("content-type").find("html") != std::string::npos || trim(response.body).starts_with('<');
}

// What registries say of something absent (distribution-spec v1.1, "Error Codes"); NOT_FOUND is Harbor's. Any server
// may have a JSON with `errors`: a gateway's, or Artifactory's own with a status in place of a code, is no answer.
constexpr std::array<std::string_view, 5> kAbsentCodes{"NAME_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN",
                                                       "MANIFEST_BLOB_UNKNOWN", "NOT_FOUND"};

bool has_absent_code(const HttpResponse& response) {
    const auto json = Json::parse(response.body);
    if (!json || !(*json)["errors"].is_array()) return false;
    return std::ranges::any_of((*json)["errors"].as_array(), [](const Json& error) {
        return std::ranges::find(kAbsentCodes, error.string_or("code", "")) != kAbsentCodes.end();
    });
}

bool has_version_header(const HttpResponse& response) {
    return !response.header("docker-distribution-api-version").empty();
}

}  // namespace

Endpoint::Endpoint(HttpClient& http, Authenticator& authenticator, const oci::Repository& repository,
                   const Reach& reach, const RegistrySettings& settings)
    : http_(http),
      authenticator_(authenticator),
      registry_(repository.domain()),
      path_(repository.path()),
      base_(reach.base),
      may_send_credentials_(reach.may_send_credentials),
      stall_timeout_(settings.stall_timeout),
      upload_stall_timeout_(settings.upload_stall_timeout) {}

Endpoint::Endpoint(HttpClient& http, Authenticator& authenticator, const oci::Repository& repository,
                   const RegistrySettings& settings)
    : Endpoint(http, authenticator, repository, reach(repository.domain(), settings), settings) {}

Url Endpoint::url(std::string_view suffix) const {
    return value_or_throw(Url::parse(fmt::format("{}/v2/{}/{}", base_.origin().to_string(), path_, suffix)));
}

Url Endpoint::location(const HttpResponse& response) const {
    const auto text = response.header("location");
    auto url = text.empty() ? fail(ErrorKind::Transient, "") : response.final_url.resolve(text);
    if (!url || (url->scheme() != "http" && url->scheme() != "https")) {
        throw Error(ErrorKind::Transient,
                    fmt::format("{} answered an upload without saying where it goes on", registry_));
    }
    // Registries behind a proxy that ends TLS think that they are spoken to over http.
    if (base_.scheme() == "https" && url->scheme() == "http") {
        if (url->host() != base_.host()) {
            throw Error(
                ErrorKind::Transient,
                fmt::format("{} sends an upload on to {} over plain http, which is refused", registry_, url->host()));
        }
        const std::string rest = url->path() + (url->query().empty() ? "" : "?" + url->query());
        url = base_.resolve(rest);
    }
    return url->without_user_info();
}

AuthTarget Endpoint::target(Access access, std::string_view also_pull) const {
    AuthTarget target{registry_, base_.origin(), may_send_credentials_, "", stall_timeout_};
    target.scopes = fmt::format("repository:{}:{}", path_, access == Access::Push ? "pull,push" : "pull");
    if (!also_pull.empty()) target.scopes += fmt::format(" repository:{}:pull", also_pull);
    return target;
}

HttpResponse Endpoint::send(HttpRequest request, Access access, std::string_view also_pull) const {
    const auto where = target(access, also_pull);
    request.stall_timeout = request.source ? upload_stall_timeout_ : stall_timeout_;
    authenticator_.authorize(request, where);
    HttpResponse response = http_.send(request);
    if (response.status != 401 || request.url.origin() != where.origin) return response;
    const bool answered = authenticator_.answer(response, request, where);
    request.bearer = Secret();
    request.basic.reset();
    if (!answered || !authenticator_.authorize(request, where)) return response;
    if (request.source && !request.source->rewind()) return response;
    return http_.send(request);
}

bool Endpoint::says_absent(const HttpResponse& response) {
    return response.status == 404 && (has_version_header(response) || has_absent_code(response));
}

bool Endpoint::must_ask_with_get(const HttpResponse& response) {
    return response.status == 404 && !has_version_header(response);
}

Error Endpoint::failure(std::string_view what, const HttpRequest& request, const HttpResponse& response,
                        Access access) const {
    const auto where = target(access, "");
    const std::string task = fmt::format("{} {} at {}", what, path_, registry_);
    if (response.status == 401 || response.status == 403) {
        Error error = http_error(task, request, response);
        return Error(ErrorKind::Unauthorized,
                     fmt::format("{}; it was asked {}", error.message(), authenticator_.describe_credentials(where)))
            .with_hint(fmt::format("log in with an account that may {} there: docker login {}",
                                   access == Access::Push ? "push" : "pull", registry_));
    }
    if (response.status == 405 && access == Access::Push) {
        return Error(ErrorKind::Unauthorized,
                     fmt::format("{}: the registry is read-only (405 Method Not Allowed)", task))
            .with_hint("name another registry with --registry, or --no-push");
    }
    if (response.status == 404 && !says_absent(response)) {
        return Error(ErrorKind::Transient,
                     fmt::format("{}: {} answered 404, but not as a registry does", task, base_.host()))
            .with_hint("check the registry's name; a proxy or another server may answer there");
    }
    if (response.status == 400 && base_.scheme() == "http" && response.body.find("HTTPS server") != std::string::npos) {
        return {ErrorKind::InvalidInput,
                fmt::format("{}: it speaks https, and envbuild was told to speak plain http", task)};
    }
    if (response.ok() && is_html(response)) {
        return Error(ErrorKind::Transient,
                     fmt::format("{}: {} answered with a web page, so it is no registry", task, base_.host()))
            .with_hint("a proxy or a login portal may stand between; see https_proxy and no_proxy");
    }
    return http_error(task, request, response);
}

}  // namespace envbuild::registry
