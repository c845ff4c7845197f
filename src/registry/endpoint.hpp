// Endpoint: one repository at one host, the registry itself or a mirror of it. Sends requests with their authorization
// and turns answers into errors.
#pragma once

#include <string>
#include <string_view>

#include "net/http_client.hpp"
#include "oci/reference.hpp"
#include "registry/authenticator.hpp"
#include "registry/hosts.hpp"
#include "registry/settings.hpp"

namespace envbuild::registry {

enum class Access : std::uint8_t { Pull, Push };

// Immutable, thread-safe. `http` and `authenticator` are borrowed.
class Endpoint {
  public:
    Endpoint(HttpClient& http, Authenticator& authenticator, const oci::Repository& repository,
             const RegistrySettings& settings);
    [[nodiscard]] const std::string& registry() const { return registry_; }
    [[nodiscard]] HttpClient& http() const { return http_; }
    // "<base>/v2/<path>/<suffix>"
    [[nodiscard]] Url url(std::string_view suffix) const;
    // Where an upload goes on. A Location on the same host that forgot the registry's https gets it back.
    // Error(Transient) where it is no URL.
    [[nodiscard]] Url location(const HttpResponse& response) const;

    // Whatever the status. Asks for a token or sends the password once where the registry wants it. `also_pull` is a
    // second repository that a mount reads from.
    [[nodiscard]] HttpResponse send(HttpRequest request, Access access, std::string_view also_pull = "") const;

    // The error for an answer that is not what `what` ("get the manifest latest") hopes for.
    [[nodiscard]] Error failure(std::string_view what, const HttpRequest& request, const HttpResponse& response,
                                Access access) const;
    // Whether a 404 is the registry's own word that something is absent, and not that of a proxy, a portal or another
    // server: it has the registries' version header, or an error with a code of theirs.
    [[nodiscard]] static bool says_absent(const HttpResponse& response);
    // A HEAD's 404 has no body that could tell; without the header the same is to be asked with GET.
    [[nodiscard]] static bool must_ask_with_get(const HttpResponse& response);

  private:
    Endpoint(HttpClient& http, Authenticator& authenticator, const oci::Repository& repository, const Reach& reach,
             const RegistrySettings& settings);
    [[nodiscard]] AuthTarget target(Access access, std::string_view also_pull) const;

    HttpClient& http_;
    Authenticator& authenticator_;
    std::string registry_, path_;
    Url base_;
    bool may_send_credentials_ = true;
    std::chrono::milliseconds stall_timeout_, upload_stall_timeout_;
};

}  // namespace envbuild::registry
