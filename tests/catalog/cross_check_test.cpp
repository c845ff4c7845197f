// Holds curated/ against the tables that it was made from, where they are there (tests/support/shared_data.hpp): what
// contradicts is decided in the comments of curated/cuda-compat.yaml, one by one.
#include <catch2/catch.hpp>

#include <algorithm>
#include <regex>
#include <set>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "catalog/base_images.hpp"
#include "support/shared_data.hpp"

using namespace envbuild;
using namespace envbuild::catalog;

namespace {

using Set = std::set<std::string>;

const BaseImageCatalog& images() {
    static const auto images = BaseImageCatalog::load(std::string(ENVBUILD_SOURCE_DIR) + "/curated");
    return images;
}

std::optional<Json> shared(std::string_view name) {
    const auto file = test::shared_file("data/" + std::string(name));
    if (!file) return std::nullopt;
    return value_or_throw(Json::parse(read_file(*file)));
}

Set strings(const Json& list) {
    Set set;
    for (const auto& item : list.as_array()) set.insert(item.as_string());
    return set;
}

Set set_of(const std::vector<std::string>& list) {
    return {list.begin(), list.end()};
}

// "cu113" -> "11.3"
std::string cuda_of_label(const std::string& label) {
    const std::regex form("cu([0-9]+)([0-9])\\b");
    std::smatch match;
    return std::regex_search(label, match, form) ? match[1].str() + "." + match[2].str() : "";
}

// The lines "#! WHAT: why" of the table.
Set decided() {
    Set lines;
    const auto text = read_file(std::string(ENVBUILD_SOURCE_DIR) + "/curated/cuda-compat.yaml");
    for (const auto line : split(text, '\n')) {
        if (line.starts_with("#! ")) lines.insert(std::string(line.substr(3, line.find(':') - 3)));
    }
    return lines;
}

void check_wheel(const std::string& version, const std::string& label, const Json& wheel, Set& contradictions) {
    const auto* row = images().cuda().find("pip", "torch", version);
    REQUIRE(row != nullptr);
    const auto name = "torch " + version;
    if (wheel["cuda"].is_string()) {
        const auto& cuda = wheel["cuda"].as_string();
        const auto labelled = cuda_of_label(label);
        if (cuda.empty()) {
            contradictions.insert(name + " CUDA unknown");
        } else if (!labelled.empty() && labelled != cuda) {
            contradictions.insert(name + " " + label + " is CUDA " + cuda);
        } else if (!set_of(row->builds).contains(cuda)) {
            contradictions.insert(name + " CUDA " + cuda);
        }
    }
    if (row->pythons.empty()) {
        const auto read = strings(wheel["pythons"]);
        contradictions.insert(name + " Python only " + join({read.begin(), read.end()}, ", "));
        return;
    }
    for (const auto& python : strings(wheel["pythons"])) {
        if (!set_of(row->pythons).contains(python)) contradictions.insert(name + " Python " + python);
    }
}

}  // namespace

TEST_CASE("what the sources of PyTorch's rows contradict is decided in the table's comments, all of it") {
    const auto data = shared("pytorch_versions.json");
    if (!data) {
        // Without them the table's own comments must at least be there to be checked elsewhere.
        CHECK(decided().size() > 10);
        return;
    }
    Set contradictions;
    for (const auto& [version, wheels] : (*data)["torch"].as_object()) {
        for (const auto& [label, wheel] : wheels.as_object()) check_wheel(version, label, wheel, contradictions);
    }
    CHECK(contradictions == decided());
}

