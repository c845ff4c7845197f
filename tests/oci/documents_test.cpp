// Manifests, indexes, configs: what is read, what is written, what is refused.
#include <catch2/catch.hpp>

#include "oci/image_config.hpp"
#include "oci/image_index.hpp"
#include "oci/manifest.hpp"

using namespace envbuild;
using namespace envbuild::oci;

namespace {

std::string descriptor_json(const std::string& type, const std::string& content) {
    return describe(type, content).to_json().dump();
}

std::string manifest_text(const std::string& more = "") {
    return R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)" +
           descriptor_json(std::string(media_type::kConfig), "config") + R"(,"layers":[)" +
           descriptor_json(std::string(media_type::kLayerGzip), "one") + "," +
           descriptor_json(std::string(media_type::kLayerGzip), "two") + "]" + more + "}";
}

}  // namespace

TEST_CASE("a manifest's bytes survive reading and writing", "[oci]") {
    const auto text = manifest_text(R"(,"annotations":{"a":"1","b":"2"})");
    const auto manifest = Manifest::parse(text);
    REQUIRE(manifest);
    CHECK(manifest->to_bytes() == text);
    CHECK(manifest->annotations.at("b") == "2");
    CHECK(manifest->layers[1].digest == sha256("two"));
    CHECK(*Manifest::parse(manifest->to_bytes()) == *manifest);
}

TEST_CASE("blobs() names each digest once, the config last", "[oci]") {
    auto manifest = *Manifest::parse(manifest_text());
    manifest.layers.push_back(manifest.layers[0]);
    const auto blobs = manifest.blobs();
    REQUIRE(blobs.size() == 3);
    CHECK(blobs[0].digest == sha256("one"));
    CHECK(blobs[2].digest == sha256("config"));
}

TEST_CASE("manifests that are none are refused with the member's name", "[oci]") {
    struct Row {
        std::string text, reason;
    };
    const std::string config = descriptor_json("x", "y");
    for (const auto& row : std::vector<Row>{
             {"", "JSON"},
             {"[]", "not a JSON object"},
             {"{}", "schemaVersion"},
             {R"({"schemaVersion":1})", "schemaVersion"},
             {R"({"schemaVersion":2,"mediaType":"text/html"})", "text/html"},
             {R"({"schemaVersion":2,"mediaType":7})", "mediaType"},
             {R"({"schemaVersion":2,"manifests":[]})", "index"},
             {R"({"schemaVersion":2})", "descriptor"},
             {R"({"schemaVersion":2,"config":)" + config + "}", "layers"},
             {R"({"schemaVersion":2,"config":)" + config + R"(,"layers":[{"mediaType":"x","size":1}]})", "digest"},
             {R"({"schemaVersion":2,"config":)" + config +
                  R"(,"layers":[{"mediaType":"x","size":-1,"digest":"sha256:)" + std::string(64, '0') + R"("}]})",
              "size"},
             {R"({"schemaVersion":2,"config":)" + config + R"(,"layers":[{"size":1,"digest":"sha256:)" +
                  std::string(64, '0') + R"("}]})",
              "mediaType"},
             {manifest_text(R"(,"annotations":{"a":1})"), "annotations"},
             {manifest_text(",\"x\":\"" + std::string(kManifestLimit, 'x') + "\""), "4 MiB"},
         }) {
        INFO(row.text.substr(0, 200));
        const auto manifest = Manifest::parse(row.text);
        REQUIRE_FALSE(manifest);
        CHECK(manifest.error().kind() == ErrorKind::Corrupt);
        CHECK_THAT(manifest.error().message(), Catch::Contains(row.reason));
    }
}

TEST_CASE("an index finds the manifest of a platform", "[oci]") {
    ImageIndex index;
    const auto add = [&](const std::string& content, OciPlatform platform) {
        auto entry = describe(media_type::kManifest, content);
        entry.platform = std::move(platform);
        index.manifests.push_back(entry);
    };
    add("attestation", {"unknown", "unknown", ""});
    add("arm7", {"linux", "arm", "v7"});
    add("arm64", {"linux", "arm64", "v8"});
    add("amd64", {"linux", "amd64", ""});
    const auto parsed = ImageIndex::parse(index.to_bytes());
    REQUIRE(parsed);
    CHECK(*parsed == index);
    CHECK(parsed->find({"linux", "amd64", ""})->digest == sha256("amd64"));
    CHECK(parsed->find({"linux", "arm64", ""})->digest == sha256("arm64"));
    CHECK(parsed->find({"linux", "arm", "v7"})->digest == sha256("arm7"));
    CHECK(parsed->find({"linux", "arm", "v6"}) == nullptr);
    CHECK(parsed->find({"linux", "riscv64", ""}) == nullptr);
}

