#include "registry/hosts.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"

using namespace envbuild;
using namespace envbuild::registry;

TEST_CASE("a mirror is a host with a prefix and, where it is written, a scheme", "[registry]") {
    const auto mirror = parse_mirror("http://mirror.lab:5000/hub/");
    CHECK(mirror.scheme == "http");
    CHECK(mirror.domain == "mirror.lab:5000");
    CHECK(mirror.prefix == "hub");
    CHECK(parse_mirror("mirror.lab").scheme.empty());
    CHECK(parse_mirror("mirror.lab").prefix.empty());
    for (const std::string text : {"", "https://", "/hub", "http://me:secret@mirror.lab"}) {
        CHECK_THROWS_WITH(parse_mirror(text),
                          Catch::Contains("is not a registry mirror") && !Catch::Contains("secret"));
    }
}

TEST_CASE("a mirror's scheme holds for its host, and plain http takes no password along", "[registry]") {
    RegistrySettings settings;
    settings.insecure = {"known.lab"};
    settings.mirrors["docker.io"] = {"http://plain.lab:5000/hub", "https://localhost:5001", "http://known.lab",
                                     "lab:1"};
    const auto of = [&](const std::string& domain) { return reach(domain, settings); };
    CHECK(of("plain.lab:5000").base.to_string() == "http://plain.lab:5000");
    CHECK_FALSE(of("plain.lab:5000").may_send_credentials);
    CHECK(of("localhost:5001").base.scheme() == "https");
    CHECK(of("localhost:5001").may_send_credentials);
    CHECK(of("known.lab").base.scheme() == "http");
    CHECK(of("known.lab").may_send_credentials);
    CHECK(of("lab:1").base.scheme() == "https");
    CHECK(of("plain.lab").base.scheme() == "https");
    CHECK(of("docker.io").base.host() == "registry-1.docker.io");
}
