// lookup() and publish() on the embedded store and on a registry alike.
#include <catch2/catch.hpp>
#include <fstream>

#include "support/cache_fixture.hpp"

using namespace envbuild;
using namespace envbuild::cache;
using namespace envbuild::testing;

namespace {

const Digest kSpec = sha256("spec");
const Digest kLock = sha256("lock");

// Both kinds of repository, over fresh stores.
struct Both {
    TempDir folder{"cache"};
    FakeRegistry server;
    Run run;
    std::unique_ptr<ImageRepository> embedded = layout_repository(folder.path() / "images", {});
    std::unique_ptr<ImageRepository> remote =
        registry_repository(run.context, *oci::Repository::parse(server.domain() + "/team/envs"));

    [[nodiscard]] std::vector<ImageRepository*> all() const { return {embedded.get(), remote.get()}; }
};

Digest digest_of(const LookupResult& result) {
    return hit_of(result).descriptor.digest;
}

}  // namespace

TEST_CASE("what was published is hit, by intent and by lock, and names the image by digest", "[cache]") {
    Both both;
    RecordingReporter reporter;
    for (auto* repository : both.all()) {
        CHECK(std::get<Miss>(lookup(*repository, kSpec)).warning.empty());
        CHECK(std::get<Miss>(lookup_lock(*repository, kLock)).warning.empty());
        const auto published = publish(*repository, small_image(kLock, kSpec), reporter);
        CHECK(published.ours);
        const auto result = lookup(*repository, kSpec);
        CHECK(hit_of(result).image == published.answer.image);
        CHECK(hit_of(result).image == repository->name() + "@" + published.answer.descriptor.digest.to_string());
        CHECK(hit_of(result).lock_hash == kLock);
        CHECK(digest_of(lookup_lock(*repository, kLock)) == published.answer.descriptor.digest);
        CHECK(digest_of(lookup(*repository, kSpec, Check::EveryBlob)) == published.answer.descriptor.digest);
    }
    // The same image everywhere.
    CHECK(digest_of(lookup(*both.embedded, kSpec)) == digest_of(lookup(*both.remote, kSpec)));
    CHECK(reporter.warnings().empty());
}

TEST_CASE("a damaged index of the embedded store is unknown, with what to do, and never a miss", "[cache]") {
    const TempDir folder("cache");
    const auto repository = layout_repository(folder.path(), {});
    (void)publish(*repository, small_image(kLock, kSpec), silent_reporter());
    const auto index = read_file(folder.path() / "index.json");
    write_file_atomic(folder.path() / "index.json", index.substr(0, index.size() / 2));
    for (const auto& result : {lookup(*repository, kSpec), lookup_lock(*repository, kLock)}) {
        REQUIRE(std::holds_alternative<Unknown>(result));
        const auto& error = std::get<Unknown>(result).error;
        CHECK(error.kind() == ErrorKind::Corrupt);
        CHECK_THAT(error.to_string(), Catch::Contains("index.json") && Catch::Contains("move it away"));
    }
    // As the hint says.
    fs::remove(folder.path() / "index.json");
    CHECK(std::holds_alternative<Miss>(lookup(*repository, kSpec)));
    (void)publish(*repository, small_image(kLock, kSpec), silent_reporter());
    hit_of(lookup(*repository, kSpec));
}

TEST_CASE("login files that cannot be read are a reason for unknown, and matter to registries alone", "[cache]") {
    const TempDir home("home");
    write_file_atomic(home.path() / ".docker/config.json", R"({"auths":)");
    FakeRegistry server;
    RecordingReporter reporter;
    HttpClient http(quick_http(), {});
    int read = 0;
    registry::RegistryContext context(
        http, {},
        [&] {
            ++read;
            return registry::DockerConfig::load(ProcessEnv({{"HOME", home.path().string()}}));
        },
        reporter);
    CHECK(std::holds_alternative<Miss>(
        lookup(*open_repository("oci:" + (home.path() / "images").string(), context, {}), kSpec)));
    const auto repository = open_repository(server.domain() + "/team/envs", context, {});
    CHECK(read == 0);
    const auto result = lookup(*repository, kSpec);
    REQUIRE(std::holds_alternative<Unknown>(result));
    CHECK_THAT(std::get<Unknown>(result).error.message(), Catch::Contains(".docker/config.json"));
    // Mended while a long-lived process runs: read anew, and then never again.
    write_file_atomic(home.path() / ".docker/config.json", "{}");
    CHECK(std::holds_alternative<Miss>(lookup(*repository, kSpec)));
    CHECK(std::holds_alternative<Miss>(lookup(*repository, kSpec)));
    CHECK(read == 2);
}

