// Credentials by origin: from URLs with user information, ~/.netrc and conda tokens.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/process_env.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"

namespace envbuild {

// Which credential goes with which URL. A handle: copies speak of the same store. Thread-safe. A credential is bound to
// its origin (scheme, host, port) and to a path prefix that ends at a segment; the longest prefix wins, the later entry
// among equals. netrc entries are bound to a host alone, as netrc has no more, and are sent only over https or to a
// loopback address.
class CredentialStore {
  public:
    CredentialStore();

    // The URL's user information, if it has any, for its origin and path. True when there was some.
    bool add_from_url(const Url& url) const;
    void add_basic(const Url& prefix, UserInfo user) const;
    void add_bearer(const Url& prefix, Secret token) const;
    // URLs under `canonical_prefix` are asked for with "/t/TOKEN" put into the path after `location` (a path such as
    // "/artifactory/api/conda"; "" puts it in front). Only the wire sees it.
    void add_conda_token(const Url& canonical_prefix, Secret token, std::string_view location = "") const;
    // The entries of a netrc file; "default" entries are ignored.
    void add_netrc(std::string_view text) const;

    struct Credential {
        std::optional<UserInfo> basic;
        Secret bearer;
    };
    [[nodiscard]] std::optional<Credential> find(const Url& url) const;
    // The URL as it goes on the wire: with the conda token where one is known, else as it is.
    [[nodiscard]] Url wire_url(const Url& url) const;
    // `url` without the conda token that wire_url() may have put there.
    [[nodiscard]] Url canonical_url(const Url& url) const;

    // $NETRC or ~/.netrc, where it can be read. An absent file is an empty store.
    [[nodiscard]] static CredentialStore from_env(const ProcessEnv& env);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace envbuild
