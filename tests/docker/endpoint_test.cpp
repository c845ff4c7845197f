#include "docker/endpoint.hpp"

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "base/fs.hpp"

using namespace envbuild;
using namespace envbuild::docker;

namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

std::string found(const Variables& variables) {
    return Endpoint::from_env(ProcessEnv(variables)).to_string();
}

std::string refused(const Variables& variables) {
    try {
        (void)Endpoint::from_env(ProcessEnv(variables));
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::InvalidInput);
        return error.to_string();
    }
    return "";
}

struct Config {
    TempDir folder{"envbuild-docker"};

    void current(const std::string& name) const {
        write_file_atomic(folder.path() / "config.json", R"({"auths":{},"currentContext":")" + name + "\"}");
    }
    void context(const std::string& name, const std::string& host) const {
        write_file_atomic(folder.path() / "contexts/meta" / sha256(name).hex() / "meta.json",
                          R"({"Name":")" + name + R"(","Metadata":{},"Endpoints":{"docker":{"Host":")" + host +
                              R"(","SkipTLSVerify":false}}})");
    }
    Variables variables() const { return {{"DOCKER_CONFIG", folder.path().string()}}; }
};

}  // namespace

TEST_CASE("Endpoints are sockets and addresses") {
    CHECK(Endpoint::parse("unix:///run/docker.sock")->unix_socket() == "/run/docker.sock");
    CHECK(Endpoint::parse("/run/docker.sock")->to_string() == "unix:///run/docker.sock");
    CHECK(Endpoint::parse("tcp://127.0.0.1:1234")->to_string() == "tcp://127.0.0.1:1234");
    CHECK(Endpoint::parse("tcp://host")->to_string() == "tcp://host:2375");
    CHECK(Endpoint::parse("tcp://host:80")->to_string() == "tcp://host:80");
    CHECK(Endpoint::parse("http://host:2375/")->to_string() == "tcp://host:2375");
    CHECK(Endpoint::parse("tcp://host:99")->unix_socket().empty());
    for (const auto* bad :
         {"", "unix://", "unix://relative", "npipe:////./pipe/x", "fd://", "host:2375", "tcp://host:x"})
        CHECK_FALSE(Endpoint::parse(bad));
    CHECK_THAT(Endpoint::parse("ssh://me@host").error().to_string(), Catch::Contains("ssh"));
}

TEST_CASE("DOCKER_HOST wins, then DOCKER_CONTEXT, then the current context, then the usual socket") {
    const Config config;
    auto variables = config.variables();
    CHECK(found(variables) == "unix:///var/run/docker.sock");
    config.current("work");
    config.context("work", "unix:///work.sock");
    config.context("other", "tcp://other:1");
    CHECK(found(variables) == "unix:///work.sock");
    variables["DOCKER_CONTEXT"] = "other";
    CHECK(found(variables) == "tcp://other:1");
    variables["DOCKER_CONTEXT"] = "default";
    CHECK(found(variables) == "unix:///var/run/docker.sock");
    variables["DOCKER_HOST"] = "unix:///host.sock";
    CHECK(found(variables) == "unix:///host.sock");
}

TEST_CASE("The folder of the configuration is ~/.docker by default") {
    const TempDir home("envbuild-docker");
    write_file_atomic(home.path() / ".docker/config.json", R"({"currentContext":"gone"})");
    CHECK_THAT(refused({{"HOME", home.path().string()}}),
               Catch::Contains("gone") && Catch::Contains(".docker/config.json"));
}

TEST_CASE("What is not supported, or broken, is said plainly") {
    const Config config;
    auto variables = config.variables();
    config.context("far", "ssh://me@far");
    config.context("empty", "");
    config.context("safe", "tcp://safe:2376");
    write_file_atomic(config.folder.path() / "contexts/tls" / sha256("safe").hex() / "docker/ca.pem", "x");
    for (const auto& [context, part] :
         {std::pair("far", "ssh://"), {"empty", "no Docker host"}, {"safe", "TLS"}, {"absent", "absent"}}) {
        variables["DOCKER_CONTEXT"] = context;
        CHECK_THAT(refused(variables), Catch::Contains(part));
    }
    variables.erase("DOCKER_CONTEXT");
    write_file_atomic(config.folder.path() / "config.json", "{");
    CHECK_THAT(refused(variables), Catch::Contains("config.json"));
    variables["DOCKER_HOST"] = "ssh://host";
    CHECK_THAT(refused(variables), Catch::Contains("DOCKER_HOST"));
    variables["DOCKER_HOST"] = "tcp://host:2376";
    variables["DOCKER_TLS_VERIFY"] = "1";
    CHECK_THAT(refused(variables), Catch::Contains("TLS"));
}
