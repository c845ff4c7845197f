#include "catalog/base_filter.hpp"

#include "base/fs.hpp"

using namespace envbuild;
using namespace envbuild::catalog;
using Catch::Contains;

namespace {

const BaseImageCatalog& images() {
    static const auto images = BaseImageCatalog::load(std::string(ENVBUILD_SOURCE_DIR) + "/curated");
    return images;
}

std::vector<std::string> names(const BaseFilter& filter) {
    std::vector<std::string> names;
    for (const auto* entry : value_or_throw(filter_images(images(), filter))) names.push_back(entry->image);
    return names;
}

BaseFilter filter(std::string BaseFilter::* member, const std::string& value, bool deprecated = false) {
    BaseFilter filter;
    filter.*member = value;
    filter.deprecated = deprecated;
    return filter;
}

}  // namespace

TEST_CASE("without a filter: every image that is still supported, in the catalogue's order") {
    const auto all = names({});
    BaseFilter too;
    too.deprecated = true;
    CHECK(names(too).size() == images().images().size());
    CHECK(all.size() < names(too).size());
    CHECK(all.front() == images().images().front().image);
    for (const auto& name : all) CHECK_FALSE(images().find(name)->deprecated);
}

TEST_CASE("CUDA and cuDNN are matched by their parts") {
    for (const auto* entry : value_or_throw(filter_images(images(), filter(&BaseFilter::cuda, "11.8")))) {
        CAPTURE(entry->image);
        CHECK(entry->cuda == "11.8.0");
    }
    CHECK(names(filter(&BaseFilter::cuda, "11.8")) == names(filter(&BaseFilter::cuda, "11.8.0")));
    CHECK(names(filter(&BaseFilter::cuda, "11")).size() > names(filter(&BaseFilter::cuda, "11.8")).size());
    for (const auto* entry : value_or_throw(filter_images(images(), filter(&BaseFilter::cudnn, "8", true)))) {
        CAPTURE(entry->image);
        CHECK((entry->cudnn == "8" || entry->cudnn.starts_with("8.")));
    }
    CHECK(names(filter(&BaseFilter::cudnn, "8.9.6")).size() < names(filter(&BaseFilter::cudnn, "8.9")).size());
    for (const auto* entry : value_or_throw(filter_images(images(), filter(&BaseFilter::cuda, "none"))))
        CHECK(entry->cuda.empty());
}

TEST_CASE("system, flavor, publisher and MPI") {
    CHECK(names(filter(&BaseFilter::os, "ubuntu")).size() > names(filter(&BaseFilter::os, "ubuntu22.04")).size());
    for (const auto& name : names(filter(&BaseFilter::publisher, "azureml", true)))
        CHECK_THAT(name, Catch::StartsWith("mcr.microsoft.com/azureml/"));
    CHECK(names(filter(&BaseFilter::publisher, "azureml", true)) ==
          names(filter(&BaseFilter::publisher, "mcr.microsoft.com", true)));
    for (const auto& name : names(filter(&BaseFilter::flavor, "devel"))) CHECK(images().find(name)->flavor == "devel");
    for (const auto& name : names(filter(&BaseFilter::mpi, "openmpi 4", true)))
        CHECK_THAT(images().find(name)->mpi, Catch::StartsWith("openmpi 4"));
    auto several = filter(&BaseFilter::cuda, "12.4");
    several.flavor = "base";
    several.os = "ubuntu22.04";
    CHECK(names(several) == std::vector<std::string>{"docker.io/nvidia/cuda:12.4.1-base-ubuntu22.04"});
    several.platform = "linux-ppc64le";
    CHECK(names(several).empty());
}

TEST_CASE("a value that no image has is a slip: those that there are, are named") {
    const auto error = [](const BaseFilter& asked) { return filter_images(images(), asked).error().to_string(); };
    CHECK_THAT(error(filter(&BaseFilter::cuda, "11.9")), Contains("CUDA 11.9") && Contains("11.8"));
    CHECK_THAT(error(filter(&BaseFilter::cuda, "eleven")), Contains("'eleven' is no CUDA version"));
    CHECK_THAT(error(filter(&BaseFilter::flavor, "slim")), Contains("slim") && Contains("base, devel, runtime"));
    CHECK_THAT(error(filter(&BaseFilter::publisher, "amd")), Contains("amd") && Contains("azureml"));
    CHECK_THAT(error(filter(&BaseFilter::os, "alpine")), Contains("alpine") && Contains("ubuntu22.04"));
    CHECK_THAT(error(filter(&BaseFilter::mpi, "mpich")), Contains("mpich") && Contains("openmpi"));
    CHECK(filter_images(images(), filter(&BaseFilter::os, "alpine")).error().kind() == ErrorKind::InvalidInput);
}

TEST_CASE("an image as JSON and as a line") {
    const auto* entry = images().find("nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04");
    REQUIRE(entry != nullptr);
    const auto json = to_json(*entry);
    CHECK(json.string_or("cuda", "") == "11.8.0");
    CHECK(json.string_or("publisher", "") == "nvidia");
    CHECK(json["mpi"].is_null());
    CHECK(Digest::parse(json.string_or("digest", "")));
    CHECK_THAT(json.string_or("digest_source", ""), Contains("2026-11-23"));
    // One whose tag is pushed again every month has none.
    CHECK(to_json(*images().find("ubuntu:22.04"))["digest"].is_null());
    const auto lines = table_of({entry});
    REQUIRE(lines.size() == 2);
    CHECK_THAT(lines[0], Catch::StartsWith("IMAGE"));
    CHECK_THAT(lines[1], Contains("11.8.0") && Contains("8.9.6.50") && Contains(">=520.61.05"));
}

TEST_CASE("the page on limits says of how many images the digest is known") {
    std::size_t known = 0;
    for (const auto& entry : images().images()) known += entry.digest.empty() ? 0 : 1;
    const auto page = read_file(std::string(ENVBUILD_SOURCE_DIR) + "/docs/limits.md");
    CHECK_THAT(page, Contains("are there for " + std::to_string(known) + " of its\n  " +
                              std::to_string(images().images().size()) + " images"));
}

TEST_CASE("a digest in the catalogue is information, and must be one") {
    const TempDir folder("bases");
    const auto write = [&](const std::string& digest) {
        write_file_atomic(folder.path() / "base-images.yaml",
                          "default_cpu: docker.io/library/a:1\ndefault_gpu: docker.io/library/a:1\nimages:\n"
                          "  - {image: docker.io/library/a:1, os: x, digest: " +
                              digest + "}\n");
        std::filesystem::copy_file(std::string(ENVBUILD_SOURCE_DIR) + "/curated/cuda-compat.yaml",
                                   folder.path() / "cuda-compat.yaml",
                                   std::filesystem::copy_options::overwrite_existing);
    };
    const auto digest = sha256("x").to_string();
    write("\"" + digest + "\"");
    CHECK_THROWS_WITH(BaseImageCatalog::load(folder.path()), Contains("stand together"));
    write("\"" + digest + "\", digest_source: a test");
    const auto catalog = BaseImageCatalog::load(folder.path());
    CHECK(catalog.images().front().digest == digest);
    CHECK(to_json(catalog.images().front()).string_or("digest", "") == digest);
    CHECK_THAT(table_of({&catalog.images().front()}).back(), Contains(digest));
    // The choice names the tag all the same: what it stands for is asked of the registry.
    CHECK(value_or_throw(catalog.choose({})).image == "docker.io/library/a:1");
    write("sha256:12");
    CHECK_THROWS_WITH(BaseImageCatalog::load(folder.path()), Contains("base-images.yaml:4") && Contains("digest"));
}
