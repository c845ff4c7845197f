#include "cache/image_repository.hpp"

#include <catch2/catch.hpp>

#include "support/cache_fixture.hpp"

using namespace envbuild;
using namespace envbuild::cache;
using namespace envbuild::testing;

TEST_CASE("a repository is named as a layout or as a registry's", "[cache]") {
    Run run;
    CHECK(open_repository("oci:/x/../y", run.context, {})->name() == "oci:/y");
    CHECK(open_repository("localhost:5000/team/envs", run.context, {})->name() == "localhost:5000/team/envs");
    CHECK(open_repository("team/envs", run.context, {})->name() == "docker.io/team/envs");
    for (const std::string name : {"oci:", "https://x/y", "a:b", "", "oci:/a\nb"}) {
        CHECK(error_of([&] { (void)open_repository(name, run.context, {}); }).kind() == ErrorKind::InvalidInput);
    }
}

TEST_CASE("a folder with other things in it is refused when it is opened, not after a build", "[cache]") {
    Run run;
    const TempDir folder("other");
    write_file_atomic(folder.path() / "thesis.tex", "precious");
    const auto error = error_of([&] { (void)open_repository("oci:" + folder.path().string(), run.context, {}); });
    CHECK(error.kind() == ErrorKind::InvalidInput);
    CHECK_THAT(error.message(), Catch::Contains("thesis.tex"));
    write_file_atomic(folder.path() / "oci-layout", R"({"imageLayoutVersion":"9.0.0"})");
    CHECK_THROWS_WITH(layout_repository(folder.path(), {}), Catch::Contains("9.0.0"));
    CHECK(layout_repository(folder.path() / "absent", {})->name() == "oci:" + (folder.path() / "absent").string());
    CHECK_FALSE(fs::exists(folder.path() / "absent"));
}

TEST_CASE("an image is fetched with its config, through an index where there is one", "[cache]") {
    const TempDir folder("image");
    const auto repository = layout_repository(folder.path(), {});
    const auto published = publish(*repository, small_image(sha256("lock"), sha256("spec")), silent_reporter());
    for (const auto& identifier :
         {lock_tag(sha256("lock")), spec_tag(sha256("spec")), published.answer.descriptor.digest.to_string()}) {
        const auto image = fetch_image(*repository, identifier, {"linux", "amd64", ""});
        REQUIRE(image);
        CHECK(image->descriptor.digest == published.answer.descriptor.digest);
        CHECK(image->config.diff_ids().size() == 3);
        CHECK(oci::read_all(*repository_source(*repository, image->manifest.layers[2])->open(), 100) == "top");
    }
    CHECK_FALSE(fetch_image(*repository, "absent", {}));
    const auto error =
        error_of([&] { (void)fetch_image(*repository, spec_tag(sha256("spec")), {"linux", "arm64", ""}); });
    CHECK(error.kind() == ErrorKind::NotFound);
    CHECK_THAT(error.message(), Catch::Contains("linux/arm64") && Catch::Contains("linux/amd64"));
}

TEST_CASE("a manifest whose config lists other layers is Corrupt", "[cache]") {
    const TempDir folder("image");
    const auto repository = layout_repository(folder.path(), {});
    const auto request = small_image(sha256("lock"), std::nullopt);
    (void)publish(*repository, request, silent_reporter());
    oci::Manifest manifest;
    manifest.config = request.config.descriptor();
    repository->put_manifest(manifest.to_bytes(), oci::media_type::kManifest, "wrong");
    CHECK(error_of([&] { (void)fetch_image(*repository, "wrong", {}); }).kind() == ErrorKind::Corrupt);
}

TEST_CASE("tags are listed, sorted, over all pages; a repository that is not there has none", "[cache]") {
    const TempDir folder("tags");
    FakeRegistry registry;  // two tags a page
    Run run;
    const auto layout = layout_repository(folder.path() / "images", {});
    const auto remote = open_repository(registry.domain() + "/team/envs", run.context, {});
    for (auto* repository : {layout.get(), remote.get()}) {
        INFO(repository->name());
        CHECK(repository->list_tags().empty());
        auto request = small_image(sha256("lock"), sha256("spec"));
        request.tags = {"latest", "a", "z"};
        (void)publish(*repository, request, silent_reporter());
        CHECK(repository->list_tags() ==
              std::vector<std::string>{"a", "latest", lock_tag(sha256("lock")), spec_tag(sha256("spec")), "z"});
    }
}
