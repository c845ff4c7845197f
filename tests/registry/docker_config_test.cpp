#include "registry/docker_config.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/strings.hpp"
#include "support/registry_run.hpp"

using namespace envbuild;
using namespace envbuild::testing;
using registry::DockerConfig;
using namespace std::chrono_literals;

namespace {

struct Home {
    TempDir folder{"home"};
    ProcessEnv env{{{"HOME", folder.path().string()}, {"XDG_RUNTIME_DIR", (folder.path() / "run").string()}}};

    void docker(const std::string& text) const { write_file_atomic(folder.path() / ".docker" / "config.json", text); }
    void podman(const std::string& text) const {
        write_file_atomic(folder.path() / "run" / "containers" / "auth.json", text);
    }
    [[nodiscard]] std::optional<registry::RegistryCredential> find(const std::string& registry) const {
        return DockerConfig::load(env).find(registry, {}, 300ms);
    }
};

// Puts a folder with programs in front of PATH while it lives.
struct Helpers {
    TempDir folder{"helpers"};
    std::string before = std::getenv("PATH");
    Helpers() { ::setenv("PATH", (folder.path().string() + ":" + before).c_str(), 1); }
    ~Helpers() { ::setenv("PATH", before.c_str(), 1); }
    Helpers(const Helpers&) = delete;
    Helpers& operator=(const Helpers&) = delete;
    void add(const std::string& name, const std::string& script) const {
        write_file_atomic(folder.path() / ("docker-credential-" + name), "#!/bin/sh\n" + script + "\n",
                          fs::perms(0755));
    }
};

std::string auths(const std::string& registry, const std::string& user, const std::string& password) {
    return R"({"auths":{")" + registry + R"(":{"auth":")" + base64(user + ":" + password) + R"("}}})";
}

}  // namespace

TEST_CASE("credentials come from docker's config, by the registry's name", "[registry]") {
    const Home home;
    home.docker(auths("ghcr.io", "bob", "pass:word"));
    const auto found = home.find("ghcr.io");
    REQUIRE(found);
    CHECK(found->user == "bob");
    CHECK(found->password.reveal() == "pass:word");
    CHECK_THAT(found->where, Catch::EndsWith(".docker/config.json"));
    CHECK_FALSE(home.find("ghcr.io.evil.org"));
    CHECK_FALSE(home.find("ghcr.io:5000"));
    CHECK_FALSE(home.find("docker.io"));
}

TEST_CASE("Docker Hub and older spellings of a registry are found", "[registry]") {
    const Home home;
    home.docker(auths("https://index.docker.io/v1/", "hub", "h"));
    CHECK(home.find("docker.io")->user == "hub");
    home.docker(auths("https://registry.lab:5000/v2/", "lab", "l"));
    CHECK(home.find("registry.lab:5000")->user == "lab");
}

TEST_CASE("identity tokens and padded passwords", "[registry]") {
    const Home home;
    home.docker(R"({"auths":{"a.io":{"auth":")" + base64("x:") + R"(","identitytoken":"refresh"},"b.io":{"auth":")" +
                base64(std::string("u:p\0\0", 5)) + R"("},"c.io":{"username":"u","password":"q"},"d.io":{}}})");
    CHECK(home.find("a.io")->identity_token.reveal() == "refresh");
    CHECK(home.find("b.io")->password.reveal() == "p");
    CHECK(home.find("c.io")->password.reveal() == "q");
    CHECK_FALSE(home.find("d.io"));
}

TEST_CASE("podman's file is asked after docker's", "[registry]") {
    const Home home;
    home.podman(auths("ghcr.io", "podman", "p"));
    CHECK(home.find("ghcr.io")->user == "podman");
    home.docker(auths("ghcr.io", "docker", "d"));
    CHECK(home.find("ghcr.io")->user == "docker");
    CHECK(DockerConfig::load(home.env).files().size() == 2);
}

