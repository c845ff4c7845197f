#include "build/base_mirror.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "base/strings.hpp"
#include "oci/image_index.hpp"
#include "support/registry_run.hpp"

using namespace envbuild;
using namespace envbuild::build;
using namespace envbuild::testing;
using Catch::Contains;

namespace {

std::string config_of(const std::string& architecture, const std::vector<std::string>& layers) {
    std::vector<std::string> ids;
    for (const auto& layer : layers) ids.push_back(sha256(layer).to_string());
    Json rootfs = Json::object();
    rootfs.set("type", "layers").set("diff_ids", ids);
    return Json::object().set("architecture", architecture).set("os", "linux").set("rootfs", rootfs).dump();
}

// A vendor's registry: an image alone, and one for two platforms with an attestation beside them.
struct Vendor {
    FakeRegistry registry;
    std::string single, amd, arm, index;

    Vendor() {
        single = add("vendor/cuda", "1", "amd64", {"system", "cuda"});
        amd = add("vendor/multi", "", "amd64", {"system", "more"});
        arm = add("vendor/multi", "", "arm64", {"arm system"});
        const auto attestation = add("vendor/multi", "", "unknown", {"in-toto"});
        oci::ImageIndex list;
        list.media_type = oci::media_type::kDockerList;
        for (const auto& [bytes, architecture] :
             {std::pair(arm, "arm64"), std::pair(amd, "amd64"), std::pair(attestation, "unknown")}) {
            auto descriptor = oci::describe(oci::media_type::kManifest, bytes);
            descriptor.platform =
                oci::OciPlatform{architecture == std::string("unknown") ? "unknown" : "linux", architecture, ""};
            list.manifests.push_back(std::move(descriptor));
        }
        index = list.to_bytes();
        registry.add_manifest("vendor/multi", "1", std::string(oci::media_type::kDockerList), index);
    }

    std::string add(const std::string& path, const std::string& tag, const std::string& architecture,
                    const std::vector<std::string>& layers) {
        const auto config = config_of(architecture, layers);
        oci::Manifest manifest;
        manifest.config = oci::describe(oci::media_type::kConfig, config);
        registry.add_blob(path, config);
        for (const auto& layer : layers) {
            registry.add_blob(path, layer);
            manifest.layers.push_back(oci::describe(oci::media_type::kLayerGzip, layer));
        }
        auto bytes = manifest.to_bytes();
        registry.add_manifest(path, tag, std::string(oci::media_type::kManifest), bytes);
        return bytes;
    }
    [[nodiscard]] std::string image(const std::string& rest) const { return registry.domain() + "/vendor/" + rest; }
};

struct Team {
    TempDir folder{"mirror"};
    RecordingReporter reporter;
    Settings settings;

    Team() {
        settings.cache_dir = folder.path() / "cache";
        settings.data_dir = folder.path() / "data";
    }
    [[nodiscard]] MirrorReport mirror(const MirrorRequest& request) {
        const Workbench bench(ProcessEnv({{"HOME", folder.path().string()}}), settings, {}, reporter);
        return mirror_images(request, bench);
    }
    [[nodiscard]] MirroredImage one(const MirrorRequest& request) {
        auto report = mirror(request);
        REQUIRE(report.images.size() == 1);
        if (report.images[0].error) throw Error(*report.images[0].error);
        return std::move(report.images[0]);
    }
};

MirrorRequest request(const std::string& image, const std::string& to) {
    MirrorRequest request;
    request.images = {image};
    request.to = to;
    return request;
}

}  // namespace