TEST_CASE("an only entry without a platform matches any, one of several does not", "[oci]") {
    ImageIndex index;
    index.manifests.push_back(describe(media_type::kManifest, "only"));
    REQUIRE(index.find({"linux", "arm64", ""}) != nullptr);
    index.manifests.push_back(describe(media_type::kManifest, "second"));
    CHECK(index.find({"linux", "arm64", ""}) == nullptr);
}

TEST_CASE("a manifest is not taken for an index, nor an index for a manifest", "[oci]") {
    CHECK_FALSE(ImageIndex::parse(manifest_text()));
    CHECK_FALSE(Manifest::parse(ImageIndex{}.to_bytes()));
    // Without a media type, as OCI 1.0 allows, the shape decides.
    CHECK_FALSE(ImageIndex::parse(R"({"schemaVersion":2,"manifests":[],"layers":[]})"));
    CHECK(ImageIndex::parse(R"({"schemaVersion":2,"manifests":[]})"));
}

TEST_CASE("a config keeps its bytes and gives typed access", "[oci]") {
    const std::string text = R"({ "architecture":"amd64", "os":"linux", "created":"2024-01-02T03:04:05Z",
        "config": {"Env":["PATH=/bin","A=1","A=2","EMPTY="],"Labels":{"x":"y"},"Entrypoint":["/init"],"Cmd":["sh","-c"],"User":"1000","WorkingDir":"/w"},
        "rootfs":{"type":"layers","diff_ids":["sha256:)" +
                             std::string(64, 'b') + R"("]},
        "history":[{"created":"2024-01-02T03:04:05Z","created_by":"ADD x"},{"created_by":"ENV","empty_layer":true}] })";
    const auto config = ImageConfig::parse(text);
    REQUIRE(config);
    CHECK(config->bytes() == text);
    CHECK(config->descriptor().digest == sha256(text));
    CHECK(config->platform() == OciPlatform{"linux", "amd64", ""});
    CHECK(config->env("A") == "2");
    CHECK(config->env("EMPTY") == "");
    CHECK_FALSE(config->env("PAT"));
    CHECK(config->labels().at("x") == "y");
    CHECK(config->entrypoint() == std::vector<std::string>{"/init"});
    CHECK(config->cmd() == std::vector<std::string>{"sh", "-c"});
    CHECK(config->user() == "1000");
    CHECK(config->working_dir() == "/w");
    REQUIRE(config->diff_ids().size() == 1);
    CHECK(config->diff_ids()[0].hex() == std::string(64, 'b'));
    REQUIRE(config->history().size() == 2);
    CHECK(config->history()[1].empty_layer);
    CHECK(config->created() == "2024-01-02T03:04:05Z");
}

TEST_CASE("configs with nulls are read, with wrong types refused", "[oci]") {
    const auto sparse =
        ImageConfig::parse(R"({"config":{"Env":null,"Labels":null,"Cmd":null},"rootfs":{"diff_ids":[]}})");
    REQUIRE(sparse);
    CHECK(sparse->env().empty());
    CHECK(sparse->platform().os == "linux");
    for (const std::string text :
         {R"({"config":{"Env":"A=1"}})", R"({"config":{"Env":[1]}})", R"({"config":{"Labels":{"a":1}}})", R"({"os":3})",
          R"({"rootfs":{"diff_ids":["md5:x"]}})", "null", R"({"config":{"User":1000}})"}) {
        INFO(text);
        const auto config = ImageConfig::parse(text);
        REQUIRE_FALSE(config);
        CHECK(config.error().kind() == ErrorKind::Corrupt);
    }
}

TEST_CASE("random bytes never pass for a document", "[oci]") {
    // A manifest cut at each of its bytes.
    const auto text = manifest_text();
    for (std::size_t length = 0; length < text.size(); ++length) {
        REQUIRE_FALSE(Manifest::parse(std::string_view(text).substr(0, length)));
    }
}
