// A process killed at any point of a write leaves nothing that lies. The process is this test itself, run again with
// the hidden case "store crash child" and a failpoint that kills it as SIGKILL would.
#include <fcntl.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/failpoint.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"
#include "store/content_store.hpp"

using namespace envbuild;
using store::ContentStore;

namespace {

const std::string kLayer(200000, 'L');
const std::string kConfig = R"({"architecture":"amd64","os":"linux"})";

oci::Manifest image() {
    oci::Manifest manifest;
    manifest.config = oci::describe(oci::media_type::kConfig, kConfig);
    manifest.layers = {oci::describe(oci::media_type::kLayer, kLayer)};
    return manifest;
}

void write_all(const fs::path& root) {
    ContentStore store(root, {});
    const auto manifest = image();
    store.put_blob(manifest.layers[0], kLayer);
    store.put_blob(manifest.config, kConfig);
    store.put_manifest(manifest.to_bytes(), oci::media_type::kManifest, "lock-1");
}

// Whatever is there must be whole; true when the tag is there.
bool check_whole(const fs::path& root) {
    const ContentStore store(root, {});
    if (fs::exists(root / "blobs" / "sha256")) {
        for (const auto& entry : fs::directory_iterator(root / "blobs" / "sha256")) {
            CHECK(sha256(read_file(entry.path())).hex() == entry.path().filename().string());
        }
    }
    if (fs::exists(root / "oci-layout")) CHECK(fs::exists(root / "index.json"));
    for (const auto& [tag, descriptor] : store.tags()) {
        const auto manifest = store.get_manifest(tag);
        REQUIRE(manifest);
        CHECK(store.missing(*oci::Manifest::parse(manifest->bytes)).empty());
    }
    return store.get_manifest("lock-1").has_value();
}

int run_child(const fs::path& root, const std::string& failpoints) {
    failpoint("read the variable before it is set");
    ::setenv("ENVBUILD_FAILPOINTS", failpoints.c_str(), 1);
    ::setenv("ENVBUILD_TEST_STORE", root.c_str(), 1);
    const auto self = fs::read_symlink("/proc/self/exe").string();
    const auto result = run_process({self, "store crash child"}, "", std::chrono::seconds(60), {});
    ::unsetenv("ENVBUILD_FAILPOINTS");
    return result.exit_code;
}

}  // namespace

TEST_CASE("store crash child", "[.crash-child]") {
    const char* root = std::getenv("ENVBUILD_TEST_STORE");
    REQUIRE(root != nullptr);
    write_all(root);
}

TEST_CASE("a process killed at any point leaves a store that does not lie, and the next one finishes", "[store]") {
    for (const std::string point : {"store.write", "store.before_sync", "store.before_rename", "store.after_rename",
                                    "store.before_index", "fs.write", "fs.before_rename"}) {
        int killed = 0;
        // The first pass, the second, …: until the point is not passed so often.
        for (int pass = 1; pass < 20; ++pass) {
            INFO(point << ", pass " << pass);
            const TempDir folder("crash");
            const auto root = folder.path() / "images";
            const int code = run_child(root, point + "=" + std::to_string(pass) + "*abort");
            if (code == 0) {
                CHECK(check_whole(root));
                break;
            }
            REQUIRE(code == 128 + 9);
            ++killed;
            check_whole(root);
            write_all(root);
            CHECK(check_whole(root));
            // What the killed process left is cleared away by the next that writes.
            CHECK(fs::is_empty(root / "ingest"));
        }
        INFO(point);
        CHECK(killed > 0);
    }
}

TEST_CASE("a failing disk leaves nothing behind", "[store]") {
    for (const std::string point :
         {"store.write", "store.before_sync", "store.before_rename", "store.before_index", "fs.before_rename"}) {
        INFO(point);
        const TempDir folder("crash");
        const auto root = folder.path() / "images";
        CHECK(run_child(root, point + "=error") != 0);
        check_whole(root);
        if (fs::exists(root / "ingest")) CHECK(fs::is_empty(root / "ingest"));
        write_all(root);
        CHECK(check_whole(root));
    }
}
