// The same on real registries: CNCF Distribution, open and with a password, and skopeo as a second opinion.
// scripts/test sets ENVBUILD_TEST_REGISTRY, ENVBUILD_TEST_REGISTRY_AUTH (host:port each), ENVBUILD_TEST_REGISTRY_USER
// and _PASSWORD, and runs [.registry].
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>

#include "base/process.hpp"
#include "support/cache_fixture.hpp"

using namespace envbuild;
using namespace envbuild::cache;
using namespace envbuild::testing;

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == 0)
        throw std::runtime_error(std::string(name) + " is not set: start the test site");
    return value;
}

// A repository that no other test has written to.
std::string fresh(const std::string& domain, const std::string& name) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    return domain + "/envbuild-test/" + name + "-" + std::to_string(::getpid()) + "-" + std::to_string(now);
}

std::string open_registry() {
    return variable("ENVBUILD_TEST_REGISTRY");
}

ProcessResult skopeo(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "skopeo");
    return run_process(arguments, "", std::chrono::seconds(60), {});
}

const Digest kSpec = sha256("spec");
const Digest kLock = sha256("lock");

}  // namespace

TEST_CASE("publish and look up on a real registry, and skopeo reads the pointer", "[.registry]") {
    Run run;
    const auto name = fresh(open_registry(), "publish");
    const auto repository = open_repository(name, run.context, {});
    CHECK(std::holds_alternative<Miss>(lookup(*repository, kSpec)));
    auto request = small_image(kLock, kSpec, {"base", std::string(20 << 20, 'p'), "top"});
    request.tags = {"latest"};
    const auto published = publish(*repository, request, silent_reporter());
    CHECK(published.ours);
    CHECK(hit_of(lookup(*repository, kSpec, Check::EveryBlob)).image == published.answer.image);
    CHECK(hit_of(lookup_lock(*repository, kLock, Check::EveryBlob)).image == published.answer.image);
    CHECK(publish(*repository, request, silent_reporter()).answer.image == published.answer.image);

    const auto inspected = skopeo({"inspect", "--tls-verify=false", "docker://" + name + ":" + spec_tag(kSpec)});
    INFO(inspected.err);
    REQUIRE(inspected.exit_code == 0);
    CHECK(Json::parse(inspected.out)->string_or("Architecture", "") == "amd64");
    const auto by_digest = skopeo({"inspect", "--tls-verify=false", "--raw", "docker://" + published.answer.image});
    CHECK(sha256(by_digest.out) == published.answer.descriptor.digest);

    registry::RegistryClient client(run.context, *oci::Repository::parse(name));
    CHECK(client.list_tags() == std::vector<std::string>{"latest", lock_tag(kLock), spec_tag(kSpec)});
    CHECK(client.head_manifest("latest")->digest == published.answer.descriptor.digest);
    CHECK_FALSE(client.head_manifest("absent"));
    const auto layer = request.layers[1].descriptor;
    CHECK(oci::read_all(*client.open_blob(layer), 32 << 20) == std::string(20 << 20, 'p'));
    CHECK_FALSE(client.has_blob(oci::describe("t", "absent")));
}

TEST_CASE("blobs are mounted and streamed on a real registry", "[.registry]") {
    Run run;
    const auto from = *oci::Repository::parse(fresh(open_registry(), "from"));
    const auto to = *oci::Repository::parse(fresh(open_registry(), "to"));
    registry::RegistryClient source(run.context, from);
    registry::RegistryClient client(run.context, to);
    const auto content = to.path() + std::string(5 << 20, 'x');
    const auto blob = oci::describe(oci::media_type::kLayer, content);
    source.upload_blob(blob, *oci::bytes_source(content));
    CHECK_FALSE(client.has_blob(blob));
    CHECK(client.mount_blob(blob, from.path()));
    CHECK(client.has_blob(blob));
    CHECK_FALSE(client.mount_blob(oci::describe("t", "absent" + to.path()), from.path()));
    CHECK(error_of([&] {
              (void)client.put_manifest(image_manifest("absent"), oci::media_type::kManifest, "x");
          }).kind() == ErrorKind::InvalidInput);
}

TEST_CASE("a real registry with a password takes the right one, and refuses none and a wrong one", "[.registry]") {
    const auto domain = variable("ENVBUILD_TEST_REGISTRY_AUTH");
    const auto user = variable("ENVBUILD_TEST_REGISTRY_USER");
    const auto name = fresh(domain, "auth");
    const TempDir home("home");
    {
        Run run({}, login(home, domain, user, variable("ENVBUILD_TEST_REGISTRY_PASSWORD")));
        const auto repository = open_repository(name, run.context, {});
        const auto published = publish(*repository, small_image(kLock, kSpec), silent_reporter());
        CHECK(hit_of(lookup(*repository, kSpec, Check::EveryBlob)).image == published.answer.image);
    }
    Run nobody;
    const auto none = std::get<Unknown>(lookup(*open_repository(name, nobody.context, {}), kSpec)).error;
    CHECK(none.kind() == ErrorKind::Unauthorized);
    CHECK_THAT(none.to_string(), Catch::Contains("docker login " + domain));
    Run wrong({}, login(home, domain, user, "hunter2"));
    const auto refused = std::get<Unknown>(lookup(*open_repository(name, wrong.context, {}), kSpec)).error;
    CHECK(refused.kind() == ErrorKind::Unauthorized);
    CHECK_THAT(refused.to_string(), Catch::Contains("'" + user + "'") && !Catch::Contains("hunter2"));
}

TEST_CASE("an image goes from a real registry into the embedded store, which skopeo reads", "[.registry]") {
    Run run;
    const auto name = *oci::Repository::parse(fresh(open_registry(), "copy"));
    const auto remote = registry_repository(run.context, name);
    auto request = small_image(kLock, kSpec);
    CHECK(publish(*remote, request, silent_reporter()).ours);
    for (auto& layer : request.layers) layer.content = repository_source(*remote, layer.descriptor);

    const TempDir folder("layout");
    const auto embedded = layout_repository(folder.path() / "images", {});
    const auto published = publish(*embedded, request, silent_reporter());
    for (const auto& tag : {lock_tag(kLock), spec_tag(kSpec)}) {
        const auto inspected = skopeo({"inspect", "oci:" + (folder.path() / "images").string() + ":" + tag});
        INFO(inspected.err);
        REQUIRE(inspected.exit_code == 0);
        CHECK(Json::parse(inspected.out)->string_or("Os", "") == "linux");
    }
    // skopeo's own copy of it is the same image.
    const auto target = fresh(open_registry(), "by-skopeo");
    const auto copied =
        skopeo({"copy", "--preserve-digests", "--dest-tls-verify=false",
                "oci:" + (folder.path() / "images").string() + ":" + lock_tag(kLock), "docker://" + target + ":x"});
    INFO(copied.err);
    REQUIRE(copied.exit_code == 0);
    registry::RegistryClient client(run.context, *oci::Repository::parse(target));
    CHECK(client.get_manifest("x")->descriptor.digest == published.answer.descriptor.digest);
}