TEST_CASE("an image is copied digest for digest, its tag kept; a second time nothing is sent") {
    Vendor vendor;
    FakeRegistry hub;
    Team team;
    const auto asked = request(vendor.image("cuda:1"), hub.domain() + "/mirror/");
    const auto copied = team.one(asked);
    CHECK(copied.changed);
    CHECK(copied.digest == sha256(vendor.single));
    CHECK(copied.source_digest == copied.digest);
    CHECK(copied.to == hub.domain() + "/mirror/vendor/cuda:1");
    CHECK(copied.from == vendor.registry.domain() + "/vendor/cuda");
    CHECK(copied.copied_blobs == 3);
    CHECK(hub.tag("mirror/vendor/cuda", "1") == sha256(vendor.single).to_string());
    for (const auto* layer : {"system", "cuda"}) CHECK(hub.has_blob("mirror/vendor/cuda", sha256(layer)));

    const auto uploads = hub.count("PUT", "");
    const auto again = team.one(asked);
    CHECK_FALSE(again.changed);
    CHECK(again.present_blobs == 3);
    CHECK(hub.count("PUT", "") == uploads);
}

TEST_CASE("the settings that are printed are asked: what was copied is found when the vendor is gone") {
    Team team;
    FakeRegistry hub;
    UrlMap mirrors;
    std::string name;
    {
        Vendor vendor;
        name = vendor.image("cuda:1");
        const auto report = team.mirror(request(name, hub.domain() + "/mirror"));
        mirrors = report.settings;
        CHECK(report.settings_line() ==
              "registry_mirrors: {" + vendor.registry.domain() + ": " + hub.domain() + "/mirror}");
    }
    team.settings.registry_mirrors = mirrors;
    const Workbench bench(ProcessEnv({{"HOME", team.folder.path().string()}}), team.settings, {}, team.reporter);
    CHECK(download_size(name, {}, bench) == std::string("systemcuda").size());
    CHECK_FALSE(download_size(name + "-other", {}, bench));
}

TEST_CASE("of an index the chosen platforms are copied, and those that are there stay") {
    Vendor vendor;
    FakeRegistry hub;
    Team team;
    auto asked = request(vendor.image("multi:1"), hub.domain() + "/m");
    const auto first = team.one(asked);
    CHECK(first.manifests == std::vector{sha256(vendor.amd)});
    CHECK(first.source_digest == sha256(vendor.index));
    CHECK(first.digest != first.source_digest);
    CHECK_FALSE(hub.has_blob("m/vendor/multi", sha256("arm system")));

    asked.platforms = {value_or_throw(conda::Platform::parse("linux-aarch64"))};
    const auto second = team.one(asked);
    CHECK(second.manifests == std::vector{sha256(vendor.arm), sha256(vendor.amd)});
    CHECK(second.present_blobs == 3);

    asked.all_platforms = true;
    const auto all = team.one(asked);
    CHECK(all.digest == sha256(vendor.index));
    CHECK(all.manifests.size() == 3);
    CHECK(hub.tag("m/vendor/multi", "1") == sha256(vendor.index).to_string());

    asked.all_platforms = false;
    asked.platforms = {value_or_throw(conda::Platform::parse("linux-ppc64le"))};
    const auto missing = team.mirror(asked).images.at(0);
    REQUIRE(missing.error);
    CHECK(missing.error->kind() == ErrorKind::NotFound);
    CHECK_THAT(missing.error->message(), Contains("linux/ppc64le"));
}

TEST_CASE("by digest: no tag is written") {
    Vendor vendor;
    FakeRegistry hub;
    Team team;
    const auto digest = sha256(vendor.single).to_string();
    const auto copied = team.one(request(vendor.image("cuda@") + digest, hub.domain() + "/m"));
    CHECK(copied.digest.to_string() == digest);
    CHECK(hub.tag("m/vendor/cuda", "1").empty());
    // With both the digest is copied, and the tag kept.
    (void)team.one(request(vendor.image("cuda:1@") + digest, hub.domain() + "/m"));
    CHECK(hub.tag("m/vendor/cuda", "1") == digest);
}

TEST_CASE("an index that is named by its digest is copied whole, so that the digest stays") {
    Vendor vendor;
    FakeRegistry hub;
    Team team;
    const auto copied =
        team.one(request(vendor.image("multi@") + sha256(vendor.index).to_string(), hub.domain() + "/m"));
    CHECK(copied.digest == sha256(vendor.index));
    CHECK(copied.digest == copied.source_digest);
    CHECK(copied.manifests.size() == value_or_throw(oci::ImageIndex::parse(vendor.index)).manifests.size());
}

