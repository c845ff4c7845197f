#include "catalog/framework_advice.hpp"

using namespace envbuild;
using namespace envbuild::catalog;
using Catch::Contains;

namespace {

const BaseImageCatalog& images() {
    static const auto images = BaseImageCatalog::load(std::string(ENVBUILD_SOURCE_DIR) + "/curated");
    return images;
}

std::vector<FrameworkAsk> asks(const std::vector<std::string>& texts) {
    std::vector<FrameworkAsk> asks;
    for (const auto& text : texts) asks.push_back(value_or_throw(FrameworkAsk::parse(text)));
    return asks;
}

FrameworkAnswer answer(const std::vector<std::string>& texts) {
    return value_or_throw(advise(images(), asks(texts), "linux-64"));
}

std::string error(const std::vector<std::string>& texts, ErrorKind kind) {
    const auto answer = advise(images(), asks(texts), "linux-64");
    if (answer) return "an answer: " + answer->to_json().dump();
    CHECK(answer.error().kind() == kind);
    return answer.error().to_string();
}

std::vector<std::string> builds(const FrameworkFacts& facts) {
    std::vector<std::string> builds;
    for (const auto& build : facts.builds) builds.push_back(build.cuda);
    return builds;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("what is asked: a package, its manager and its version") {
    const auto torch = value_or_throw(FrameworkAsk::parse("torch==2.1"));
    CHECK((torch.manager == "pip" && torch.package == "torch" && torch.version == "2.1"));
    const auto conda = value_or_throw(FrameworkAsk::parse(" conda:pytorch=2.1.* "));
    CHECK((conda.manager == "conda" && conda.package == "pytorch" && conda.version == "2.1"));
    const auto extra = value_or_throw(FrameworkAsk::parse("pip:TensorFlow[and_cuda]==2.15.0"));
    CHECK((extra.package == "tensorflow[and-cuda]" && extra.version == "2.15.0"));
    CHECK(value_or_throw(FrameworkAsk::parse("torch")).version.empty());
    CHECK(value_or_throw(FrameworkAsk::parse("torch==*")).version.empty());
    for (const auto* bad : {"", "==2", "torch>=2", "torch~=2.1", "torch==2,<3", "pip:", "to rch==1", "torch==2..1"}) {
        CAPTURE(bad);
        const auto ask = FrameworkAsk::parse(bad);
        REQUIRE_FALSE(ask);
        CHECK(ask.error().kind() == ErrorKind::InvalidInput);
        CHECK_THAT(ask.error().hint(), Contains("torch==2.1"));
    }
}

TEST_CASE("wheels that bundle CUDA need the slim base alone") {
    const auto torch = answer({"torch==2.1"});
    REQUIRE(torch.facts.size() == 1);
    CHECK_FALSE(torch.facts[0].loads_base);
    CHECK(builds(torch.facts[0]) == Strings{"11.8", "12.1"});
    CHECK(torch.facts[0].builds[0].cudnn == "8.7.0.84");
    CHECK(torch.facts[0].builds[1].cudnn == "8.9.2.26");
    CHECK(torch.facts[0].builds[1].min_driver == "530.30.02");
    CHECK(torch.facts[0].builds[1].min_driver_major == "525.60.13");
    CHECK(torch.facts[0].pythons == Strings{"3.8", "3.9", "3.10", "3.11"});
    CHECK_THAT(torch.facts[0].source_text, Contains("RELEASE.md"));
    CHECK_FALSE(torch.facts[0].date.empty());
    REQUIRE(torch.suggestions.size() == 2);
    CHECK(torch.suggestions[0].entry->image == "docker.io/nvidia/cuda:12.1.1-base-ubuntu22.04");
    CHECK(torch.suggestions[0].instead_of == "docker.io/nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04");
    CHECK_THAT(torch.suggestions[0].reason, Contains("torch==2.1 brings CUDA 12.1") && Contains("525.60.13"));
    CHECK(torch.suggestions[1].entry->image == "docker.io/nvidia/cuda:11.8.0-base-ubuntu22.04");
    // What a build takes does not change by this answer.
    CHECK(torch.build_takes == "docker.io/nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04");
}

TEST_CASE("what loads the base's CUDA needs that CUDA and its cuDNN") {
    const auto flow = answer({"tensorflow==2.4.0"});
    CHECK(flow.facts[0].loads_base);
    REQUIRE_FALSE(flow.suggestions.empty());
    CHECK(flow.suggestions[0].entry->image == flow.build_takes);
    CHECK_THAT(flow.suggestions[0].entry->image, Contains("cuda:11.0.3-cudnn8-runtime"));
    CHECK_THAT(flow.suggestions[0].reason, Contains("loads CUDA 11.0 and cuDNN 8.0"));
    CHECK(flow.suggestions[0].instead_of.empty());
    for (const auto& suggestion : flow.suggestions) CHECK(suggestion.entry->cuda.starts_with("11.0"));
    CHECK(flow.pythons == Strings{"3.6", "3.7", "3.8"});
}

TEST_CASE("the driver is that of the image, and a major version's where it is older") {
    CHECK_THAT(answer({"tensorflow==2.4.0"}).suggestions.at(0).reason,
               Contains("driver 450.51.06 or newer") && !Contains("450.80.02"));
    CHECK(answer({"tensorflow==2.4.0"}).facts.at(0).builds.at(0).min_driver_major.empty());
    CHECK_THAT(answer({"tensorflow==2.15"}).suggestions.at(0).reason, Contains("535.104.05") && Contains("525.60.13"));
}

TEST_CASE("an image of the right cuDNN goes before one that a build takes") {
    // 2.3 wants cuDNN 7 with CUDA 10.1; NVIDIA's own image has 8.
    const auto flow = answer({"tensorflow==2.3"});
    CHECK_THAT(flow.suggestions.at(0).entry->cudnn, Catch::StartsWith("7.6"));
    CHECK_THAT(flow.build_takes, Contains("10.1-cudnn8"));
    CHECK_THAT(flow.notes.at(0), Contains("--base"));
    CHECK_THAT(flow.suggestions.back().reason, Contains("does not fit"));
    // 2.14 was built with 8.7: 8.4 is too old for it, 8.9 is not.
    const auto newer = answer({"tensorflow==2.14"});
    for (const auto& suggestion : newer.suggestions) {
        CAPTURE(suggestion.entry->image);
        const bool old = suggestion.entry->cudnn.starts_with("8.4");
        CHECK(old == (suggestion.reason.find("does not fit") != std::string::npos));
    }
    CHECK(newer.suggestions.at(0).entry->image == newer.build_takes);
    // No runtime image has 10.0; others do.
    const auto old = answer({"tensorflow==2.0"});
    CHECK(old.build_takes.empty());
    CHECK_THAT(old.suggestions.at(0).entry->cuda, Catch::StartsWith("10.0"));
    CHECK(old.to_json()["build_takes"].is_null());
}

TEST_CASE("one that takes any CUDA of a major version beside one that takes a single one") {
    for (const auto& asked :
         {Strings{"cupy-cuda11x", "tensorflow==2.4.0"}, Strings{"tensorflow==2.4.0", "cupy-cuda11x"}}) {
        const auto both = answer(asked);
        CHECK(both.suggestions.at(0).entry->cuda == "11.0.3");
        CHECK(both.build_takes == both.suggestions[0].entry->image);
        for (const auto& suggestion : both.suggestions) CHECK(suggestion.entry->cuda.starts_with("11.0"));
    }
}

TEST_CASE("an image that has the CUDA and not the cuDNN is said to") {
    const auto flow = answer({"tensorflow==2.16.1"});
    CHECK_THAT(flow.suggestions.at(0).entry->image, Contains("12.3.2-cudnn9"));
    REQUIRE_FALSE(flow.notes.empty());
    CHECK_THAT(flow.notes[0], Contains("CUDA 12.3 with cuDNN 8.9 or a newer 8") && Contains("and-cuda"));
    CHECK(answer({"tensorflow==2.15"}).notes.empty());
}

TEST_CASE("an extra that brings CUDA is another answer") {
    const auto flow = answer({"tensorflow[and-cuda]==2.15.0"});
    CHECK_FALSE(flow.facts[0].loads_base);
    CHECK(builds(flow.facts[0]) == Strings{"12.2"});
    CHECK_THAT(flow.suggestions.at(0).entry->image, Contains("12.2.2-base"));
    // One that the table does not know changes nothing.
    CHECK(answer({"torch[opt-einsum]==2.1"}).suggestions.at(0).entry->image ==
          answer({"torch==2.1"}).suggestions[0].entry->image);
}

TEST_CASE("several at once: the base that one needs, the Pythons that all have") {
    const auto both = answer({"torch==2.1", "tensorflow==2.14"});
    CHECK(both.suggestions.at(0).entry->cuda == "11.8.0");
    CHECK(both.suggestions[0].entry->cudnn.starts_with("8"));
    CHECK(both.pythons == Strings{"3.9", "3.10", "3.11"});
    CHECK_THAT(both.notes.at(0), Contains("torch==2.1 brings its own CUDA"));
    CHECK_THAT(error({"tensorflow==2.4.0", "cupy-cuda102"}, ErrorKind::Unsatisfiable),
               Contains("cupy-cuda102") && Contains("tensorflow==2.4.0"));
    CHECK_THAT(error({"torch==1.6", "tensorflow==2.20"}, ErrorKind::Unsatisfiable),
               Contains("no Python has both") && Contains("torch==1.6") && Contains("tensorflow==2.20"));
}

TEST_CASE("conda's packages bring their CUDA along") {
    const auto torch = answer({"conda:pytorch=1.13"});
    CHECK(builds(torch.facts[0]) == Strings{"11.6", "11.7"});
    CHECK_THAT(torch.suggestions.at(0).entry->image, Contains("11.7.1-base"));
    CHECK(torch.facts[0].pythons == Strings{"3.7", "3.8", "3.9", "3.10"});
    const auto toolkit = answer({"conda:cudatoolkit=11.8"});
    CHECK_THAT(toolkit.suggestions.at(0).entry->image, Contains("11.8.0-base"));
    const auto flow = answer({"conda:tensorflow=2.15"});
    CHECK_FALSE(flow.facts[0].loads_base);
    CHECK_THAT(flow.facts[0].note, Contains("bring their CUDA along"));
    CHECK_THAT(flow.suggestions.at(0).entry->image, Contains("-base-"));
}

TEST_CASE("a CUDA that the catalogue has no base for is said, a gone image comes last") {
    const auto torch = answer({"torch==1.9"});
    CHECK(torch.suggestions.front().entry->cuda == "11.1.1");
    CHECK(torch.suggestions.back().entry->cuda == "10.2");
    CHECK(torch.suggestions.back().entry->deprecated);
    CHECK_THAT(answer({"torch==2.14"}).notes.at(0), Contains("13.2"));
    CHECK_THAT(answer({"torch==1.3"}).facts.at(0).note, Contains("does not say"));
}

TEST_CASE("what the table does not know") {
    CHECK_THAT(error({"trch==2.1"}, ErrorKind::NotFound), Contains("did you mean 'torch'"));
    CHECK_THAT(error({"numpy==1.26"}, ErrorKind::NotFound), Contains("numpy") && Contains("need no CUDA"));
    CHECK_THAT(error({"tensorflow==3.0"}, ErrorKind::NotFound), Contains("2.15") && Contains("3.0"));
    CHECK_THAT(error({"tensorflow==1.15"}, ErrorKind::NotFound), Contains("tensorflow-gpu==1.15"));
    CHECK_THAT(error({"tensorflow"}, ErrorKind::NotFound), Contains("names no version"));
}

TEST_CASE("the answer as JSON") {
    const auto json = answer({"torch==2.1"}).to_json();
    CHECK(json["images"].as_array().at(0).string_or("image", "") == "docker.io/nvidia/cuda:12.1.1-base-ubuntu22.04");
    const auto& fact = json["frameworks"].as_array().at(0);
    CHECK(fact.string_or("cuda", "") == "bundled");
    CHECK(fact["builds"].as_array().at(0).string_or("min_driver_minor_compatible", "") == "450.80.02");
    CHECK_FALSE(fact.string_or("date", "").empty());
}

TEST_CASE("rows that do not hold together are refused with their place") {
    CHECK(images().cuda().compute_range(value_or_throw(CudaVersion::parse("13.1")))->min.to_string() == "7.5");
    CHECK(images().cuda().compute_range(value_or_throw(CudaVersion::parse("11.0.3")))->max.to_string() == "8.0");
    CHECK(images().cuda().compute_range(value_or_throw(CudaVersion::parse("11.5")))->max.to_string() == "8.7");
    CHECK(images().cuda().compute_range(value_or_throw(CudaVersion::parse("12.6")))->max.to_string() == "9.0");
    CHECK(images().cuda().compute_range(value_or_throw(CudaVersion::parse("99"))) == nullptr);
    // Every CUDA of a base image has its range, its driver, and a driver of its major version.
    for (const auto& entry : images().images()) {
        if (entry.cuda.empty()) continue;
        CAPTURE(entry.image);
        const auto cuda = value_or_throw(CudaVersion::parse(entry.cuda));
        REQUIRE(images().cuda().compute_range(cuda) != nullptr);
        CHECK(images().cuda().compute_range(cuda)->min < images().cuda().compute_range(cuda)->max);
    }
    for (const auto& row : images().cuda().frameworks()) {
        CAPTURE(row.package + " " + row.version);
        CHECK_FALSE(row.date.empty());
        CHECK_FALSE(images().cuda().source(row.source).empty());
    }
}

TEST_CASE("drivers by number, and the CUDA that one offers") {
    CHECK((compare_drivers("525.60.13", "525.60.2") > 0));
    CHECK((compare_drivers("525", "525.0") == 0));
    CHECK((compare_drivers("470.82.01", "525.60.13") < 0));
    CHECK(images().cuda().cuda_of_driver("535.104.05")->to_string() == "12.2.2");
    CHECK(images().cuda().cuda_of_driver("550.54.14")->to_string() == "12.4");
    CHECK_FALSE(images().cuda().cuda_of_driver("1.0"));
}
