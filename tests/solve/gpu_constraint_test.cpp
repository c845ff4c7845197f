#include "solve/gpu_constraint.hpp"

#include "solve/records_support.hpp"
#include "solve/virtual_packages.hpp"

using namespace envbuild;
using namespace envbuild::solve;
using namespace envbuild::solve::test;
using Catch::Contains;
using Dists = std::vector<std::string>;

namespace {

// The CPU build has the higher build number and nothing to ask for, so that a hope would take it.
std::vector<conda::PackageRecord> both() {
    return {record("pytorch-1.13-cpu_9", {"libfoo"}), record("pytorch-1.13-cuda118_0", {"libfoo", "__cuda >=11.8"}),
            record("torchvision-0.14-py_0", {"pytorch 1.13.*"}), record("libfoo-1.0-0")};
}

Request gpu_request(const std::vector<std::string>& texts, const std::string& cuda) {
    auto asked = request(texts);
    asked.gpu = true;
    if (!cuda.empty()) asked.virtual_packages = *virtual_records({{"__cuda", cuda}});
    return asked;
}

}  // namespace

TEST_CASE("what a GPU build is") {
    CHECK(is_gpu_build(record("a-1-cuda112py39_0")));
    CHECK(is_gpu_build(record("a-1-gpu_py36_0")));
    CHECK(is_gpu_build(record("a-1-py3.9_cuda11.8_cudnn8.7.0_0")));
    CHECK(is_gpu_build(record("a-1-h1_0", {"cudatoolkit 10.2.*"})));
    CHECK(is_gpu_build(record("a-1-h1_0", {"cuda-version >=12,<13"})));
    CHECK(is_gpu_build(record("a-1-h1_0", {"cuda-cudart >=12"})));
    CHECK(is_gpu_build(record("a-1-h1_0", {"__cuda"})));
    CHECK(is_gpu_build(record("a-1-h1_0", {"pytorch * cuda*"})));
    CHECK(is_gpu_build(record("a-1-h1_0", {"pytorch-cuda>=11.8"})));
    CHECK(is_gpu_build(record("a-1-h1_0", {"pytorch=2.0=*cuda*"})));
    CHECK(is_gpu_build(record("a-1-h1_0", {"pytorch[build=*cuda*]"})));
    CHECK(is_gpu_build(record("a-1-h1_0", {"nvidia::cuda-cudart"})));
    CHECK_FALSE(is_gpu_build(record("a-1-h1_0", {"cudatoolkit", "cpuonly"})));
    CHECK_FALSE(is_gpu_build(record("a-1-cpu_py39_0")));
    CHECK_FALSE(is_gpu_build(record("a-1-h1_0", {"numpy", "pytorch * cpu*"})));
    CHECK_FALSE(is_gpu_build(record("a-1-h1_0", {"cpuonly", "cudatoolkit"})));
    CHECK_FALSE(is_gpu_build(record("a-1-h1_0", {}, {"cudatoolkit 11.*"})));
}

TEST_CASE("without --gpu the preference alone decides") {
    auto provider = channel(both());
    CHECK(sorted_dists(solve::solve(request({"pytorch"}), provider)) == Dists{"libfoo-1.0-0", "pytorch-1.13-cpu_9"});
}

TEST_CASE("--gpu takes the GPU build, of dependencies too, and says so") {
    auto provider = channel(both());
    const auto solution = solve::solve(gpu_request({"torchvision"}, "12.4"), provider);
    CHECK(sorted_dists(solution) == Dists{"libfoo-1.0-0", "pytorch-1.13-cuda118_0", "torchvision-0.14-py_0"});
    CHECK(solution.notes == Dists{"pytorch is the GPU build cuda118_0"});
}