TEST_CASE("a look-up at a registry is one round trip", "[cache]") {
    Both both;
    (void)publish(*both.remote, small_image(kLock, kSpec), silent_reporter());
    const auto before = both.server.requests().size();
    hit_of(lookup(*both.remote, kSpec));
    CHECK(both.server.requests().size() == before + 1);
    CHECK(std::holds_alternative<Miss>(lookup(*both.remote, sha256("other"))));
    CHECK(both.server.requests().size() == before + 2);
}

TEST_CASE("publishing keeps its order: blobs, config, manifest, lock tag, pointer, tags", "[cache]") {
    Both both;
    auto request = small_image(kLock, kSpec);
    request.tags = {"latest"};
    const auto published = publish(*both.remote, request, silent_reporter());
    std::vector<std::string> writes;
    for (const auto& line : both.server.log()) {
        if (line.starts_with("PUT ")) writes.push_back(line.substr(line.find("envs/") + 5));
    }
    REQUIRE(writes.size() == 8);
    for (int i = 0; i < 4; ++i) CHECK_THAT(writes[i], Catch::StartsWith("blobs/uploads/"));
    CHECK(writes[4] == "manifests/" + published.answer.descriptor.digest.to_string());
    CHECK(writes[5] == "manifests/" + lock_tag(kLock));
    CHECK(writes[6] == "manifests/" + spec_tag(kSpec));
    CHECK(writes[7] == "manifests/latest");
}

TEST_CASE("an image carries its lock's hash and never a spec's", "[cache]") {
    Both both;
    auto request = small_image(kLock, kSpec);
    request.annotations["org.opencontainers.image.title"] = "x";
    request.layers[0].descriptor.annotations["theirs"] = "y";
    const auto published = publish(*both.embedded, request, silent_reporter());
    const auto raw = both.embedded->get_manifest(published.answer.descriptor.digest.to_string());
    const auto manifest = *oci::Manifest::parse(raw->bytes);
    CHECK(manifest.annotations ==
          oci::Annotations{{"dev.envbuild.lock-hash", kLock.hex()}, {"org.opencontainers.image.title", "x"}});
    CHECK(manifest.layers[0].annotations.empty());
    CHECK_THAT(raw->bytes, !Catch::Contains(kSpec.hex()));
    request.annotations[std::string(kSpecHashAnnotation)] = kSpec.hex();
    CHECK(error_of([&] { (void)publish(*both.embedded, request, silent_reporter()); }).kind() == ErrorKind::Bug);
}

TEST_CASE("the first resolution of a spec stays the answer until it is refreshed", "[cache]") {
    Both both;
    for (auto* repository : both.all()) {
        const auto first = publish(*repository, small_image(kLock, kSpec), silent_reporter());
        auto later = small_image(sha256("another lock"), kSpec, {"base", "newer"});
        const auto second = publish(*repository, later, silent_reporter());
        CHECK_FALSE(second.ours);
        CHECK(second.answer.descriptor.digest == first.answer.descriptor.digest);
        CHECK(second.answer.lock_hash == kLock);
        later.policy = MovePolicy::Refresh;
        const auto third = publish(*repository, later, silent_reporter());
        CHECK(third.ours);
        CHECK(digest_of(lookup(*repository, kSpec)) == third.answer.descriptor.digest);
        CHECK(hit_of(lookup(*repository, kSpec)).lock_hash == sha256("another lock"));
        // The image of the first lock is still found.
        CHECK(digest_of(lookup_lock(*repository, kLock)) == first.answer.descriptor.digest);
    }
}

