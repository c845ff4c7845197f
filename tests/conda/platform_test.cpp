#include "conda/platform.hpp"

#include <catch2/catch.hpp>

using namespace envbuild;
using conda::Platform;

TEST_CASE("a platform is linux-64 unless it is said otherwise") {
    CHECK(Platform().to_string() == "linux-64");
    CHECK(Platform().oci_os() == "linux");
    CHECK(Platform().oci_architecture() == "amd64");
    CHECK(Platform().is_linux());
}

TEST_CASE("conda's and OCI's names of platforms are read") {
    const auto text = [](std::string_view name) { return Platform::parse(name).value().to_string(); };
    CHECK(text("linux/amd64") == "linux-64");
    CHECK(text("linux/arm64") == "linux-aarch64");
    CHECK(text("linux/arm64/v8") == "linux-aarch64");
    CHECK(text("linux/arm/v7") == "linux-armv7l");
    CHECK(text(" Linux-64 ") == "linux-64");
    CHECK(text("osx-arm64") == "osx-arm64");
    CHECK(Platform::parse("linux-armv7l").value().oci_variant() == "v7");
    CHECK(Platform::parse("noarch").value().oci_os().empty());
    for (const std::string& subdir : Platform::known_subdirs()) CHECK(text(subdir) == subdir);
}

TEST_CASE("an unknown platform is refused with the nearest one") {
    const auto error = Platform::parse("linux-46").error();
    CHECK(error.kind() == ErrorKind::InvalidInput);
    CHECK(error.hint().find("linux-64") != std::string::npos);
    CHECK_FALSE(Platform::parse(""));
    CHECK_FALSE(Platform::parse("/"));
}
