#include "cache/image_search.hpp"

#include <catch2/catch.hpp>

#include "support/cache_fixture.hpp"

using namespace envbuild;
using namespace envbuild::cache;
using namespace envbuild::testing;

namespace {

const oci::OciPlatform kPlatform{"linux", "amd64", ""};
const std::string kPath = "team/base";

// An image at a registry, under the tag "v1".
Digest put_image(FakeRegistry& server, const std::string& path, const std::string& layer = "base") {
    Run run;
    auto request = small_image(sha256(layer), std::nullopt, {layer});
    request.tags = {"v1"};
    return publish(*registry_repository(run.context, *oci::Repository::parse(server.domain() + "/" + path)), request,
                   silent_reporter())
        .answer.descriptor.digest;
}

// A registry with an image, and mirrors of it.
struct Site {
    FakeRegistry origin;
    Digest digest = put_image(origin, kPath);
    std::unique_ptr<Run> run;

    void mirrors(const std::vector<std::string>& list) {
        registry::RegistrySettings settings;
        settings.mirrors[origin.domain()] = list;
        run = std::make_unique<Run>(settings);
    }
    // Where it was found; its layer is read there.
    std::string find(const std::string& identifier) const {
        std::string source;
        find_image(run->context, *oci::Reference::parse(origin.domain() + "/" + kPath + identifier), kPlatform,
                   [&](const FoundImage& found) {
                       (void)oci::read_all(*found.repository->open_blob(found.image.manifest.layers[0]), 100);
                       source = found.source.to_string();
                   });
        return source;
    }
    [[nodiscard]] std::string own() const { return origin.domain() + "/" + kPath; }
};

}  // namespace

TEST_CASE("mirrors are asked in turn, over http where they are written so, then the registry itself", "[cache]") {
    Site site;
    FakeRegistry empty;
    FakeRegistry mirror;
    put_image(mirror, "hub/" + kPath);
    site.mirrors({empty.domain(), "http://" + mirror.domain() + "/hub/"});
    const auto before = site.origin.requests().size();
    CHECK(site.find(":v1") == mirror.domain() + "/hub/" + kPath);
    CHECK(site.origin.requests().size() == before);
    // That mirrors lack an image is no answer and no failure.
    const auto other = put_image(site.origin, kPath, "other");
    CHECK(site.find("@" + other.to_string()) == site.own());
    CHECK(site.run->reporter.warnings().empty());
    const auto error = error_of([&] { (void)site.find(":v9"); });
    CHECK(error.kind() == ErrorKind::NotFound);
    CHECK_THAT(error.message(), Catch::Contains(empty.domain()) && Catch::Contains(site.own()));
}

TEST_CASE("a mirror with wrong content, one that refuses and one that is down are passed over, and told once",
          "[cache]") {
    Site site;
    FakeRegistry wrong;
    FakeRegistry layers;
    FakeRegistry closed(FakeRegistry::Auth::Basic);
    const std::string down = "127.0.0.1:" + std::to_string(fault::unused_port());
    wrong.set_hook([&](const FaultRequest& request, FaultConnection& connection) {
        fault::respond(200, image_manifest("evil"), "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n")(
            request, connection);
        return true;
    });
    put_image(layers, kPath);
    layers.set_hook([&](const FaultRequest& request, FaultConnection& connection) {
        if (request.target.find(sha256("base").to_string()) == std::string::npos) return false;
        fault::respond(200, "BASE")(request, connection);
        return true;
    });
    site.mirrors({"http://" + wrong.domain(), layers.domain(), closed.domain(), down});
    for (int times = 0; times < 2; ++times) CHECK(site.find("@" + site.digest.to_string()) == site.own());
    const auto warnings = site.run->reporter.warnings();
    REQUIRE(warnings.size() == 4);
    CHECK_THAT(warnings[0], Catch::Contains(wrong.domain()) && Catch::Contains("digest"));
    CHECK_THAT(warnings[1], Catch::Contains(layers.domain()));
    CHECK_THAT(warnings[2], Catch::Contains(closed.domain()));
    CHECK_THAT(warnings[3], Catch::Contains(down));
}

TEST_CASE("what is wrong with the image itself is final, wherever it was found", "[cache]") {
    Site site;
    FakeRegistry mirror;
    put_image(mirror, kPath);
    site.mirrors({mirror.domain()});
    const auto error = error_of([&] {
        find_image(site.run->context, *oci::Reference::parse(site.own() + ":v1"), kPlatform,
                   [](const FoundImage&) { throw Error(ErrorKind::InvalidInput, "no C library in it"); });
    });
    CHECK(error.kind() == ErrorKind::InvalidInput);
    CHECK(site.run->reporter.warnings().empty());
}

TEST_CASE("a mirror that failed is the reason, where the registry does not have the image", "[cache]") {
    Site site;
    site.mirrors({"127.0.0.1:" + std::to_string(fault::unused_port())});
    const auto error = error_of([&] { (void)site.find(":v9"); });
    CHECK(error.kind() == ErrorKind::Transient);
    CHECK_THAT(error.to_string(), Catch::Contains(site.own() + " does not have"));
}

TEST_CASE("a mirror that is no host is refused", "[cache]") {
    Site site;
    site.mirrors({"mirror/hub"});
    CHECK_THROWS_WITH(site.find(":v1"), Catch::Contains("is no host"));
}
