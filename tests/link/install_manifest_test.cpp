#include "link/install_manifest.hpp"

#include <catch2/catch.hpp>

using namespace envbuild;
using namespace envbuild::link;

namespace {

InstallManifest sample() {
    InstallManifest manifest;
    manifest.prefix = "/opt/other";
    manifest.python_version = "3.11.2";
    manifest.source_date_epoch = 1700000000;
    manifest.run_post_link = false;
    manifest.history_specs = {"python=3.11"};
    LinkPackage package;
    package.file_name = "demo-1.0-0.conda";
    package.name = "demo";
    package.version = "1.0";
    package.build = "0";
    package.subdir = "linux-64";
    package.channel = "https://c";
    package.url = "https://c/linux-64/demo-1.0-0.conda";
    package.sha256 = sha256("x");
    package.md5 = "d41d8cd98f00b204e9800998ecf8427e";
    package.size = 3;
    package.requested_spec = "demo";
    manifest.packages = {package};
    manifest.wheels = {
        {"torch-1.0-py3-none-any.whl", sha256("y"), "torch", "1.0", true, R"({"url":"https://host.test/x"})"},
        {"six-1.0-py3-none-any.whl", sha256("w"), "six", "1.0", false, ""}};
    manifest.sources = {{{"x-1.0.tar", sha256("z"), "x", "1.0", true, ""}, "sub/folder"},
                        {{"y-1.0.tar.gz", sha256("v"), "y", "1.0", false, ""}, ""}};
    manifest.tools = {{"setuptools-1-py3-none-any.whl", sha256("u")}};
    return manifest;
}

std::string complaint(const Json& json) {
    const auto result = InstallManifest::from_json(json);
    if (result) return "accepted";
    CHECK(result.error().kind() == ErrorKind::InvalidInput);
    return result.error().message();
}

Json with_package(const std::string& key, Json value) {
    Json json = sample().to_json();
    Json::Array packages = json["packages"].as_array();
    packages[0].set(key, std::move(value));
    json.set("packages", Json(packages));
    return json;
}

Json with_wheel(const std::string& key, Json value) {
    Json json = sample().to_json();
    Json pip = json["pip"];
    Json::Array wheels = pip["wheels"].as_array();
    wheels[0].set(key, std::move(value));
    pip.set("wheels", Json(wheels));
    json.set("pip", std::move(pip));
    return json;
}

}  // namespace

TEST_CASE("a manifest comes back as it was written") {
    const auto back = InstallManifest::parse(sample().to_json().dump(1));
    REQUIRE(back);
    CHECK(*back == sample());
    CHECK(InstallManifest::parse(InstallManifest().to_json().dump()));
}

TEST_CASE("a manifest that this installer does not understand in full is refused") {
    CHECK_THAT(complaint(sample().to_json().set("version", 1)), Catch::Contains("version 1"));
    CHECK_THAT(complaint(sample().to_json().set("surprise", true)), Catch::Contains("unknown member \"surprise\""));
    CHECK_THAT(complaint(with_package("surprise", 1)), Catch::Contains("packages[0]") && Catch::Contains("surprise"));
    CHECK_THAT(complaint(with_package("file", "../x.conda")), Catch::Contains("\"file\" that is no file name"));
    CHECK_THAT(complaint(with_package("name", "a/b")), Catch::Contains("\"name\""));
    CHECK_THAT(complaint(with_package("sha256", "abc")), Catch::Contains("no sha256"));
    CHECK_THAT(complaint(with_package("size", -1)), Catch::Contains("no whole number"));
    CHECK_THAT(complaint(with_package("url", 7)), Catch::Contains("no string"));
    CHECK_THAT(complaint(Json::object()), Catch::Contains("lacks \"version\""));
    CHECK_THAT(complaint(Json("x")), Catch::Contains("no object"));
    CHECK_THAT(complaint(sample().to_json().set("pip", Json::array())), Catch::Contains("pip is no object"));
    CHECK_THAT(complaint(with_wheel("name", "../x")), Catch::Contains("pip.wheels[0]") && Catch::Contains("\"name\""));
    CHECK_THAT(complaint(with_wheel("requested", 1)), Catch::Contains("\"requested\" that is neither true nor false"));
    CHECK_THAT(complaint(with_wheel("subdirectory", "x")), Catch::Contains("unknown member \"subdirectory\""));
    CHECK_THAT(complaint(sample().to_json().set("run_post_link", "yes")), Catch::Contains("neither true nor false"));
    CHECK_THAT(complaint(sample().to_json().set("history_specs", Json(Json::Array{Json(1)}))),
               Catch::Contains("history_specs"));
    CHECK_FALSE(InstallManifest::parse("{"));
}
