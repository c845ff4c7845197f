// Workbench: what every step of one run shares: settings, network, registries, caches, cancellation, the reporter.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "base/cancel.hpp"
#include "base/process_env.hpp"
#include "base/reporter.hpp"
#include "build/settings.hpp"
#include "cache/image_repository.hpp"
#include "net/downloader.hpp"
#include "net/http_client.hpp"
#include "registry/client.hpp"

namespace envbuild::build {

// Made once in cli/, passed down by reference. Thread-safe to use.
class Workbench {
  public:
    // `reporter` is borrowed. Warnings about configuration go to it.
    Workbench(ProcessEnv env, Settings settings, CancelToken cancel, Reporter& reporter);
    Workbench(const Workbench&) = delete;
    Workbench& operator=(const Workbench&) = delete;

    [[nodiscard]] const ProcessEnv& env() const { return env_; }
    [[nodiscard]] const Settings& settings() const { return settings_; }
    [[nodiscard]] const CancelToken& cancel() const { return cancel_; }
    [[nodiscard]] Reporter& reporter() const { return reporter_; }
    // A warning that several steps of the run come upon.
    void warn_once(const std::string& message) const;
    [[nodiscard]] HttpClient& http() const { return *http_; }
    // Login files and channel settings are read from disk when first needed: a look-up in the embedded store never
    // needs them, and where one is bad that is an answer of the registry that wanted it.
    [[nodiscard]] registry::RegistryContext& registries() const;
    [[nodiscard]] const Condarc& conda_settings() const;
    [[nodiscard]] const conda::ChannelSettings& channel_settings() const { return conda_settings().channels; }

    // Where images are kept: the settings' registry, or the embedded OCI image layout.
    [[nodiscard]] std::unique_ptr<cache::ImageRepository> repository() const;
    [[nodiscard]] std::unique_ptr<cache::ImageRepository> embedded_repository() const;
    // Where curated names are read; null where the settings name no such place.
    [[nodiscard]] std::unique_ptr<cache::ImageRepository> curated_repository() const;
    // The content-addressed cache of packages and wheels.
    [[nodiscard]] Downloader downloader() const;
    [[nodiscard]] std::filesystem::path cache_folder(std::string_view name) const { return settings_.cache_dir / name; }

    // What URLs of a file carried: sent to their origin, never stored.
    void learn_credentials(const std::vector<Url>& urls) const;
    // An index's files may lie anywhere on its origin, and pip sends the index's credential there too.
    void learn_index_credential(const Url& index) const;
    // A definition's login for the registry of its base image.
    void learn_registry_login(const std::string& registry, const std::string& user, const Secret& password) const;
    // The logins of Docker's and podman's files, and those learned.
    [[nodiscard]] registry::DockerConfig docker_config() const;

  private:
    ProcessEnv env_;
    Settings settings_;
    CancelToken cancel_;
    Reporter& reporter_;
    std::unique_ptr<HttpClient> http_;
    mutable std::map<std::string, registry::RegistryCredential> logins_;
    mutable std::unique_ptr<registry::RegistryContext> registries_;
    mutable std::unique_ptr<Condarc> conda_settings_;
    mutable std::mutex warned_mutex_;
    mutable std::set<std::string> warned_;
};

}  // namespace envbuild::build
