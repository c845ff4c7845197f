#include "oci/reference.hpp"

#include <catch2/catch.hpp>

using namespace envbuild;
using oci::Reference;
using oci::Repository;

TEST_CASE("references are held in full and shown as people write them", "[oci]") {
    struct Row {
        std::string text, canonical, familiar;
    };
    const std::string digest = "@sha256:" + std::string(64, 'a');
    for (const auto& row : std::vector<Row>{
             {"ubuntu", "docker.io/library/ubuntu", "ubuntu"},
             {"ubuntu:22.04", "docker.io/library/ubuntu:22.04", "ubuntu:22.04"},
             {"nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04",
              "docker.io/nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04",
              "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04"},
             {"docker.io/ubuntu", "docker.io/library/ubuntu", "ubuntu"},
             {"index.docker.io/library/ubuntu", "docker.io/library/ubuntu", "ubuntu"},
             {"docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"},
             {"localhost/x", "localhost/x", "localhost/x"},
             {"localhost:5000/team/envs:v1", "localhost:5000/team/envs:v1", "localhost:5000/team/envs:v1"},
             {"127.0.0.1:5000/x", "127.0.0.1:5000/x", "127.0.0.1:5000/x"},
             {"[::1]:5000/x:y", "[::1]:5000/x:y", "[::1]:5000/x:y"},
             {"Registry.Lab/x", "registry.lab/x", "registry.lab/x"},
             {"ghcr.io/a/b__c/d-e.f_g---h:T_A.g-9", "ghcr.io/a/b__c/d-e.f_g---h:T_A.g-9",
              "ghcr.io/a/b__c/d-e.f_g---h:T_A.g-9"},
             {"ubuntu" + digest, "docker.io/library/ubuntu" + digest, "ubuntu" + digest},
             {"ubuntu:1" + digest, "docker.io/library/ubuntu:1" + digest, "ubuntu:1" + digest},
         }) {
        INFO(row.text);
        const auto reference = Reference::parse(row.text);
        REQUIRE(reference);
        CHECK(reference->to_string() == row.canonical);
        CHECK(reference->familiar() == row.familiar);
        CHECK(Reference::parse(reference->to_string())->to_string() == row.canonical);
        CHECK(Reference::parse(reference->familiar())->to_string() == row.canonical);
    }
}

TEST_CASE("what is no reference is refused with the reason", "[oci]") {
    struct Row {
        std::string text, reason;
    };
    for (const auto& row : std::vector<Row>{
             {"", "empty"},
             {"https://ghcr.io/a/b", "scheme"},
             {"ghcr.io/Team/x", "lower case"},
             {"ghcr.io//x", "empty"},
             {"ghcr.io/a/", "empty"},
             {"ghcr.io/a..b", "between them"},
             {"ghcr.io/a___b", "between them"},
             {"ghcr.io/-a", "between them"},
             {"a b", "space"},
             {"x:", "not a tag"},
             {"x:-bad", "not a tag"},
             {"x:" + std::string(129, 'a'), "not a tag"},
             {"x@sha256:abc", "64 hex digits"},
             {"x@sha512:" + std::string(128, 'a'), "sha256"},
             {"host.:99/x", "not a host"},
             {"host:port/x", "not a host"},
             {std::string(64, 'a'), "identifier"},
             {"ghcr.io/" + std::string(255, 'a'), "255"},
             {"user:secret@ghcr.io/x", "digest"},
         }) {
        INFO(row.text);
        const auto reference = Reference::parse(row.text);
        REQUIRE_FALSE(reference);
        CHECK(reference.error().kind() == ErrorKind::InvalidInput);
        CHECK_THAT(reference.error().message(), Catch::Contains(row.reason));
        CHECK_THAT(reference.error().hint(), Catch::Contains("[:tag]"));
    }
}

TEST_CASE("a repository has neither tag nor digest", "[oci]") {
    CHECK(Repository::parse("localhost:5000/team/envs")->domain() == "localhost:5000");
    CHECK(Repository::parse("localhost:5000/team/envs")->path() == "team/envs");
    CHECK_FALSE(Repository::parse("ubuntu:22.04"));
    CHECK_FALSE(Repository::parse("ubuntu@sha256:" + std::string(64, 'a')));
}

TEST_CASE("the identifier is the digest, else the tag, else latest", "[oci]") {
    const auto plain = *Reference::parse("ghcr.io/a/b");
    CHECK(plain.identifier() == "latest");
    CHECK(plain.with_tag("v1").identifier() == "v1");
    const auto digest = sha256("x");
    const auto pinned = plain.with_tag("v1").with_digest(digest);
    CHECK(pinned.identifier() == digest.to_string());
    CHECK(pinned.without_digest().identifier() == "v1");
    CHECK_THROWS_AS(plain.with_tag("no tag"), Error);
}
