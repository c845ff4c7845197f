#include "catalog/base_images.hpp"

#include "base/fs.hpp"

using namespace envbuild;
using namespace envbuild::catalog;
using Catch::Contains;

namespace {

const std::string kCurated = std::string(ENVBUILD_SOURCE_DIR) + "/curated";
const std::string kGpuDefault = "docker.io/nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04";
const std::string kCuda118 = "docker.io/nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04";

const BaseImageCatalog& images() {
    static const auto images = BaseImageCatalog::load(kCurated);
    return images;
}

class Ask {
  public:
    Ask& gpu() { return spec_.gpu.wanted = true, *this; }
    Ask& cuda(const std::string& version) { return spec_.gpu.cuda = version, *this; }
    Ask& base(const std::string& image) { return spec_.base_image = image, *this; }
    Ask& conda(const std::string& text) {
        return spec_.conda.push_back(value_or_throw(conda::MatchSpec::parse(text))), *this;
    }
    Ask& pip(const std::string& name, const std::string& specifier, std::vector<std::string> extras = {}) {
        pypi::RequirementLine line;
        line.name = name;
        line.specifier = specifier;
        line.extras = std::move(extras);
        return spec_.pip.push_back(std::move(line)), *this;
    }
    Ask& platform(const std::string& name) { return spec_.platform = *conda::Platform::parse(name), *this; }

    [[nodiscard]] BaseChoice choice() const { return value_or_throw(images().choose(spec_)); }
    [[nodiscard]] std::string image() const { return choice().image; }
    [[nodiscard]] std::string error(ErrorKind kind) const {
        const auto choice = images().choose(spec_);
        if (choice) return "chose " + choice->image;
        CHECK(choice.error().kind() == kind);
        return choice.error().to_string();
    }

  private:
    spec::EnvironmentSpec spec_;
};

}  // namespace

TEST_CASE("the catalogue's own data holds together") {
    CHECK(images().images().size() > 60);
    for (const auto* name : {"docker.io/library/ubuntu:22.04", "docker.io/library/debian:bookworm-slim"}) {
        REQUIRE(images().find(name) != nullptr);
        CHECK(images().find(name)->cuda.empty());
    }
    CHECK(images().find(kGpuDefault)->cuda == "12.4.1");
    CHECK_FALSE(images().find(kCuda118)->deprecated);
    for (const auto& entry : images().images()) {
        CAPTURE(entry.image);
        CHECK_FALSE(entry.glibc.empty());
        CHECK_FALSE(entry.os.empty());
        CHECK_FALSE(entry.source.empty());
        CHECK_FALSE(entry.date.empty());
        CHECK_FALSE(entry.platforms.empty());
        CHECK(entry.flavor.empty() == entry.cuda.empty());
        if (entry.cuda.empty()) continue;
        CHECK(entry.min_driver == images().cuda().min_driver(value_or_throw(CudaVersion::parse(entry.cuda))));
    }
}

TEST_CASE("the defaults") {
    CHECK(Ask().image() == "docker.io/library/ubuntu:22.04");
    CHECK(Ask().pip("tensorflow", "==2.4.0").image() == "docker.io/library/ubuntu:22.04");
    CHECK(Ask().gpu().image() == kGpuDefault);
    CHECK(Ask().gpu().choice().cuda == "12.4.1");
    CHECK(Ask().gpu().choice().reason == "the default for GPU");
}

TEST_CASE("--cuda takes the fitting image") {
    CHECK(Ask().cuda("11.8").image() == kCuda118);
    CHECK(Ask().gpu().cuda("12.4").image() == kGpuDefault);
    CHECK(Ask().gpu().cuda("12.4.1").image() == kGpuDefault);
    CHECK_THAT(Ask().gpu().cuda("12").image(), Contains("cuda:12.9"));
    const auto old = Ask().gpu().cuda("10.1").choice();
    CHECK(old.image == "docker.io/nvidia/cuda:10.1-cudnn8-runtime-ubuntu18.04");
    REQUIRE(old.notes.size() == 1);
    CHECK_THAT(old.notes[0], Contains("no longer supported"));
    CHECK_THAT(Ask().gpu().cuda("11.9").error(ErrorKind::InvalidInput),
               Contains("--cuda 11.9") && Contains("11.8") && Contains("--base"));
    CHECK_THAT(Ask().gpu().cuda("eleven").error(ErrorKind::InvalidInput), Contains("'eleven' is no CUDA version"));
    CHECK_THAT(Ask().cuda("11.8").platform("linux-aarch64").error(ErrorKind::InvalidInput), Contains("linux-aarch64"));
}

