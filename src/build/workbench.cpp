#include "build/workbench.hpp"

#include <fmt/format.h>

#include "net/credential.hpp"
#include "registry/authenticator.hpp"
#include "registry/docker_config.hpp"

namespace envbuild::build {

Workbench::Workbench(ProcessEnv env, Settings settings, CancelToken cancel, Reporter& reporter)
    : env_(std::move(env)), settings_(std::move(settings)), cancel_(std::move(cancel)), reporter_(reporter) {
    http_ = std::make_unique<HttpClient>(HttpSettings::from_env(env_), cancel_, CredentialStore::from_env(env_));
    // Mirrors may be written with user information; it is kept for their origin and sent nowhere else.
    for (const auto* mirrors : {&settings_.channel_mirrors, &settings_.index_mirrors}) {
        for (const auto& [canonical, urls] : *mirrors) {
            for (const auto& text : urls) {
                if (const auto url = Url::parse(text)) http_->credentials().add_from_url(*url);
            }
        }
    }
    for (const auto& [canonical, urls] : settings_.index_mirrors) {
        for (const auto& text : urls) {
            if (const auto url = Url::parse(text)) learn_index_credential(*url);
        }
    }
}

registry::RegistryContext& Workbench::registries() const {
    if (!registries_) {
        registry::RegistrySettings settings;
        settings.insecure = {settings_.insecure_registries.begin(), settings_.insecure_registries.end()};
        settings.mirrors = settings_.registry_mirrors;
        settings.token_cache = cache_folder("tokens");
        registries_ = std::make_unique<registry::RegistryContext>(
            *http_, std::move(settings), [this] { return docker_config(); }, reporter_);
    }
    return *registries_;
}

const Condarc& Workbench::conda_settings() const {
    if (!conda_settings_) {
        std::vector<std::string> warnings;
        conda_settings_ = std::make_unique<Condarc>(settings_.conda_settings(env_, warnings));
        for (const auto& warning : warnings) reporter_.warn(warning);
    }
    return *conda_settings_;
}

std::unique_ptr<cache::ImageRepository> Workbench::repository() const {
    if (settings_.registry.empty()) return embedded_repository();
    return cache::open_repository(settings_.registry, registries(), cancel_);
}

std::unique_ptr<cache::ImageRepository> Workbench::embedded_repository() const {
    return cache::layout_repository(settings_.data_dir / "images", cancel_);
}

std::unique_ptr<cache::ImageRepository> Workbench::curated_repository() const {
    if (settings_.curated_repository.empty()) return nullptr;
    try {
        return cache::open_repository(settings_.curated_repository, registries(), cancel_);
    } catch (const Error& error) {
        throw Error(error).with_context(
            fmt::format("opening the curated_repository '{}' (config.yaml, or ENVBUILD_CURATED_REPOSITORY)",
                        redact(settings_.curated_repository)));
    }
}

void Workbench::warn_once(const std::string& message) const {
    const std::scoped_lock lock(warned_mutex_);
    if (warned_.insert(message).second) reporter_.warn(message);
}

Downloader Workbench::downloader() const {
    return {*http_, cache_folder("packages"), reporter_};
}

void Workbench::learn_index_credential(const Url& index) const {
    const auto& store = http_->credentials();
    const auto found = store.find(index);
    const auto root = Url::parse(index.origin().to_string() + "/");
    if (found && found->basic && root && !store.find(*root)) store.add_basic(*root, *found->basic);
}

void Workbench::learn_credentials(const std::vector<Url>& urls) const {
    for (const auto& url : urls) conda::remember_credentials(url, http_->credentials());
}

void Workbench::learn_registry_login(const std::string& registry, const std::string& user,
                                     const Secret& password) const {
    const registry::RegistryCredential login{user, password, {}, "the definition"};
    logins_.insert_or_assign(registry, login);
    // Others hold on to the context: what it has learned of registries stays.
    if (registries_) registries_->authenticator().learn(registry, login);
}

registry::DockerConfig Workbench::docker_config() const {
    auto config = registry::DockerConfig::load(env_);
    for (const auto& [registry, credential] : logins_) config.add(registry, credential);
    return config;
}

}  // namespace envbuild::build
