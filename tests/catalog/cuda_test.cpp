#include "catalog/cuda.hpp"

using namespace envbuild;
using namespace envbuild::catalog;

namespace {

CudaVersion cuda(std::string_view text) {
    return value_or_throw(CudaVersion::parse(text));
}

const CudaCompat& table() {
    static const auto table = CudaCompat::load(std::string(ENVBUILD_SOURCE_DIR) + "/curated/cuda-compat.yaml");
    return table;
}

std::vector<std::string> runtimes(const std::vector<NamedVersion>& packages) {
    std::vector<std::string> names;
    for (const auto& package : table().cuda_runtimes(packages)) names.push_back(package.name);
    return names;
}

}  // namespace

TEST_CASE("CUDA versions compare by number") {
    CHECK(cuda("9.2") < cuda("10.0"));
    CHECK(cuda("11.8") < cuda("11.8.1"));
    CHECK(cuda("12") == cuda("12.0.0"));
    CHECK(cuda("12.10") > cuda("12.9"));
    CHECK(cuda("12.4.1").major_minor() == "12.4");
    CHECK(cuda("12").major_minor() == "12");
    CHECK(cuda("12.4.1").fits(cuda("12")));
    CHECK(cuda("12.4.1").fits(cuda("12.4")));
    CHECK_FALSE(cuda("12.4.1").fits(cuda("12.4.0")));
    CHECK_FALSE(cuda("12.4.1").fits(cuda("1")));
    for (const auto* bad : {"", "x", "11.", ".8", "11.8.0.1", "-1", "11,8", "11.8a", "cuda11", "99999999999"}) {
        CAPTURE(bad);
        CHECK_FALSE(CudaVersion::parse(bad));
    }
}

TEST_CASE("the lowest driver of a toolkit, and of its major version") {
    CHECK(table().min_driver(cuda("12.4.1")) == "550.54.15");
    CHECK(table().min_driver(cuda("12.4")) == "550.54.14");
    CHECK(table().min_driver(cuda("11.8.0")) == "520.61.05");
    CHECK(table().min_driver(cuda("12.4.1"), true) == "525.60.13");
    CHECK(table().min_driver(cuda("11.8"), true) == "450.80.02");
    CHECK(table().min_driver(cuda("10.2"), true) == "440.33");
    CHECK(table().min_driver(cuda("99.1")).empty());
}

TEST_CASE("NVIDIA_REQUIRE_CUDA") {
    CHECK(table().nvidia_require_cuda(cuda("12.4.1")) == "cuda>=12.4");
    CHECK(table().nvidia_require_cuda(cuda("11.8"), true) == "cuda>=11.8 brand=tesla,driver>=470,driver<471");
    CHECK(table().nvidia_require_cuda(cuda("12.2"), true) ==
          "cuda>=12.2 brand=tesla,driver>=470,driver<471 brand=tesla,driver>=525,driver<526");
}

TEST_CASE("the framework table answers by version prefix") {
    REQUIRE(table().find("pip", "tensorflow", "2.4.1") != nullptr);
    CHECK(table().find("pip", "tensorflow", "2.4.1")->builds == std::vector<std::string>{"11.0"});
    CHECK(table().find("pip", "tensorflow", "2.4.1")->loads_base);
    CHECK(table().find("pip", "tensorflow", "2.40") == nullptr);
    CHECK(table().find("pip", "tensorflow", "") == nullptr);
    CHECK(table().find("conda", "tensorflow", "2.4.1") == nullptr);
    CHECK_FALSE(table().find("pip", "torch", "1.13.1+cu117")->loads_base);
    CHECK_FALSE(table().find("pip", "torch", "")->loads_base);
    CHECK_FALSE(table().find("conda", "cudatoolkit", "10.2")->loads_base);
}

TEST_CASE("who brings a CUDA runtime along") {
    CHECK(runtimes({{"cudatoolkit", "11.8.0", false}, {"numpy", "1.26", false}}) ==
          std::vector<std::string>{"cudatoolkit"});
    CHECK(runtimes({{"cuda-cudart", "12.4.127", false}}) == std::vector<std::string>{"cuda-cudart"});
    CHECK(runtimes({{"nvidia-cuda-runtime-cu12", "12.1.105", true}}) ==
          std::vector<std::string>{"nvidia-cuda-runtime-cu12"});
    CHECK(runtimes({{"torch", "1.13.1+cu117", true}}) == std::vector<std::string>{"torch"});
    CHECK(runtimes({{"torch", "1.13.1+cpu", true}, {"tensorflow", "2.4.0", true}, {"cuda-version", "12.4", false}})
              .empty());
}