TEST_CASE("--gpu stays with older versions rather than fall back to a CPU build") {
    auto records = both();
    records.push_back(record("pytorch-2.0-cpu_0", {"libfoo"}));
    auto provider = channel(records);
    CHECK(sorted_dists(solve::solve(gpu_request({"pytorch"}, "12.4"), provider)) ==
          Dists{"libfoo-1.0-0", "pytorch-1.13-cuda118_0"});
}

TEST_CASE("--gpu changes nothing for packages that come in one kind") {
    auto provider = channel({record("numpy-1.0-0"), record("cuda-thing-1.0-0"), record("alone-1.0-cuda_0")});
    CHECK(sorted_dists(solve::solve(gpu_request({"numpy", "alone"}, "12.4"), provider)) ==
          Dists{"alone-1.0-cuda_0", "numpy-1.0-0"});
}

TEST_CASE("a CPU build that the file names is taken under --gpu") {
    auto records = both();
    records.push_back(record("pytorch-cpu-1.13-cpu_0", {"pytorch 1.13 cpu*"}));
    records.push_back(record("cpuonly-1.0-0"));
    auto provider = channel(records);
    for (const auto& text : {"pytorch=*=cpu*", "pytorch[build=*cpu*]", "pytorch-cpu"}) {
        const auto found = sorted_dists(solve::solve(gpu_request({text}, "12.4"), provider));
        CHECK(std::find(found.begin(), found.end(), "pytorch-1.13-cpu_9") != found.end());
    }
    const auto found = sorted_dists(solve::solve(gpu_request({"pytorch", "cpuonly"}, "12.4"), provider));
    CHECK(std::find(found.begin(), found.end(), "pytorch-1.13-cpu_9") != found.end());
}

TEST_CASE("what comes with a CPU build that the file names follows it") {
    auto provider = channel(
        {record("pytorch-2.0-cpu_0", {"libtorch 2.0 cpu_0"}), record("pytorch-2.0-cuda_1", {"libtorch 2.0 cuda_1"}),
         record("libtorch-2.0-cpu_0"), record("libtorch-2.0-cuda_1", {"__cuda"}),
         record("torchvision-1.0-cpu_0", {"pytorch * cpu*"}), record("torchvision-1.0-cuda_1", {"pytorch * cuda*"})});
    CHECK(sorted_dists(solve::solve(gpu_request({"pytorch=*=cpu*", "torchvision"}, "12.4"), provider)) ==
          Dists{"libtorch-2.0-cpu_0", "pytorch-2.0-cpu_0", "torchvision-1.0-cpu_0"});
    CHECK(sorted_dists(solve::solve(gpu_request({"pytorch", "torchvision"}, "12.4"), provider)) ==
          Dists{"libtorch-2.0-cuda_1", "pytorch-2.0-cuda_1", "torchvision-1.0-cuda_1"});
}

TEST_CASE("an impossible GPU build is an error that says why") {
    auto provider = channel(both());
    const auto text = why_not(gpu_request({"torchvision"}, "11.2"), provider);
    CHECK_THAT(text, Contains("'torchvision' and --gpu cannot be had together"));
    CHECK_THAT(text, Contains("pytorch 1.13=cuda118_0 needs __cuda >=11.8"));
    CHECK_THAT(text, Contains("the target has CUDA 11.2"));
    CHECK_THAT(text, Contains("pytorch 1.13=cpu_9 is a CPU build"));
    CHECK_THAT(text, Contains("pytorch=*=*cpu*"));
}

TEST_CASE("a version that has CPU builds only is an error that names the GPU builds there are") {
    auto records = both();
    records.push_back(record("pytorch-2.0-cpu_0", {"libfoo"}));
    auto provider = channel(records);
    const auto text = why_not(gpu_request({"pytorch=2.0"}, "12.4"), provider);
    CHECK_THAT(text, Contains("'pytorch=2.0' and --gpu cannot be had together"));
    CHECK_THAT(text, Contains("pytorch 2.0=cpu_0 is a CPU build"));
    CHECK_THAT(text, Contains("there are GPU builds of pytorch 1.13=cuda118_0"));
}
