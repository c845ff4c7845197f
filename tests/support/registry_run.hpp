// What the tests of this folder share: a client with short waits, a folder for its files, errors as values.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fs.hpp"
#include "base/process_env.hpp"
#include "registry/client.hpp"
#include "support/fake_registry.hpp"
#include "support/recording_reporter.hpp"

namespace envbuild::testing {

inline Error error_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("no error came");
}

inline HttpSettings quick_http() {
    HttpSettings settings;
    settings.retry.base_delay = std::chrono::milliseconds(1);
    settings.retry.max_delay = std::chrono::milliseconds(5);
    return settings;
}

// One run of envbuild: its HTTP client, settings and credentials.
struct Run {
    explicit Run(registry::RegistrySettings settings = {}, registry::DockerConfig config = {})
        : http(quick_http(), {}), context(http, std::move(settings), std::move(config), reporter) {}

    [[nodiscard]] registry::RegistryClient client(const std::string& repository) {
        return {context, value_or_throw(oci::Repository::parse(repository))};
    }

    RecordingReporter reporter;
    HttpClient http;
    registry::RegistryContext context;
};

// For servers that say nothing; short enough for a test, long enough for a slow machine.
inline registry::RegistrySettings impatient() {
    registry::RegistrySettings settings;
    settings.stall_timeout = std::chrono::milliseconds(500);
    settings.upload_stall_timeout = std::chrono::milliseconds(500);
    return settings;
}

// A config.json with `auths` for one registry.
inline registry::DockerConfig login(const TempDir& folder, const std::string& registry,
                                    const std::string& user = "builder", const std::string& password = "s3cret") {
    write_file_atomic(folder.path() / "config.json",
                      R"({"auths":{")" + registry + R"(":{"auth":")" + base64(user + ":" + password) + R"("}}})");
    return registry::DockerConfig::load(
        ProcessEnv({{"DOCKER_CONFIG", folder.path().string()}, {"HOME", folder.path().string()}}));
}

inline std::string image_manifest(const std::string& layer, const std::string& config = "{}") {
    oci::Manifest manifest;
    manifest.config = oci::describe(oci::media_type::kConfig, config);
    manifest.layers = {oci::describe(oci::media_type::kLayerGzip, layer)};
    return manifest.to_bytes();
}

}  // namespace envbuild::testing