TEST_CASE("no file is no credential, and a login changes the fingerprint", "[registry]") {
    const Home home;
    CHECK_FALSE(home.find("ghcr.io"));
    const auto before = DockerConfig::load(home.env).fingerprint();
    home.docker(auths("ghcr.io", "bob", "x"));
    CHECK(DockerConfig::load(home.env).fingerprint() != before);
}

TEST_CASE("a config that cannot be read is told with its path, never with its content", "[registry]") {
    const Home home;
    home.docker("{\"auths\": s3cret");
    auto error = error_of([&] { (void)home.find("ghcr.io"); });
    CHECK(error.kind() == ErrorKind::InvalidInput);
    CHECK_THAT(error.message(), Catch::Contains("config.json") && !Catch::Contains("s3cret"));
    home.docker(R"({"auths":{"ghcr.io":{"auth":"!!!s3cret"}}})");
    error = error_of([&] { (void)home.find("ghcr.io"); });
    CHECK_THAT(error.to_string(),
               Catch::Contains("ghcr.io") && Catch::Contains("docker login ghcr.io") && !Catch::Contains("s3cret"));
}

TEST_CASE("credential helpers are asked with the server on their input", "[registry]") {
    const Home home;
    const Helpers helpers;
    helpers.add(
        "test",
        R"(read server; [ "$1" = get ] && printf '{"ServerURL":"%s","Username":"bob","Secret":"of-%s"}' "$server" "$server")");
    home.docker(R"({"credHelpers":{"ghcr.io":"test"},"credsStore":"absent"})");
    const auto found = home.find("ghcr.io");
    REQUIRE(found);
    CHECK(found->user == "bob");
    CHECK(found->password.reveal() == "of-ghcr.io");
    CHECK(found->where == "docker-credential-test");
    home.docker(R"({"credsStore":"test"})");
    CHECK(home.find("docker.io")->password.reveal() == "of-https://index.docker.io/v1/");
    helpers.add("test", R"(printf '{"Username":"<token>","Secret":"refresh"}')");
    CHECK(home.find("ghcr.io")->identity_token.reveal() == "refresh");
    CHECK(home.find("ghcr.io")->password.empty());
}

TEST_CASE("a helper that has nothing is no error", "[registry]") {
    const Home home;
    const Helpers helpers;
    helpers.add("test", "echo credentials not found in native keychain; exit 1");
    home.docker(R"({"credsStore":"test"})");
    CHECK_FALSE(home.find("ghcr.io"));
}

TEST_CASE("helpers that are absent, hang, fail or answer rubbish are named", "[registry]") {
    const Home home;
    const Helpers helpers;
    const auto message = [&](const std::string& script) {
        if (!script.empty()) helpers.add("bad", script);
        home.docker(R"({"credsStore":"bad"})");
        const auto error = error_of([&] { (void)home.find("ghcr.io"); });
        CHECK(error.kind() == ErrorKind::Unauthorized);
        CHECK_THAT(error.to_string(), Catch::Contains("docker-credential-bad") && Catch::Contains("ghcr.io") &&
                                          !Catch::Contains("hunter2"));
        return error.message();
    };
    CHECK_THAT(message(""), Catch::Contains("not installed"));
    CHECK_THAT(message("exec sleep 100"), Catch::Contains("did not answer"));
    CHECK_THAT(message("echo hunter2 >&2; exit 3"), Catch::Contains("exit code 3"));
    CHECK_THAT(message("echo hunter2"), Catch::Contains("not a credential"));
    CHECK_THAT(message("echo '{\"Username\":1,\"Secret\":\"hunter2\"}'"), Catch::Contains("not a credential"));
    CHECK_THAT(message("exit 0"), Catch::Contains("not a credential"));
}

TEST_CASE("a helper's name cannot be a path", "[registry]") {
    const Home home;
    home.docker(R"({"credsStore":"../../bin/sh"})");
    CHECK(error_of([&] { (void)home.find("ghcr.io"); }).kind() == ErrorKind::InvalidInput);
}