TEST_CASE("every build of a PyTorch row was read somewhere") {
    const auto data = shared("pytorch_versions.json");
    if (!data) return;
    const auto& previous = (*data)["previous_versions"];
    for (const auto& [version, labels] : previous["wheel"].as_object()) {
        CAPTURE(version);
        Set builds;
        for (const auto& label : strings(labels)) {
            if (const auto cuda = cuda_of_label(label); !cuda.empty()) builds.insert(cuda);
        }
        CHECK(builds == set_of(images().cuda().find("pip", "torch", version)->builds));
    }
    const auto conda_forge = shared("conda_forge_cuda.json");
    REQUIRE(conda_forge);
    for (const auto& [version, builds] : previous["conda"].as_object()) {
        CAPTURE(version);
        CHECK(strings(builds) == set_of(images().cuda().find("conda", "pytorch", version)->builds));
        for (const auto& build : strings(builds))
            CHECK(strings((*conda_forge)["cuda-version"]["versions"]).contains(build));
    }
    for (const auto& [version, wheels] : (*data)["torch"].as_object()) {
        Set read;
        for (const auto& [other, patch] : (*data)["torch"].as_object()) {
            if (images().cuda().find("pip", "torch", other) != images().cuda().find("pip", "torch", version)) continue;
            for (const auto& [label, wheel] : patch.as_object()) read.insert(wheel.string_or("cuda", ""));
        }
        CAPTURE(version);
        for (const auto& build : images().cuda().find("pip", "torch", version)->builds) CHECK(read.contains(build));
    }
}

TEST_CASE("TensorFlow's rows are what was read") {
    const auto data = shared("cog_compat.json");
    if (!data) return;
    const auto& rows = (*data)["union_over_history"]["tf"].as_array();
    CHECK(rows.size() > 30);
    for (const auto& read : rows) {
        const auto& version = read["TF"].as_string();
        CAPTURE(version);
        // Up to 1.15 the GPU has a package of its own.
        const auto* row =
            images().cuda().find("pip", version.starts_with("1.") ? "tensorflow-gpu" : "tensorflow", version);
        REQUIRE(row != nullptr);
        CHECK(row->loads_base);
        const auto& cuda = read["CUDA"].as_string();
        CHECK(row->builds == std::vector{cuda.find('.') == std::string::npos ? cuda + ".0" : cuda});
        CHECK(row->cudnn == read["CuDNN"].as_string());
        CHECK(set_of(row->pythons) == strings(read["Pythons"]));
    }
}

TEST_CASE("the drivers are those of NVIDIA's release notes") {
    const auto data = shared("cuda_driver_min.json");
    if (!data) return;
    std::map<std::string, Set> read;
    const std::regex number(R"((\d+\.\d+).*)");
    for (const auto& row : (*data)["toolkit_driver"].as_array()) {
        const auto& cuda = row["cuda"].as_string();
        std::smatch match;
        REQUIRE(std::regex_match(cuda, match, number));
        if (cuda.ends_with(" RC")) continue;
        read[match[1]].insert(row["linux_x86_64_min_driver"].as_string());
    }
    CHECK(read.size() > 25);
    for (const auto& [cuda, drivers] : read) {
        CAPTURE(cuda);
        // The table names a release by minor version and update.
        Set known;
        for (const auto* update : {"", ".0", ".1", ".2", ".3", ".4"})
            known.insert(images().cuda().min_driver(value_or_throw(CudaVersion::parse(cuda + update))));
        for (const auto& driver : known) CHECK(drivers.contains(driver));
    }
}

TEST_CASE("NVIDIA's images are what their build files say") {
    const auto data = shared("nvidia_cuda_images.json");
    if (!data) return;
    std::map<std::string, const Json*> read;
    for (const auto& image : (*data)["images"].as_array()) read[image["tag"].as_string()] = &image;
    const auto supported = strings((*data)["supported_tags"]);
    const std::string prefix = "docker.io/nvidia/cuda:";
    std::size_t seen = 0;
    for (const auto& entry : images().images()) {
        if (!entry.image.starts_with(prefix)) continue;
        const auto tag = entry.image.substr(prefix.size());
        CAPTURE(tag);
        REQUIRE(read.contains(tag));
        const auto& image = *read[tag];
        ++seen;
        CHECK(entry.cuda == image.string_or("cuda", ""));
        CHECK(entry.os == image.string_or("os", ""));
        CHECK(entry.glibc == image.string_or("glibc", ""));
        CHECK(entry.flavor == image.string_or("flavor", ""));
        const auto cudnn = image.string_or("cudnn_version", "");
        CHECK(entry.cudnn == cudnn.substr(0, cudnn.find_first_of("-+")));
        CHECK(entry.deprecated == !supported.contains(tag));
    }
    CHECK(seen > 60);
}