TEST_CASE("what loads the base's CUDA chooses the base") {
    const auto choice = Ask().pip("tensorflow", "==2.4.0").gpu().choice();
    CHECK_THAT(choice.image, Contains("cuda:11.0.3-cudnn8-runtime"));
    CHECK(choice.reason == "tensorflow==2.4.0 (pip) loads CUDA 11.0 from its base image");
    CHECK_THAT(Ask().gpu().pip("tensorflow", "==2.12.*").image(), Contains("cuda:11.8.0-cudnn8"));
    // Of two the one that says more decides, in whatever order they stand.
    CHECK(Ask().gpu().pip("cupy-cuda11x", "").pip("tensorflow", "==2.4.0").choice().cuda == "11.0.3");
    CHECK(Ask().gpu().pip("tensorflow", "==2.4.0").pip("cupy-cuda11x", "").choice().cuda == "11.0.3");
    // Not pinned: nothing follows. With its own CUDA: nothing follows either.
    CHECK(Ask().gpu().pip("tensorflow", ">=2.4").image() == kGpuDefault);
    CHECK(Ask().gpu().pip("tensorflow", "==2.14.0", {"and-cuda"}).image() == kGpuDefault);
    CHECK(Ask().gpu().pip("cupy-cuda11x", "").choice().cuda.starts_with("11.8"));
}

TEST_CASE("a pin of conda's CUDA chooses the nearest base") {
    CHECK(Ask().gpu().conda("cudatoolkit=11.8").image() == kCuda118);
    CHECK(Ask().gpu().conda("pytorch-cuda=11.8").image() == kCuda118);
    CHECK_THAT(Ask().gpu().conda("cuda-version 12.6.*").image(), Contains("cuda:12.6"));
    // There is no supported image of 10.x, and the toolkit comes along.
    CHECK(Ask().gpu().conda("cudatoolkit=10.2").image() == kGpuDefault);
    CHECK(Ask().gpu().conda("cudatoolkit >=11").image() == kGpuDefault);
}

TEST_CASE("wheels that bundle CUDA contradict no base") {
    CHECK(Ask().cuda("11.8").pip("torch", "==1.13.1+cu117").image() == kCuda118);
    CHECK(Ask().gpu().pip("torch", "==2.4.0").image() == kGpuDefault);
    CHECK(Ask().gpu().base(kCuda118).pip("torch", "==2.4.0+cu124").image() == kCuda118);
}

TEST_CASE("a contradiction is an error that names both sides") {
    CHECK_THAT(Ask().cuda("11.8").conda("cudatoolkit=10.2").error(ErrorKind::Unsatisfiable),
               Contains("cudatoolkit=10.2 (conda) is CUDA 10.2") && Contains("--cuda 11.8"));
    CHECK_THAT(Ask().cuda("11.8").pip("tensorflow", "==2.4.0").error(ErrorKind::Unsatisfiable),
               Contains("tensorflow==2.4.0 (pip) loads from its base image CUDA 11.0") && Contains("--cuda 11.8"));
    CHECK_THAT(Ask().gpu().pip("tensorflow", "==2.4.0").pip("cupy-cuda102", "").error(ErrorKind::Unsatisfiable),
               Contains("cupy-cuda102") && Contains("tensorflow==2.4.0"));
    CHECK_THAT(Ask().gpu().base(kGpuDefault).pip("tensorflow", "==2.4.0").error(ErrorKind::Unsatisfiable),
               Contains("tensorflow==2.4.0") && Contains("--base " + kGpuDefault));
    CHECK_THAT(Ask().gpu().base("ubuntu:22.04").pip("tensorflow", "==2.4.0").error(ErrorKind::Unsatisfiable),
               Contains("has no CUDA"));
    CHECK_THAT(Ask().cuda("11.8").base(kGpuDefault).error(ErrorKind::Unsatisfiable),
               Contains("--cuda 11.8") && Contains("CUDA 12.4.1"));
    // What fits is none.
    CHECK(Ask().cuda("11.0").pip("tensorflow", "==2.4.0").choice().cuda == "11.0.3");
    CHECK(Ask().cuda("11").conda("cudatoolkit=11.8").choice().cuda == "11.8.0");
}

