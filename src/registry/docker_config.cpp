#include "registry/docker_config.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"
#include "base/strings.hpp"
#include "base/url.hpp"

namespace envbuild::registry {

namespace {

// The name that `docker login` gives Docker Hub.
constexpr std::string_view kDockerHubKey = "https://index.docker.io/v1/";
constexpr std::uint64_t kFileLimit = 16ULL << 20;
// What a helper says, with exit code 1, when it has nothing for this registry (docker-credential-helpers,
// credentials/error.go).
constexpr std::string_view kHelperNotFound = "credentials not found in native keychain";
// The user name with which a helper hands out an identity token.
constexpr std::string_view kTokenUser = "<token>";

// Under which names a registry may stand in `auths` and `credHelpers`: with a scheme and a path where older tools wrote
// them.
std::vector<std::string> keys_of(const std::string& registry) {
    if (registry == "docker.io") {
        return {std::string(kDockerHubKey), "index.docker.io/v1/", "index.docker.io", "docker.io",
                "registry-1.docker.io",     "https://docker.io"};
    }
    std::vector<std::string> keys{registry};
    for (const std::string scheme : {"https://", "http://"}) {
        for (const std::string path : {"", "/", "/v1/", "/v2/"}) keys.push_back(scheme + registry + path);
    }
    return keys;
}

bool is_helper_name(std::string_view name) {
    return !name.empty() && name.front() != '-' && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
}

std::optional<RegistryCredential> from_auth(const Json& entry, const fs::path& file, const std::string& registry) {
    RegistryCredential credential;
    credential.where = file.string();
    credential.identity_token = Secret(entry.string_or("identitytoken", ""));
    if (const auto auth = entry.string_or("auth", ""); !auth.empty()) {
        std::string decoded;
        const auto fail_auth = [&] {
            return Error(ErrorKind::InvalidInput, fmt::format("{}: the 'auth' of {} is not the base64 of user:password",
                                                              file.string(), registry))
                .with_hint(fmt::format("log in again: docker login {}", registry));
        };
        if (!base64_decode(auth, decoded)) throw fail_auth();
        const auto colon = decoded.find(':');
        if (colon == std::string::npos) throw fail_auth();
        credential.user = decoded.substr(0, colon);
        // Docker pads with NULs.
        credential.password = Secret(decoded.substr(colon + 1, decoded.find('\0', colon) - colon - 1));
    } else {
        credential.user = entry.string_or("username", "");
        credential.password = Secret(entry.string_or("password", ""));
    }
    if (credential.password.empty() && credential.identity_token.empty()) return std::nullopt;
    return credential;
}

// One run of `docker-credential-<name> get` (docker-credential-helpers, "Development"): the server on its input, JSON
// on its output.
std::optional<RegistryCredential> ask_helper(const std::string& name, const std::string& key,
                                             const std::string& registry, const fs::path& file,
                                             const CancelToken& cancel, std::chrono::milliseconds timeout) {
    const auto refuse = [&](std::string_view why) {
        return Error(ErrorKind::Unauthorized,
                     fmt::format("the credential helper docker-credential-{} for {} {}", name, registry, why))
            .with_context(fmt::format("reading the credentials that {} refers to", file.string()))
            .with_hint(fmt::format("try it by hand: echo {} | docker-credential-{} get", key, name));
    };
    if (!is_helper_name(name)) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{}: '{}' is not the name of a credential helper", file.string(), redact(name)));
    }
    ProcessResult result;
    try {
        result = run_process({"docker-credential-" + name, "get"}, key, timeout, cancel);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::NotFound) throw refuse("is not installed");
        if (error.kind() == ErrorKind::Transient)
            throw refuse(fmt::format("did not answer within {} s", (timeout.count() + 999) / 1000));
        throw;
    }
    if (result.exit_code != 0) {
        if ((result.out + result.err).find(kHelperNotFound) != std::string::npos) return std::nullopt;
        // What it wrote may hold anything, so it is not repeated.
        throw refuse(fmt::format("failed with exit code {}", result.exit_code));
    }
    const auto json = Json::parse(result.out);
    if (!json || !json->is_object() || !(*json)["Secret"].is_string() || !(*json)["Username"].is_string()) {
        throw refuse("answered something that is not a credential");
    }
    RegistryCredential credential;
    credential.where = "docker-credential-" + name;
    if (json->string_or("Username", "") == kTokenUser) {
        credential.identity_token = Secret(json->string_or("Secret", ""));
    } else {
        credential.user = json->string_or("Username", "");
        credential.password = Secret(json->string_or("Secret", ""));
    }
    if (credential.password.empty() && credential.identity_token.empty()) return std::nullopt;
    return credential;
}

