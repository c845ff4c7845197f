// RegistryClient: one repository of a registry, over the OCI distribution-spec v1.1.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/process_env.hpp"
#include "base/reporter.hpp"
#include "net/http_client.hpp"
#include "oci/blob.hpp"
#include "oci/descriptor.hpp"
#include "oci/manifest.hpp"
#include "oci/reference.hpp"
#include "registry/docker_config.hpp"
#include "registry/settings.hpp"

namespace envbuild::registry {

class Authenticator;
class Endpoint;

// What all registry work of one run shares: the HTTP client, settings, credentials and tokens. Thread-safe. Outlives
// its clients.
class RegistryContext {
  public:
    // `http` and `reporter` are borrowed. `logins` is called, once, when a registry is asked for the first time: what
    // is wrong with the user's login files is then a reason why that registry could not be asked.
    RegistryContext(HttpClient& http, RegistrySettings settings, std::function<DockerConfig()> logins,
                    Reporter& reporter);
    RegistryContext(HttpClient& http, RegistrySettings settings, DockerConfig config, Reporter& reporter);
    ~RegistryContext();
    RegistryContext(const RegistryContext&) = delete;
    RegistryContext& operator=(const RegistryContext&) = delete;

    [[nodiscard]] HttpClient& http() const { return http_; }
    [[nodiscard]] const RegistrySettings& settings() const { return settings_; }
    [[nodiscard]] Reporter& reporter() const { return reporter_; }
    [[nodiscard]] Authenticator& authenticator() const { return *authenticator_; }

    // Tells the user, once a run for each mirror, that it is passed over and why.
    void warn_of_mirror(const std::string& domain, const Error& error) const;

  private:
    HttpClient& http_;
    RegistrySettings settings_;
    Reporter& reporter_;
    std::unique_ptr<Authenticator> authenticator_;
    mutable std::mutex mutex_;
    mutable std::set<std::string> failed_mirrors_;
};

// Failures of every call: Unauthorized (with what credentials were found, and `docker login HOST`; also a registry that
// is read-only), Transient (down, or what answers is no registry), Corrupt (bytes that do not match), Cancelled. That
// something is absent is an answer, not a failure, and only ever what the registry itself said. Thread-safe.
class RegistryClient {
  public:
    RegistryClient(RegistryContext& context, oci::Repository repository);
    ~RegistryClient();
    RegistryClient(RegistryClient&&) noexcept;

    [[nodiscard]] const oci::Repository& repository() const { return repository_; }

    // `identifier` is a tag or a digest ("sha256:…"). One round trip when a token is at hand.
    [[nodiscard]] std::optional<oci::RawManifest> get_manifest(const std::string& identifier) const;
    // Without the bytes.
    [[nodiscard]] std::optional<oci::Descriptor> head_manifest(const std::string& identifier) const;
    oci::Descriptor put_manifest(std::string_view bytes, std::string_view media_type, const std::string& identifier);

    [[nodiscard]] bool has_blob(const oci::Descriptor& descriptor) const;
    // Streams the blob on the calling thread; returns only when size and digest have been verified. NotFound where it
    // is absent. After a broken transfer it goes on where it was: `sink` sees each byte once.
    void fetch_blob(const oci::Descriptor& descriptor, const std::function<void(std::string_view)>& sink) const;
    // The same, pulled: a thread of its own fetches ahead. The reader verifies before it says the end. The client may
    // go before it.
    [[nodiscard]] std::unique_ptr<oci::BlobReader> open_blob(const oci::Descriptor& descriptor) const;

    // Uploads; has_blob() tells before whether it need be. A broken upload is started again from a new reader.
    // `progress` may be null.
    void upload_blob(const oci::Descriptor& descriptor, const oci::BlobSource& content, Progress* progress = nullptr);
    // Asks the registry to take the blob over from another of its repositories; false where it does not.
    [[nodiscard]] bool mount_blob(const oci::Descriptor& descriptor, const std::string& from_path);

    // Whether one may write: begins an upload and cancels it, which leaves nothing. Throws where one may not.
    void probe_upload() const;

    // Sorted. Empty where the repository is not there.
    [[nodiscard]] std::vector<std::string> list_tags() const;
    // False where there was none. Deletes the manifest and so every tag of it (distribution 2.8 deletes by digest
    // only).
    bool delete_manifest(const Digest& digest);

  private:
    [[nodiscard]] Endpoint& origin() const { return *endpoint_; }

    RegistryContext& context_;
    oci::Repository repository_;
    std::shared_ptr<Endpoint> endpoint_;
};

}  // namespace envbuild::registry