TEST_CASE("--base takes any image") {
    CHECK(Ask().base("registry.test:5000/mine:1").image() == "registry.test:5000/mine:1");
    CHECK(Ask().base("registry.test:5000/mine:1").choice().notes.empty());
    CHECK(Ask().gpu().base("registry.test:5000/mine:1").choice().notes.size() == 1);
    const auto known = Ask().base("nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04").choice();
    CHECK(known.image == "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04");
    CHECK(known.cuda == "11.8.0");
    // conda's own toolkit runs on any base.
    CHECK(Ask().gpu().base(kGpuDefault).conda("cudatoolkit=10.2").image() == kGpuDefault);
}

TEST_CASE("packages with their own runtime: a slimmer base is named") {
    const auto choice = Ask().gpu().choice();
    const auto advice = images().advice(choice, {{"cuda-cudart", "12.4.127", false}, {"numpy", "2.0", false}});
    REQUIRE(advice);
    CHECK(advice->slimmer == "docker.io/nvidia/cuda:12.4.1-base-ubuntu22.04");
    CHECK_THAT(advice->text,
               Contains("cuda-cudart 12.4.127") && Contains("--base docker.io/nvidia/cuda:12.4.1-base-ubuntu22.04"));
    CHECK_FALSE(images().advice(choice, {{"numpy", "2.0", false}}));
    CHECK_FALSE(images().advice(choice, {{"cuda-cudart", "12.4.127", false}, {"tensorflow", "2.15.0", true}}));
    CHECK_FALSE(images().advice(Ask().choice(), {{"cuda-cudart", "12.4.127", false}}));
}

TEST_CASE("image names as docker reads them") {
    CHECK(canonical_image_name("ubuntu") == "docker.io/library/ubuntu:latest");
    CHECK(canonical_image_name("ubuntu:22.04") == "docker.io/library/ubuntu:22.04");
    CHECK(canonical_image_name("nvidia/cuda:x@sha256:00") == "docker.io/nvidia/cuda:x");
    CHECK(canonical_image_name("index.docker.io/nvidia/cuda:x") == "docker.io/nvidia/cuda:x");
    CHECK(canonical_image_name("localhost/a") == "localhost/a:latest");
    CHECK(canonical_image_name("host:5000/a") == "host:5000/a:latest");
    CHECK(canonical_image_name("mcr.microsoft.com/azureml/a:1") == "mcr.microsoft.com/azureml/a:1");
}

TEST_CASE("data files: what is wrong with one, and where") {
    const TempDir folder("catalog");
    const auto load = [&](const std::string& text) {
        write_file_atomic(folder.path() / "base-images.yaml", text);
        return BaseImageCatalog::load(folder.path());
    };
    CHECK_THROWS_AS(BaseImageCatalog::load(folder.path()), Error);
    CHECK_THROWS_WITH(load("default_cpu: a\n"), Contains("'images' is missing"));
    CHECK_THROWS_WITH(load("images:\n- image: docker.io/library/a:1\n  colour: red\n"), Contains("'colour'"));
    CHECK_THROWS_WITH(load("images:\n- image: ubuntu:22.04\n"), Contains("with registry and tag"));
    CHECK_THROWS_WITH(load("images:\n- {image: 'a.test/a:1', cuda: eleven}\n"), Contains("no CUDA version"));
    CHECK_THROWS_WITH(load("images:\n- image: a.test/a:1\n- image: a.test/a:1\n"), Contains("is there twice"));
    CHECK_THROWS_WITH(load("default_cpu: a.test/b:1\nimages:\n- image: a.test/a:1\n"),
                      Contains("not among the images"));
    try {
        (void)load("images:\n- {image: 'a.test/a:1'}\n- {image: 'a.test/a:1'}\n");
        FAIL("an image that is there twice was taken");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::InvalidInput);
        CHECK_THAT(error.to_string(), Contains("base-images.yaml:3:3"));
    }
    try {
        write_file_atomic(
            folder.path() / "cuda-compat.yaml",
            "default_target: \"12.4\"\ndrivers: []\nminor_version_drivers: []\nforward_compatible: []\nruntimes: []\n"
            "frameworks:\n- {manager: pip, package: x, cuda: base}\n");
        (void)CudaCompat::load(folder.path() / "cuda-compat.yaml");
        FAIL("a row without builds was taken");
    } catch (const Error& error) {
        CHECK_THAT(error.to_string(), Contains("cuda-compat.yaml:7:3") && Contains("'builds'"));
    }
}