TEST_CASE("a tag that is not what the catalogue knows is told of, with when that was read") {
    oci::RawManifest raw;
    Vendor vendor;
    raw.bytes = vendor.index;
    raw.descriptor.media_type = oci::media_type::kIndex;
    raw.descriptor.digest = sha256(vendor.index);
    catalog::BaseImageEntry entry;
    entry.image = "docker.io/vendor/multi:1";
    entry.digest_source = "2 of 3 pins, read 2026-11-23";
    CHECK_FALSE(moved_since(entry, raw));  // nothing is known
    entry.digest = sha256(vendor.index).to_string();
    CHECK_FALSE(moved_since(entry, raw));
    entry.digest = sha256(vendor.amd).to_string();  // by a platform's manifest
    CHECK_FALSE(moved_since(entry, raw));
    entry.digest = sha256("earlier").to_string();
    const auto told = moved_since(entry, raw);
    REQUIRE(told);
    CHECK_THAT(*told, Catch::Contains("docker.io/vendor/multi:1 has moved") && Catch::Contains(entry.digest) &&
                          Catch::Contains(raw.descriptor.digest.to_string()) && Catch::Contains("read 2026-11-23"));
}

TEST_CASE("a tag that has moved is told of where the vendor is asked, and not where a mirror answers") {
    Vendor vendor;
    FakeRegistry hub;
    Team team;
    const TempDir share("share");
    const auto name = vendor.image("cuda:1");
    write_file_atomic(
        share.path() / "base-images.yaml",
        fmt::format("version: 1\ndefault_cpu: {0}\ndefault_gpu: {0}\nsources: {{t: a test}}\nimages:\n  - "
                    "{{image: \"{0}\", os: debian12, platforms: [linux-64], digest: {1}, digest_source: "
                    "in May, source: t, date: \"2026-11-23\"}}\n",
                    name, sha256("earlier").to_string()));
    fs::copy_file(fs::path(ENVBUILD_SOURCE_DIR) / "curated/cuda-compat.yaml", share.path() / "cuda-compat.yaml");
    const auto catalogue = catalog::BaseImageCatalog::load(share.path());
    auto asked = request(name, hub.domain() + "/m");
    CHECK(team.one(asked).moved.empty());
    asked.catalog = &catalogue;
    CHECK_THAT(team.one(asked).moved, Catch::Contains("has moved") && Catch::Contains("in May"));
    team.settings.registry_mirrors[vendor.registry.domain()] = {hub.domain() + "/m"};
    asked.to = hub.domain() + "/other";
    CHECK(team.one(asked).moved.empty());
}

TEST_CASE("a copy that broke goes on where it was") {
    Vendor vendor;
    FakeRegistry hub;
    Team team;
    const auto asked = request(vendor.image("cuda:1"), hub.domain() + "/m");
    const auto broken = sha256("cuda").to_string();
    hub.set_hook([&](const FaultRequest& got, FaultConnection& connection) {
        if (got.method != "PUT" || percent_decode(got.target).find(broken) == std::string::npos) return false;
        fault::respond(507, "full")(got, connection);
        return true;
    });
    const auto failed = team.mirror(asked).images.at(0);
    REQUIRE(failed.error);
    CHECK(hub.tag("m/vendor/cuda", "1").empty());
    hub.set_hook({});
    const auto copied = team.one(asked);
    CHECK(copied.present_blobs >= 1);
    CHECK(copied.copied_blobs >= 1);
    CHECK(copied.copied_blobs + copied.present_blobs == 3);
    CHECK(hub.tag("m/vendor/cuda", "1") == sha256(vendor.single).to_string());
}

