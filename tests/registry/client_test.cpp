#include "registry/client.hpp"

#include <catch2/catch.hpp>

#include "support/registry_run.hpp"

using namespace envbuild;
using namespace envbuild::testing;

namespace {

const std::string kPath = "team/envs";

std::string read(const registry::RegistryClient& client, const oci::Descriptor& blob) {
    return oci::read_all(*client.open_blob(blob), 64 << 20);
}

std::string many_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 2654435761U) >> 13);
    return bytes;
}

class RegistrySource : public oci::BlobSource {
  public:
    RegistrySource(registry::RegistryClient client, oci::Descriptor descriptor)
        : client_(std::move(client)), descriptor_(std::move(descriptor)) {}
    std::unique_ptr<oci::BlobReader> open() const override { return client_.open_blob(descriptor_); }

  private:
    registry::RegistryClient client_;
    oci::Descriptor descriptor_;
};

}  // namespace

TEST_CASE("a manifest is got by tag and by digest, with its type and verified", "[registry]") {
    FakeRegistry server;
    const auto bytes = image_manifest("layer");
    server.add_manifest(kPath, "v1", std::string(oci::media_type::kManifest), bytes);
    Run run;
    const auto client = run.client(server.domain() + "/" + kPath);
    const auto expected = oci::describe(oci::media_type::kManifest, bytes);
    CHECK(client.get_manifest("v1")->descriptor == expected);
    CHECK(client.get_manifest(expected.digest.to_string())->bytes == bytes);
    CHECK(client.head_manifest("v1") == expected);
    CHECK_FALSE(client.get_manifest("v2"));
    CHECK_FALSE(client.head_manifest("v2"));
    CHECK_FALSE(run.client(server.domain() + "/not/there").get_manifest("v1"));
}

TEST_CASE("a manifest is put by tag and by digest", "[registry]") {
    FakeRegistry server;
    server.add_blob(kPath, "layer");
    server.add_blob(kPath, "{}");
    Run run;
    auto client = run.client(server.domain() + "/" + kPath);
    const auto bytes = image_manifest("layer");
    const auto digest = client.put_manifest(bytes, oci::media_type::kManifest, sha256(bytes).to_string()).digest;
    CHECK(server.tag(kPath, "v1").empty());
    client.put_manifest(bytes, oci::media_type::kManifest, "v1");
    CHECK(server.tag(kPath, "v1") == digest.to_string());
    CHECK(client.delete_manifest(digest));
    CHECK_FALSE(client.delete_manifest(digest));
    const auto error =
        error_of([&] { client.put_manifest(image_manifest("other"), oci::media_type::kManifest, "v1"); });
    CHECK(error.kind() == ErrorKind::InvalidInput);
    CHECK_THAT(error.message(), Catch::Contains("said the fake registry"));
}

TEST_CASE("tags are listed over all pages", "[registry]") {
    FakeRegistry server;
    for (const std::string tag : {"a", "b", "c", "d", "e"}) server.add_manifest(kPath, tag, "t", "m" + tag);
    Run run;
    CHECK(run.client(server.domain() + "/" + kPath).list_tags() == std::vector<std::string>{"a", "b", "c", "d", "e"});
    CHECK(run.client(server.domain() + "/not/there").list_tags().empty());
}

TEST_CASE("blobs of any size travel both ways", "[registry]") {
    FakeRegistry server;
    Run run;
    auto client = run.client(server.domain() + "/" + kPath);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{70000}, std::size_t{12} << 20}) {
        INFO(size);
        const auto bytes = many_bytes(size);
        const auto blob = oci::describe("t", bytes);
        CHECK_FALSE(client.has_blob(blob));
        client.upload_blob(blob, *oci::bytes_source(bytes));
        CHECK(client.has_blob(blob));
        CHECK(read(client, blob) == bytes);
        std::string pushed;
        client.fetch_blob(blob, [&](std::string_view part) { pushed += part; });
        CHECK(pushed == bytes);
    }
}

TEST_CASE("a blob is mounted where the registry has it, and only there", "[registry]") {
    FakeRegistry server;
    server.add_blob("library/base", "layer");
    Run run;
    auto client = run.client(server.domain() + "/" + kPath);
    CHECK(client.mount_blob(oci::describe("t", "layer"), "library/base"));
    CHECK(server.has_blob(kPath, sha256("layer")));
    CHECK_FALSE(client.mount_blob(oci::describe("t", "absent"), "library/base"));
    // The session that came instead is given up.
    CHECK(server.count("DELETE", "/uploads/") == 1);
}

TEST_CASE("content that is not what its descriptor says is not uploaded", "[registry]") {
    FakeRegistry server;
    Run run;
    auto client = run.client(server.domain() + "/" + kPath);
    for (const std::string content : {"Layer", "laye", "layers"}) {
        const auto error =
            error_of([&] { client.upload_blob(oci::describe("t", "layer"), *oci::bytes_source(content)); });
        CHECK(error.kind() == ErrorKind::Corrupt);
    }
    CHECK_FALSE(server.has_blob(kPath, sha256("layer")));
}

TEST_CASE("a blob goes from one registry to another without touching the disk", "[registry]") {
    FakeRegistry from;
    FakeRegistry to;
    const auto bytes = many_bytes(20 << 20);
    from.add_blob("a/b", bytes);
    Run run;
    const auto blob = oci::describe("t", bytes);
    const RegistrySource source(run.client(from.domain() + "/a/b"), blob);
    run.client(to.domain() + "/" + kPath).upload_blob(blob, source);
    CHECK(to.has_blob(kPath, blob.digest));
}

TEST_CASE("a reader that is dropped early ends its transfer", "[registry]") {
    FakeRegistry server;
    const auto bytes = many_bytes(32 << 20);
    server.add_blob(kPath, bytes);
    Run run;
    const auto reader = run.client(server.domain() + "/" + kPath).open_blob(oci::describe("t", bytes));
    char byte = 0;
    CHECK(reader->read(&byte, 1) == 1);
    CHECK(byte == bytes[0]);
}

TEST_CASE("an absent blob is NotFound", "[registry]") {
    FakeRegistry server;
    Run run;
    const auto client = run.client(server.domain() + "/" + kPath);
    CHECK(error_of([&] { (void)read(client, oci::describe("t", "x")); }).kind() == ErrorKind::NotFound);
}
