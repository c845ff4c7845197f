#include "store/content_store.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "base/fs.hpp"
#include "oci/image_config.hpp"

using namespace envbuild;
using store::ContentStore;

namespace {

Error error_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("no error came");
}

// A config and one layer put into the store; the manifest's bytes.
std::string image_in(ContentStore& store, const std::string& layer) {
    const auto config =
        oci::ImageConfig::parse(R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[")" +
                                sha256(layer).to_string() + R"("]}})");
    oci::Manifest manifest;
    manifest.config = config->descriptor();
    manifest.layers = {oci::describe(oci::media_type::kLayer, layer)};
    store.put_blob(manifest.config, config->bytes());
    store.put_blob(manifest.layers[0], layer);
    return manifest.to_bytes();
}

std::size_t files_in(const fs::path& folder) {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder)) count += entry.is_regular_file() ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("a store that is not there reads as empty and is not made by reading", "[store]") {
    const TempDir folder("store");
    const ContentStore store(folder.path() / "images", {});
    CHECK_FALSE(store.get_manifest("x"));
    CHECK_FALSE(store.get_manifest(sha256("x")));
    CHECK_FALSE(store.has_blob(oci::describe("t", "x")));
    CHECK(store.tags().empty());
    CHECK_FALSE(fs::exists(folder.path() / "images"));
    CHECK(error_of([&] { (void)store.open_blob(oci::describe("t", "x")); }).kind() == ErrorKind::NotFound);
}