TEST_CASE("an image that is there for a lock stays, unless it is rebuilt", "[cache]") {
    Both both;
    for (auto* repository : both.all()) {
        const auto first = publish(*repository, small_image(kLock, kSpec, {"gzip at level 6"}), silent_reporter());
        auto other = small_image(kLock, sha256("second spec"), {"gzip at level 9"});
        other.policy = MovePolicy::Refresh;
        const auto second = publish(*repository, other, silent_reporter());
        CHECK_FALSE(second.ours);
        CHECK(second.answer.descriptor.digest == first.answer.descriptor.digest);
        CHECK(digest_of(lookup(*repository, sha256("second spec"))) == first.answer.descriptor.digest);
        other.policy = MovePolicy::Rebuild;
        const auto third = publish(*repository, other, silent_reporter());
        CHECK(third.ours);
        CHECK(digest_of(lookup_lock(*repository, kLock)) == third.answer.descriptor.digest);
        CHECK(digest_of(lookup(*repository, sha256("second spec"))) == third.answer.descriptor.digest);
        // What others were told is not taken from them.
        CHECK(digest_of(lookup(*repository, kSpec)) == first.answer.descriptor.digest);
    }
}

TEST_CASE("a build from a lock file moves no pointer", "[cache]") {
    Both both;
    (void)publish(*both.remote, small_image(kLock, std::nullopt), silent_reporter());
    CHECK(hit_of(lookup_lock(*both.remote, kLock)).lock_hash == kLock);
    for (const auto& line : both.server.log()) CHECK_THAT(line, !Catch::Contains("spec-"));
}

TEST_CASE("a pointer is made to an image that is there", "[cache]") {
    Both both;
    for (auto* repository : both.all()) {
        (void)publish(*repository, small_image(kLock, std::nullopt), silent_reporter());
        const auto found = lookup_lock(*repository, kLock);
        CHECK(point(*repository, kSpec, hit_of(found), MovePolicy::Keep, silent_reporter()).ours);
        const auto pointer =
            Pointer::parse(oci::media_type::kIndex, repository->get_manifest(spec_tag(kSpec))->bytes, kSpec);
        REQUIRE(pointer);
        CHECK(pointer->image.platform == oci::OciPlatform{"linux", "amd64", ""});
        CHECK_FALSE(point(*repository, kSpec, hit_of(found), MovePolicy::Keep, silent_reporter()).ours);
    }
}

TEST_CASE("a tag alone proves nothing: what is no pointer is a miss with a warning, and is replaced", "[cache]") {
    Both both;
    for (auto* repository : both.all()) {
        auto foreign = small_image(sha256("foreign"), std::nullopt);
        const auto image = publish(*repository, foreign, silent_reporter()).answer.descriptor;
        const auto bytes = repository->get_manifest(image.digest.to_string())->bytes;
        repository->put_manifest(bytes, oci::media_type::kManifest, spec_tag(kSpec));
        CHECK_THAT(std::get<Miss>(lookup(*repository, kSpec)).warning,
                   Catch::Contains("not envbuild's pointer") && Catch::Contains("not an OCI index"));
        // A pointer under another spec's tag.
        repository->put_manifest(Pointer{sha256("other"), kLock, image}.to_bytes(), oci::media_type::kIndex,
                                 spec_tag(kSpec));
        CHECK_THAT(std::get<Miss>(lookup(*repository, kSpec)).warning, Catch::Contains("another hash"));
        // An image under another lock's tag.
        repository->put_manifest(bytes, oci::media_type::kManifest, lock_tag(kLock));
        CHECK_THAT(std::get<Miss>(lookup_lock(*repository, kLock)).warning, Catch::Contains("annotation"));
        RecordingReporter reporter;
        CHECK(publish(*repository, small_image(kLock, kSpec), reporter).ours);
        CHECK(reporter.warnings().size() == 2);
        CHECK(hit_of(lookup(*repository, kSpec)).lock_hash == kLock);
    }
}

