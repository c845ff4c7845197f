#include "cache/pointer.hpp"

#include <catch2/catch.hpp>

#include "oci/image_index.hpp"
#include "oci/manifest.hpp"

using namespace envbuild;
using cache::Pointer;

namespace {

const Digest kSpec = sha256("spec");
const Digest kLock = sha256("lock");

Pointer pointer() {
    auto image = oci::describe(oci::media_type::kManifest, "image");
    image.platform = oci::OciPlatform{"linux", "amd64", ""};
    return {kSpec, kLock, image};
}

std::string reason(std::string_view type, const std::string& bytes, const Digest& asked = kSpec) {
    const auto parsed = Pointer::parse(type, bytes, asked);
    return parsed ? "taken" : parsed.error().message();
}

}  // namespace

TEST_CASE("a pointer's bytes are these", "[cache]") {
    // The wire format of docs/formats.md: a change here makes every team's cache miss.
    CHECK(
        pointer().to_bytes() ==
        R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)"
        R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d","size":5,)"
        R"("platform":{"architecture":"amd64","os":"linux"}}],)"
        R"("annotations":{"dev.envbuild.lock-hash":"0c030586945fe504b604ecc2e875c38ede400cd5cd73da9730302162e6b02c6f","dev.envbuild.spec-hash":")" +
            kSpec.hex() + R"("}})");
    CHECK(cache::spec_tag(kSpec) == "spec-" + kSpec.hex());
    CHECK(cache::lock_tag(kLock) == "lock-" + kLock.hex());
}

TEST_CASE("a pointer is read back", "[cache]") {
    CHECK(*Pointer::parse(oci::media_type::kIndex, pointer().to_bytes(), kSpec) == pointer());
}

TEST_CASE("what is no pointer for the asked hash is refused with the reason", "[cache]") {
    const auto good = pointer().to_bytes();
    CHECK_THAT(reason(oci::media_type::kManifest, good), Catch::Contains("not an OCI index"));
    CHECK_THAT(reason(oci::media_type::kIndex, good, sha256("other")), Catch::Contains("another hash"));
    CHECK_THAT(reason(oci::media_type::kIndex, "{"), Catch::Contains("JSON"));
    auto index = *oci::ImageIndex::parse(good);
    index.manifests.push_back(index.manifests[0]);
    CHECK_THAT(reason(oci::media_type::kIndex, index.to_bytes()), Catch::Contains("2 manifests"));
    index.manifests.clear();
    CHECK_THAT(reason(oci::media_type::kIndex, index.to_bytes()), Catch::Contains("0 manifests"));
    index = *oci::ImageIndex::parse(good);
    index.manifests[0].media_type = oci::media_type::kIndex;
    CHECK_THAT(reason(oci::media_type::kIndex, index.to_bytes()), Catch::Contains("not an image"));
    index = *oci::ImageIndex::parse(good);
    index.annotations.erase(std::string(cache::kLockHashAnnotation));
    CHECK_THAT(reason(oci::media_type::kIndex, index.to_bytes()), Catch::Contains("lock-hash"));
    index.annotations.clear();
    CHECK_THAT(reason(oci::media_type::kIndex, index.to_bytes()), Catch::Contains("spec-hash"));
    index.annotations[std::string(cache::kSpecHashAnnotation)] = "rubbish";
    CHECK_THAT(reason(oci::media_type::kIndex, index.to_bytes()), Catch::Contains("spec-hash"));
}