TEST_CASE("an image that is put is found by tag and by digest", "[store]") {
    const TempDir folder("store");
    ContentStore store(folder.path() / "a" / "images", {});
    const auto bytes = image_in(store, "layer");
    const auto descriptor = store.put_manifest(bytes, oci::media_type::kManifest, "lock-1");
    CHECK(store.get_manifest("lock-1")->bytes == bytes);
    CHECK(store.get_manifest("lock-1")->descriptor == descriptor);
    CHECK(store.get_manifest(descriptor.digest)->descriptor == descriptor);
    CHECK(store.missing(*oci::Manifest::parse(bytes)).empty());
    CHECK(read_file(store.root() / "oci-layout") == R"({"imageLayoutVersion":"1.0.0"})");
    struct stat status{};
    REQUIRE(::stat(store.blob_path(descriptor.digest).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0644);
    CHECK(files_in(store.root() / "ingest") == 0);
}

TEST_CASE("a tag moves, several tags name one image", "[store]") {
    const TempDir folder("store");
    ContentStore store(folder.path(), {});
    const auto first = image_in(store, "first");
    const auto second = image_in(store, "second");
    store.put_manifest(first, oci::media_type::kManifest, "a");
    store.put_manifest(first, oci::media_type::kManifest, "b");
    store.put_manifest(second, oci::media_type::kManifest, "a");
    const auto tags = store.tags();
    REQUIRE(tags.size() == 2);
    CHECK(tags[0].first == "a");
    CHECK(tags[0].second.digest == sha256(second));
    CHECK(tags[1].second.digest == sha256(first));
    CHECK(store.get_manifest("b")->bytes == first);
}

TEST_CASE("what other tools wrote into index.json stays", "[store]") {
    const TempDir folder("store");
    ContentStore store(folder.path(), {});
    const auto bytes = image_in(store, "layer");
    store.put_manifest(bytes, oci::media_type::kManifest, "mine");
    auto index = *Json::parse(read_file(folder.path() / "index.json"));
    auto entry = oci::describe(oci::media_type::kManifest, bytes).to_json();
    Json annotations = Json::object();
    annotations.set("org.opencontainers.image.ref.name", "theirs").set("io.example", "x");
    entry.set("annotations", annotations).set("urls", std::vector<std::string>{"http://x"});
    auto entries = index["manifests"].as_array();
    entries.push_back(entry);
    index.set("manifests", entries).set("annotations", annotations).set("x-members", "of the index itself");
    write_file_atomic(folder.path() / "index.json", index.dump());
    store.put_manifest(bytes, oci::media_type::kManifest, "other");
    CHECK_THAT(read_file(folder.path() / "index.json"), Catch::Contains("io.example") && Catch::Contains("http://x"));
    CHECK(store.tags().size() == 3);
    const auto after = *Json::parse(read_file(folder.path() / "index.json"));
    CHECK(after["annotations"] == annotations);
    CHECK(after.string_or("x-members", "") == "of the index itself");
    CHECK(after.int_or("schemaVersion", 0) == 2);
}

TEST_CASE("content that is not what its descriptor says is not stored", "[store]") {
    const TempDir folder("store");
    ContentStore store(folder.path(), {});
    const auto expected = oci::describe("t", "content");
    for (const std::string content : {"Content", "conten", "contents", ""}) {
        CHECK(error_of([&] { store.put_blob(expected, content); }).kind() == ErrorKind::Corrupt);
        CHECK_FALSE(store.has_blob(expected));
        CHECK(files_in(folder.path() / "ingest") == 0);
        CHECK(files_in(folder.path() / "blobs" / "sha256") == 0);
    }
}

TEST_CASE("a manifest whose blobs are not all there is refused", "[store]") {
    const TempDir folder("store");
    ContentStore store(folder.path(), {});
    const auto bytes = image_in(store, "layer");
    fs::resize_file(store.blob_path(sha256("layer")), 3);
    CHECK(store.missing(*oci::Manifest::parse(bytes)).size() == 1);
    const auto error = error_of([&] { store.put_manifest(bytes, oci::media_type::kManifest, "x"); });
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK_THAT(error.message(), Catch::Contains(sha256("layer").to_string()));
    CHECK(store.tags().empty());
}

TEST_CASE("a blob that was damaged is never read as if it were whole", "[store]") {
    const TempDir folder("store");
    ContentStore store(folder.path(), {});
    const auto bytes = image_in(store, "layer");
    const auto manifest = store.put_manifest(bytes, oci::media_type::kManifest, "x");
    std::ofstream(store.blob_path(sha256("layer")), std::ios::trunc) << "lAyer";
    const auto layer = oci::describe(oci::media_type::kLayer, "layer");
    CHECK(store.has_blob(layer));  // the size is right
    CHECK(error_of([&] { (void)store.read_blob(layer); }).kind() == ErrorKind::Corrupt);
    // A manifest of the right size is looked into, and mended by the next write.
    std::ofstream(store.blob_path(manifest.digest), std::ios::trunc) << std::string(bytes.size(), ' ');
    CHECK(error_of([&] { (void)store.get_manifest("x"); }).kind() == ErrorKind::Corrupt);
    CHECK(error_of([&] { (void)store.get_manifest(manifest.digest); }).kind() == ErrorKind::Corrupt);
    store.put_manifest(bytes, oci::media_type::kManifest, "x");
    CHECK(store.get_manifest("x")->bytes == bytes);
}

TEST_CASE("a blob that cannot be asked for is not absent", "[store]") {
    const TempDir folder("store");
    ContentStore store(folder.path(), {});
    const auto bytes = image_in(store, "layer");
    const auto manifest = store.put_manifest(bytes, oci::media_type::kManifest, "x");
    // A link that leads to itself: ELOOP, for root too.
    for (const auto& digest : {sha256("layer"), manifest.digest}) {
        fs::remove(store.blob_path(digest));
        fs::create_symlink(store.blob_path(digest), store.blob_path(digest));
    }
    CHECK(error_of([&] { (void)store.has_blob(oci::describe("t", "layer")); }).kind() == ErrorKind::Io);
    CHECK(error_of([&] { (void)store.get_manifest(manifest.digest); }).kind() == ErrorKind::Io);
    CHECK(error_of([&] { (void)store.get_manifest("x"); }).kind() == ErrorKind::Io);
    CHECK(error_of([&] { (void)store.missing(*oci::Manifest::parse(bytes)); }).kind() == ErrorKind::Io);
    // A part of the path that is a file: there is nothing below it.
    fs::remove_all(folder.path() / "blobs");
    write_file_atomic(folder.path() / "blobs", "");
    CHECK_FALSE(store.has_blob(oci::describe("t", "layer")));
}

TEST_CASE("a folder with other things in it is not made into a layout", "[store]") {
    const TempDir folder("store");
    write_file_atomic(folder.path() / "thesis.tex", "precious");
    ContentStore store(folder.path(), {});
    for (const auto& error :
         {error_of([&] { store.put_blob(oci::describe("t", "x"), "x"); }), error_of([&] { store.check_folder(); })}) {
        CHECK(error.kind() == ErrorKind::InvalidInput);
        CHECK_THAT(error.message(), Catch::Contains("thesis.tex"));
    }
    CHECK_FALSE(fs::exists(folder.path() / "blobs"));
}

TEST_CASE("a layout of another version is refused, also where all its folders are", "[store]") {
    const TempDir folder("store");
    {
        ContentStore store(folder.path(), {});
        store.put_blob(oci::describe("t", "x"), "x");
    }
    write_file_atomic(folder.path() / "oci-layout", R"({"imageLayoutVersion":"2.0.0"})");
    REQUIRE(fs::exists(folder.path() / "ingest"));
    ContentStore store(folder.path(), {});
    CHECK(error_of([&] { store.check_folder(); }).kind() == ErrorKind::InvalidInput);
    CHECK(error_of([&] { store.put_blob(oci::describe("t", "y"), "y"); }).kind() == ErrorKind::InvalidInput);
}

TEST_CASE("an index that is none is Corrupt", "[store]") {
    const TempDir folder("store");
    ContentStore store(folder.path(), {});
    for (const std::string index : {"{", "[]", "{}", R"({"manifests":{}})"}) {
        write_file_atomic(folder.path() / "index.json", index);
        CHECK(error_of([&] { (void)store.get_manifest("x"); }).kind() == ErrorKind::Corrupt);
    }
}

TEST_CASE("many threads and stores write into one layout without losing a tag", "[store]") {
    const TempDir folder("store");
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            ContentStore store(folder.path(), {});
            for (int i = 0; i < 5; ++i) {
                const auto name = std::to_string(t) + "-" + std::to_string(i);
                store.put_manifest(image_in(store, name), oci::media_type::kManifest, name);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    const ContentStore store(folder.path(), {});
    CHECK(store.tags().size() == 20);
    for (const auto& [tag, descriptor] : store.tags())
        CHECK(store.missing(*oci::Manifest::parse(store.get_manifest(tag)->bytes)).empty());
    CHECK(files_in(folder.path() / "ingest") == 0);
}

TEST_CASE("a layout that another process is making is never taken for a folder with other things in it", "[store]") {
    for (int round = 0; round < 40; ++round) {
        const TempDir folder("store");
        std::thread maker([&] {
            ContentStore store(folder.path(), {});
            store.put_blob(oci::describe("t", "x"), "x");
        });
        const ContentStore store(folder.path(), {});
        while (!fs::exists(folder.path() / "oci-layout")) CHECK_NOTHROW(store.check_folder());
        maker.join();
    }
}