TEST_CASE(
    "an image whose blob is gone is a miss: at once in the embedded store, when verified at a registry; the next build "
    "mends it",
    "[cache]") {
    Both both;
    for (auto* repository : both.all()) (void)publish(*repository, small_image(kLock, kSpec), silent_reporter());
    fs::remove(both.folder.path() / "images" / "blobs" / "sha256" / sha256("packages").hex());
    both.server.remove_blob("team/envs", sha256("packages"));
    CHECK_THAT(std::get<Miss>(lookup(*both.embedded, kSpec)).warning, Catch::Contains(sha256("packages").hex()));
    hit_of(lookup(*both.remote, kSpec));
    for (auto* repository : both.all()) {
        CHECK_THAT(std::get<Miss>(lookup(*repository, kSpec, Check::EveryBlob)).warning,
                   Catch::Contains(sha256("packages").hex()));
        CHECK_THAT(std::get<Miss>(lookup_lock(*repository, kLock, Check::EveryBlob)).warning, Catch::Contains("gone"));
        CHECK(publish(*repository, small_image(kLock, kSpec), silent_reporter()).ours);
        hit_of(lookup(*repository, kSpec, Check::EveryBlob));
    }
}

TEST_CASE("damage in the embedded store is a miss that the next build mends", "[cache]") {
    Both both;
    auto& repository = *both.embedded;
    const auto published = publish(repository, small_image(kLock, kSpec), silent_reporter());
    const auto blobs = both.folder.path() / "images" / "blobs" / "sha256";
    const auto pointer = repository.get_manifest(spec_tag(kSpec))->descriptor;
    for (const auto& digest : {pointer.digest, published.answer.descriptor.digest}) {
        INFO(digest.hex());
        const auto size = fs::file_size(blobs / digest.hex());
        std::ofstream(blobs / digest.hex(), std::ios::trunc) << std::string(size, 'x');
        CHECK_FALSE(std::get<Miss>(lookup(repository, kSpec)).warning.empty());
        (void)publish(repository, small_image(kLock, kSpec), silent_reporter());
        hit_of(lookup(repository, kSpec));
        fs::remove(blobs / digest.hex());
        CHECK_FALSE(std::get<Miss>(lookup(repository, kSpec)).warning.empty());
        (void)publish(repository, small_image(kLock, kSpec), silent_reporter());
        hit_of(lookup(repository, kSpec));
    }
}

TEST_CASE("a registry that cannot be asked is unknown, never a miss, and nothing is published on it", "[cache]") {
    const auto kinds =
        std::vector<std::pair<FaultHandler, ErrorKind>>{{fault::respond(503), ErrorKind::Transient},
                                                        {fault::reset_at_once(), ErrorKind::Transient},
                                                        {fault::html_page(), ErrorKind::Transient},
                                                        {fault::respond(404, "not found"), ErrorKind::Transient},
                                                        {fault::respond(403), ErrorKind::Unauthorized}};
    for (const auto& [handler, kind] : kinds) {
        Both both;
        (void)publish(*both.remote, small_image(kLock, kSpec), silent_reporter());
        both.server.set_hook([answer = handler](const FaultRequest& request, FaultConnection& connection) {
            if (request.method != "GET") return false;
            answer(request, connection);
            return true;
        });
        CHECK(std::get<Unknown>(lookup(*both.remote, kSpec)).error.kind() == kind);
        CHECK(std::get<Unknown>(lookup_lock(*both.remote, kLock)).error.kind() == kind);
        const auto before = both.server.tag("team/envs", spec_tag(sha256("new")));
        CHECK(error_of([&] {
                  (void)publish(*both.remote, small_image(sha256("new lock"), sha256("new")), silent_reporter());
              }).kind() == kind);
        CHECK(both.server.tag("team/envs", spec_tag(sha256("new"))).empty());
    }
}