TEST_CASE("what the target's registry holds is mounted, not sent") {
    Vendor vendor;
    Team team;
    const auto copied = team.one(request(vendor.image("cuda:1"), vendor.registry.domain() + "/m"));
    CHECK(copied.digest == sha256(vendor.single));
    CHECK(vendor.registry.count("POST", "mount=") == 3);
    CHECK(vendor.registry.count("PUT", "/blobs/uploads/") == 0);
    // So is a layer that an earlier image of the same run put into another repository.
    FakeRegistry hub;
    MirrorRequest both;
    both.images = {vendor.image("cuda:1"), vendor.image("multi:1")};
    both.to = hub.domain() + "/m";
    const auto report = team.mirror(both);
    for (const auto& image : report.images) CHECK_FALSE(image.error);
    CHECK(hub.count("POST", "from=m%2Fvendor%2Fcuda") == 1);
}

TEST_CASE("one image that fails does not stop the others") {
    Vendor vendor;
    FakeRegistry hub;
    Team team;
    MirrorRequest asked;
    asked.images = {vendor.image("gone:1"), vendor.image("cuda:1"), vendor.image("cuda:1")};
    asked.to = hub.domain() + "/m";
    const auto report = team.mirror(asked);
    REQUIRE(report.images.size() == 2);
    REQUIRE(report.images[0].error);
    CHECK(report.images[0].error->kind() == ErrorKind::NotFound);
    CHECK_FALSE(report.images[1].error);
    const auto json = report.to_json();
    CHECK(json["images"].as_array()[0].string_or("status", "") == "failed");
    CHECK(json["images"].as_array()[1].string_or("digest", "") == sha256(vendor.single).to_string());
}

TEST_CASE("a registry that answers with something else afterwards is found out") {
    Vendor vendor;
    FakeRegistry hub;
    Team team;
    hub.set_hook([&](const FaultRequest& got, FaultConnection& connection) {
        if (got.method != "GET" || got.target.find("/manifests/1") == std::string::npos) return false;
        if (hub.tag("m/vendor/cuda", "1").empty()) return false;
        fault::respond(200, vendor.amd, "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n")(got,
                                                                                                        connection);
        return true;
    });
    const auto image = team.mirror(request(vendor.image("cuda:1"), hub.domain() + "/m")).images.at(0);
    REQUIRE(image.error);
    CHECK(image.error->kind() == ErrorKind::Corrupt);
    CHECK_THAT(image.error->message(), Contains(sha256(vendor.single).to_string()));
}

TEST_CASE("where images go: as said, else where the settings ask, else beside the team's images") {
    Vendor vendor;
    Vendor other;
    FakeRegistry hub;
    Team team;
    CHECK_THROWS_WITH(team.mirror(request(vendor.image("cuda:1"), "")), Contains("no registry to copy to"));
    team.settings.registry = hub.domain() + "/team/envs";
    const auto port = replace_all(vendor.registry.domain(), ":", "-");
    CHECK(team.one(request(vendor.image("cuda:1"), "")).to ==
          hub.domain() + "/team/envs/bases/" + port + "/vendor/cuda:1");
    team.settings.registry_mirrors[vendor.registry.domain()] = {hub.domain() + "/first", "second.invalid"};
    CHECK(team.one(request(vendor.image("cuda:1"), "")).to == hub.domain() + "/first/vendor/cuda:1");

    MirrorRequest two;
    two.images = {vendor.image("cuda:1"), other.image("cuda:1")};
    two.to = hub.domain() + "/shared";
    CHECK_THROWS_WITH(team.mirror(two), Contains("one could be taken for the other"));
    two.to += "/{registry}";
    const auto report = team.mirror(two);
    CHECK(report.settings.size() == 2);
    CHECK(report.images[0].to != report.images[1].to);
    CHECK_THROWS_WITH(team.mirror(request("docker.io/UPPER/case", hub.domain() + "/m")), Contains("UPPER"));
    for (const auto* nowhere : {"https://hub/x", "mirror/hub", "UPPER.case/X"})
        CHECK_THROWS_WITH(team.mirror(request(vendor.image("cuda:1"), nowhere)), Contains("no place for images"));
    team.settings.registry_mirrors[vendor.registry.domain()] = {"http://" + hub.domain() + "/plain"};
    CHECK(team.one(request(vendor.image("cuda:1"), "")).to == hub.domain() + "/plain/vendor/cuda:1");
}