std::vector<fs::path> candidates(const ProcessEnv& env) {
    std::vector<fs::path> paths;
    const auto docker = env.get_nonempty("DOCKER_CONFIG");
    paths.push_back(docker ? fs::path(*docker) / "config.json" : env.home() / ".docker" / "config.json");
    if (const auto file = env.get_nonempty("REGISTRY_AUTH_FILE")) paths.emplace_back(*file);
    if (const auto folder = env.get_nonempty("XDG_RUNTIME_DIR"))
        paths.push_back(fs::path(*folder) / "containers" / "auth.json");
    const auto config = env.get_nonempty("XDG_CONFIG_HOME");
    paths.push_back((config ? fs::path(*config) : env.home() / ".config") / "containers" / "auth.json");
    return paths;
}

}  // namespace

DockerConfig DockerConfig::load(const ProcessEnv& env) {
    DockerConfig config;
    Sha256 identity;
    for (const auto& path : candidates(env)) {
        if (std::ranges::any_of(config.files_, [&](const File& file) { return file.path == path; })) continue;
        std::string text;
        try {
            text = read_file(path, kFileLimit);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::NotFound) continue;
            throw;
        }
        auto json = Json::parse(text);
        if (!json || !json->is_object()) {
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("{}: {}", path.string(), json ? "not a JSON object" : json.error().message()))
                .with_hint("correct it, or move it away and log in again");
        }
        // Path and time of change, never the content: what is derived from a credential stays out of file names.
        struct stat status{};
        static_cast<void>(::stat(path.c_str(), &status));
        identity.update(fmt::format("{}\n{}.{}\n", path.string(), status.st_mtim.tv_sec, status.st_mtim.tv_nsec));
        config.files_.push_back({path, std::move(*json)});
    }
    config.fingerprint_ = identity.finish().hex();
    return config;
}

std::optional<RegistryCredential> DockerConfig::find(const std::string& registry, const CancelToken& cancel,
                                                     std::chrono::milliseconds helper_timeout) const {
    const auto keys = keys_of(registry);
    if (const auto found = added_.find(keys[0]); found != added_.end()) return found->second;
    for (const auto& [path, json] : files_) {
        for (const auto& key : keys) {
            if (const auto helper = json["credHelpers"].string_or(key, ""); !helper.empty()) {
                return ask_helper(helper, keys[0], registry, path, cancel, helper_timeout);
            }
        }
        for (const auto& key : keys) {
            const Json* entry = json["auths"].find(key);
            if (entry == nullptr || !entry->is_object()) continue;
            if (auto credential = from_auth(*entry, path, registry)) return credential;
        }
        if (const auto helper = json.string_or("credsStore", ""); !helper.empty()) {
            if (auto credential = ask_helper(helper, keys[0], registry, path, cancel, helper_timeout))
                return credential;
        }
    }
    return std::nullopt;
}

void DockerConfig::add(const std::string& registry, RegistryCredential credential) {
    // Tokens that were fetched with other logins must not serve this one.
    fingerprint_ = sha256(fingerprint_ + "\n" + registry + "\n" + credential.user).hex();
    added_.insert_or_assign(keys_of(registry)[0], std::move(credential));
}

std::vector<std::string> DockerConfig::files() const {
    std::vector<std::string> paths;
    for (const auto& file : files_) paths.push_back(file.path.string());
    return paths;
}

}  // namespace envbuild::registry