TEST_CASE("a publish that breaks anywhere leaves no pointer to half an image", "[cache]") {
    for (int broken = 0; broken < 8; ++broken) {
        INFO("the write number " << broken << " is refused");
        Both both;
        both.server.set_hook([seen = std::make_shared<std::atomic<int>>(0), broken](const FaultRequest& request,
                                                                                    FaultConnection& connection) {
            if (request.method != "PUT" || seen->fetch_add(1) != broken) return false;
            fault::respond(403, R"({"errors":[{"code":"DENIED"}]})")(request, connection);
            return true;
        });
        auto request = small_image(kLock, kSpec);
        request.tags = {"latest"};
        CHECK(error_of([&] { (void)publish(*both.remote, request, silent_reporter()); }).kind() ==
              ErrorKind::Unauthorized);
        for (const auto& result : {lookup(*both.remote, kSpec), lookup_lock(*both.remote, kLock)}) {
            if (const auto* hit = std::get_if<Hit>(&result))
                CHECK(missing_blobs(*both.remote, hit->descriptor).empty());
        }
        const auto again = publish(*both.remote, request, silent_reporter());
        CHECK(again.answer.descriptor.digest == digest_of(lookup(*both.remote, kSpec, Check::EveryBlob)));
    }
}

TEST_CASE("whether a blob is there is asked once, and what is there is not uploaded again", "[cache]") {
    Both both;
    const auto layer = oci::describe("t", "layer");
    both.remote->put_blob(layer, *oci::bytes_source("layer"), std::nullopt, nullptr);
    CHECK(both.server.log().size() == 3);
    CHECK(both.server.count("HEAD", "/blobs/") == 1);
    both.remote->put_blob(layer, *oci::bytes_source("layer"), std::nullopt, nullptr);
    CHECK(both.server.log().size() == 4);
    CHECK(both.server.count("POST", "/uploads/") == 1);
}

TEST_CASE("base layers are mounted on the same registry, and carried over from another", "[cache]") {
    Both both;
    FakeRegistry elsewhere;
    both.server.add_blob("library/base", "base");
    elsewhere.add_blob("library/base", "other base");
    auto request = small_image(kLock, kSpec, {"base", "other base", "top"});
    const auto here = *oci::Repository::parse(both.server.domain() + "/library/base");
    const auto there = *oci::Repository::parse(elsewhere.domain() + "/library/base");
    const auto base = registry_repository(both.run.context, here);
    const auto other = registry_repository(both.run.context, there);
    request.layers[0].origin = here;
    request.layers[0].content = repository_source(*base, request.layers[0].descriptor);
    request.layers[1].origin = there;
    request.layers[1].content = repository_source(*other, request.layers[1].descriptor);
    (void)publish(*both.remote, request, silent_reporter());
    hit_of(lookup(*both.remote, kSpec, Check::EveryBlob));
    CHECK(both.server.count("GET", "library/base/blobs") == 0);
    CHECK(both.server.count("POST", "mount=") == 1);
    // Into the embedded store both are copied.
    (void)publish(*both.embedded, request, silent_reporter());
    hit_of(lookup(*both.embedded, kSpec));
}

TEST_CASE("tags are checked before anything is sent", "[cache]") {
    Both both;
    for (const std::string tag : {"no tag", "", "spec-x", "lock-y"}) {
        auto request = small_image(kLock, kSpec);
        request.tags = {tag};
        CHECK(error_of([&] { (void)publish(*both.remote, request, silent_reporter()); }).kind() ==
              ErrorKind::InvalidInput);
    }
    CHECK(both.server.requests().empty());
}

TEST_CASE("a layer of the embedded store with a flipped byte passes a look-up, not --verify, and is mended by a build",
          "[cache]") {
    Both both;
    auto& repository = *both.embedded;
    (void)publish(repository, small_image(kLock, kSpec), silent_reporter());
    const auto file = both.folder.path() / "images" / "blobs" / "sha256" / sha256("packages").hex();
    std::ofstream(file, std::ios::trunc) << "Packages";
    hit_of(lookup(repository, kSpec));
    CHECK_THAT(std::get<Miss>(lookup(repository, kSpec, Check::EveryBlob)).warning,
               Catch::Contains(sha256("packages").hex()));
    (void)publish(repository, small_image(kLock, kSpec), silent_reporter());
    hit_of(lookup(repository, kSpec, Check::EveryBlob));
    std::ofstream(file, std::ios::trunc) << "pack";
    CHECK_THAT(std::get<Miss>(lookup(repository, kSpec)).warning, Catch::Contains("gone or damaged"));
}
